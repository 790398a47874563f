// Command ablation trains an experiment and its ablations over several seeds
// and prints the test scores with their spread.
package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/ablation"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source string
	var set []string
	var verbose, levers bool
	var o ablation.Options
	cmd := &cobra.Command{
		Use:   "ablation --config X.yaml",
		Short: "Train a model and its ablations over several seeds (Figure 3)",
		Long: `Ablation trains the full model, and the model without squeeze-and-excitation,
without contrastive loss, without neighborhood and without augmentation
(train.augment), each with several seeds on the same split, and prints R2, MAE and
RMSE on the test cells as mean and standard deviation. Runs that are done are
kept: the same command goes on after a stop.
With --levers it trains the whole model in several ways that differ in speed
(train.sampler, train.encode, train.precision): random batches; the same with
historical embeddings of the neighbors, in float32 and in bfloat16; batches of
blocks of 4 x 4 cells, and of one patch each; the published program's slices.`,
		Example: `  go run ./cmd/ablation --config demo --seeds 5
  go run ./cmd/ablation --config london --variants full --seeds 3
  go run ./cmd/ablation --config demo --levers            # what the ways to train faster cost`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source == "" {
				return fault.New("--config", "is not given", "Name an experiment file or a preset, for example: --config demo")
			}
			c, err := train.LoadExperiment(source, set)
			if err != nil {
				return err
			}
			if _, err := build.Store(cmd, c, data.Options{}); err != nil {
				return err
			}
			name := "ablation"
			if levers {
				if name = "levers"; !cmd.Flags().Changed("variants") {
					o.Variants = ablation.Levers
				}
			}
			if o.Out == "" {
				o.Out = filepath.Join(c.Output.Dir, c.Name, name)
			}
			o.Train.Progress.Quiet = !verbose
			o.Report = cmd.OutOrStdout()
			scores, err := ablation.Run(cmd.Context(), c, o)
			if err != nil {
				return err
			}
			return ablation.Table(cmd.OutOrStdout(), ablation.Summarize(scores))
		},
	}
	f := cmd.Flags()
	f.StringVar(&source, "config", "", "experiment file or preset (required)")
	f.StringArrayVar(&set, "set", nil, "override a key, e.g. --set train.epochs=5; may be repeated")
	f.StringSliceVar(&o.Variants, "variants", ablation.Variants, "what to train")
	f.BoolVar(&levers, "levers", false, "train the ways to be faster instead of the ablations")
	f.IntVar(&o.Seeds, "seeds", 5, "number of seeds")
	f.StringVar(&o.Out, "out", "", "folder of the results (default runs/<name>/ablation)")
	f.BoolVar(&verbose, "verbose", false, "show the progress of each run")
	return cmd
}
