// Command compare puts OpenCarbon and other ways to predict side by side on the
// same cells.
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
	var methods, maps []string
	var m compare.MapSpec
	var ablations bool
	var o compare.Options
	names, about := compare.Methods()
	var list strings.Builder
	for i, n := range names {
		list.WriteString("\n  " + n + strings.Repeat(" ", max(1, 18-len(n))) + about[i])
	}
	var common *rows.Flags
	cmd := &cobra.Command{
		Use:   "compare --config X.yaml",
		Short: "Compare ways to predict on the same cells (Table 2)",
		Long: `Compare trains each method with several seeds on the same cells and prints R2, MAE
and RMSE on ln emission of test cells as mean and standard deviation over seeds, the
difference of R2 to the first row with a 95% interval (whole spatial blocks are drawn
again and again), and the time of a training. Further rows that need no training: the
mean of a method's seeds, and a stack, whose weights fit the validation cells.

By default test cells are those of data.split. With --folds 5 blocks of cells are dealt
to five folds, and every cell is predicted once by a model that saw neither it nor its
block: the better figure, since it does not hang on one lucky split. With
--folds-method knndm folds are such that held-out cells lie as far from those that
train as the cells without a target (of the store, or of --for) from those with one:
what a map of that region is worth.

Each training is kept in --out as it is done: the same command goes on after a stop.
Results: table.md, table.csv, table.json, table.png and cells.csv (what each method says
of each test cell) in --out.

The paper's rivals have settings of their own, which --set does not change: train and
tune do, with --set model.variant=tile2vec (or another) beside them.

Methods:` + list.String(),
		Example: `  go run ./cmd/compare --config demo
  go run ./cmd/compare --config demo --folds 5 --seeds 3
  go run ./cmd/compare --config my-city --folds 5 --folds-method knndm --for 13.0,52.3,13.8,52.7
  go run ./cmd/compare --config london --methods opencarbon,paper
  go run ./cmd/compare --config demo --ablations
  go run ./cmd/compare --config demo --methods opencarbon,resnet18,ridge --reach 0.8
  go run ./cmd/compare --config london --map odiac.tif --map-units tC
  go run ./cmd/compare --config shenzhen --folds 5 --block 6 --without-top 2`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ablations {
				methods = append([]string{"opencarbon"}, compare.Ablations()...)
			}
			if o.Dealt == compare.KNNDM && !cmd.Flags().Changed("buffer") {
				o.Buffer = 0 // it keeps neighbors apart, whose distances are to be matched
			}
			return common.Run(cmd, methods, o, "compare", func(s *store.Store) (entries []compare.Entry, err error) {
				for _, path := range maps {
					m.Path = path
					e, err := compare.MapEntry(cmd.Context(), s, m)
					if err != nil {
						return nil, err
					}
					entries = append(entries, e)
				}
				return entries, nil
			})
		},
	}
	f := cmd.Flags()
	common = rows.Add(cmd)
	f.StringSliceVar(&methods, "methods", compare.Default(), "what to compare; the first row is what others are compared with")
	f.BoolVar(&ablations, "ablations", false, "compare the network with itself, a part taken out each time (Figure 3)")
	f.IntVar(&o.Seeds, "seeds", 3, "trainings of each method that draws at random")
	f.IntVar(&o.Folds, "folds", 0, "spatial folds; 0 = the split of data.split")
	f.StringVar(&o.Dealt, "folds-method", compare.ByBlocks, "folds: blocks, or knndm (nearest-neighbor distances as in the prediction)")
	f.StringVar(&o.For, "for", "", "knndm: where the prediction is: another store, or west,south,east,north in degrees (default the store's own cells)")
	f.IntVar(&o.Block, "block", 8, "edge, in cells, of the blocks of folds and of the bootstrap")
	f.IntVar(&o.Buffer, "buffer", 1, "folds: cells around test and validation cells that are not trained on (knndm: 0 if not given)")
	f.Int64Var(&o.Draw, "fold-seed", 42, "folds: the draw that deals blocks to folds")
	f.StringArrayVar(&maps, "map", nil, "a map of emissions that stands beside them as it is (raster or polygons, regridded with its mass kept); may be repeated")
	f.StringVar(&m.Units, "map-units", "tCO2", "of --map: tCO2, tC, kgCO2, ...")
	f.StringVar(&m.Per, "map-per", "cell", "of --map: cell, km2 or m2")
	f.StringVar(&m.Period, "map-period", "year", "of --map: year, month, day, hour or second")
	f.StringVar(&m.Attribute, "map-attribute", "", "of --map with polygons: the column of amounts")
	f.StringVar(&o.Parts.Areas, "areas", "", "polygons: R2 within each of them, and elsewhere, stands beside the whole")
	f.StringVar(&o.Parts.Field, "field", "", "column of --areas with the names")
	f.IntVar(&o.Parts.WithoutTop, "without-top", 0, "R2 without this many cells of the largest emissions (power plants) stands beside the whole")
	f.Float64Var(&o.Reach, "reach", 0, "say how long each method takes until the validation cells' R2 is this high; 0 = do not")
	f.StringVar(&o.Out, "out", "", "folder of the results (default runs/<name>/compare)")
	return cmd
}
