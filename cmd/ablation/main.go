// Command ablation is compare with the rows of the paper's Figure 3, or of the
// ways to train faster.
package main

import (
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/part"
	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/compare"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source string
	var set, variants []string
	var levers bool
	var o compare.Options
	var share *part.Flag
	cmd := &cobra.Command{
		Use:   "ablation --config X.yaml",
		Short: "Train a model and its ablations over several seeds (Figure 3)",
		Long: `Ablation is compare with the full model (opencarbon) and the model without one of
its parts as rows, on the split of data.split; compare has folds, other methods and
areas beside. Each training is kept in --out: the same command goes on after a stop.
With --levers it trains the whole model in several ways that differ in speed
(train.sampler, train.encode, train.precision): random batches; the same with
historical embeddings of the neighbors, in float32 and in bfloat16; batches of
blocks of 4 x 4 cells, and of one patch each; the published program's slices.

Variants: full, ` + strings.Join(compare.Ablations(), ", ") + ".",
		Example: `  go run ./cmd/ablation --config demo --seeds 5
  go run ./cmd/ablation --config london --variants full --seeds 3
  go run ./cmd/ablation --config demo --levers            # what the ways to train faster cost
  go run ./cmd/compare --config demo --ablations --folds 5`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source == "" {
				return fault.New("--config", "is not given", "Name an experiment file or a preset, for example: --config demo")
			}
			shard, some, err := share.Shard()
			if err != nil {
				return err
			}
			c, err := train.LoadExperiment(source, set)
			if err != nil {
				return err
			}
			name, rows := "ablation", variants
			if levers {
				if name = "levers"; !cmd.Flags().Changed("variants") {
					rows = compare.Levers()
				}
			}
			methods := make([]string, len(rows))
			for i, r := range rows {
				methods[i] = strings.Replace(r, "full", "opencarbon", 1)
			}
			entries, err := compare.Entries(c, methods)
			if err != nil {
				return err
			}
			s, err := build.Open(cmd, c)
			if err != nil {
				return err
			}
			defer s.Close()
			if o.Out == "" {
				o.Out = filepath.Join(c.Output.Dir, c.Name, name)
			}
			o.Block, o.Report, o.Seed, o.Threads = 8, cmd.OutOrStdout(), c.Seed, c.Train.Threads
			cmd.PrintErrln("ablation is: go run ./cmd/compare --methods " + strings.Join(methods, ","))
			if some {
				deal, err := compare.Work(cmd.Context(), s, entries, o, shard)
				if err != nil {
					return err
				}
				return part.Say(cmd, deal)
			}
			t, err := compare.Run(cmd.Context(), s, entries, o)
			if err != nil {
				return err
			}
			cmd.Println()
			t.Markdown(cmd.OutOrStdout())
			return nil
		},
	}
	f := cmd.Flags()
	share = part.Add(cmd)
	f.StringVar(&source, "config", "", "experiment file or preset (required)")
	f.StringArrayVar(&set, "set", nil, "override a key, e.g. --set train.epochs=5; may be repeated")
	f.StringSliceVar(&variants, "variants", append([]string{"full"}, compare.Ablations()...), "what to train")
	f.BoolVar(&levers, "levers", false, "train the ways to be faster instead of the ablations")
	f.IntVar(&o.Seeds, "seeds", 5, "number of seeds")
	f.StringVar(&o.Out, "out", "", "folder of the results (default runs/<name>/ablation)")
	return cmd
}
