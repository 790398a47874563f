// Command ablation is compare with the rows of the paper's Figure 3, or of the
// ways to train faster.
package main

import (
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/rows"
	"opencarbon/data/store"
	"opencarbon/train/compare"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var variants []string
	var levers bool
	var o compare.Options
	var common *rows.Flags
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
			name, chosen := "ablation", variants
			if levers {
				if name = "levers"; !cmd.Flags().Changed("variants") {
					chosen = compare.Levers()
				}
			}
			methods := make([]string, len(chosen))
			for i, r := range chosen {
				methods[i] = strings.Replace(r, "full", "opencarbon", 1)
			}
			o.Block = 8
			return common.Run(cmd, methods, o, name, func(*store.Store) ([]compare.Entry, error) { // all is well: training begins
				cmd.PrintErrln("ablation is: go run ./cmd/compare --methods " + strings.Join(methods, ","))
				return nil, nil
			})
		},
	}
	f := cmd.Flags()
	common = rows.Add(cmd)
	f.StringSliceVar(&variants, "variants", append([]string{"full"}, compare.Ablations()...), "what to train")
	f.BoolVar(&levers, "levers", false, "train the ways to be faster instead of the ablations")
	f.IntVar(&o.Seeds, "seeds", 5, "number of seeds")
	f.StringVar(&o.Out, "out", "", "folder of the results (default runs/<name>/ablation)")
	return cmd
}
