// Package intervals is the command that checks that prediction intervals hold the
// truth as often as they promise, under its name and its old one.
package intervals

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/part"
	"opencarbon/cmd/internal/progress"
	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/raster"
	"opencarbon/data/synth"
	"opencarbon/train/study"
)

// Command is the command line of that name.
func Command(name string) *cobra.Command {
	var o study.CoverageOptions
	var cells string
	var quiet bool
	var share *part.Flag
	cmd := &cobra.Command{
		Use:   name,
		Short: "Train with several seeds and count how often prediction intervals hold",
		Long: `Intervals makes a city for each seed, trains a model on it, and counts how often
the 80, 90 and 95% intervals, which come from the errors on its validation cells,
hold the truth of its test cells. A fifth of the made city's cells train, the rest
is divided between validation and test cell by cell, as the intervals' promise
asks: of cells that are alike. With --config it trains that experiment with each
seed instead; how far its own split keeps the promise is then the question.

With --held-out blocks whole blocks of cells are held out, as where a map goes on
beyond an inventory: intervals of sums over such blocks, and the total of all test
cells, are then looked at too; with --config, too, each seed draws its blocks anew.
--of stack and --of folds look at the checkpoints that train.stack and train.folds ask
for, in place of the network's, and --of ridge (SVR, XGBoost, Tile2Vec, ... as compare
calls them) at another method, alone.

It takes as long as training so many models; the same command given again goes on
where it was. Exit codes: 0 done; 1 something failed; 2 the command line or the
data must be mended; 130 interrupted.`,
		Example: `  go run ./cmd/intervals
  go run ./cmd/intervals --cells 12x12 --size 32 --seeds 2 --set train.epochs=10
  go run ./cmd/intervals --held-out blocks --seeds 20
  go run ./cmd/intervals --held-out blocks --seeds 20 --set train.folds=5 --of folds
  go run ./cmd/intervals --config demo
  go run ./cmd/intervals --config london --held-out blocks --of ridge --seeds 20`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Config != "" && !cmd.Flags().Changed("out") {
				o.Out = filepath.Join("intervals", strings.TrimSuffix(filepath.Base(o.Config), filepath.Ext(o.Config)))
			}
			shard, some, err := share.Shard()
			if err != nil {
				return err
			}
			if o.First < 1 {
				return fault.New("--first-seed", fmt.Sprintf("%d", o.First), "Give at least 1.")
			}
			if o.City.Rows, o.City.Cols, err = synth.ParseCells(cells); err != nil {
				return err
			}
			o.City.Cities = 1
			o.Command, o.GDAL, o.Progress.Quiet = os.Args, raster.Version(), quiet
			bar := progress.New(cmd.ErrOrStderr())
			if !quiet {
				o.Building = bar.Set
				o.Say = func(line string) {
					bar.Close()
					fmt.Fprintln(cmd.ErrOrStderr(), label.Lines(line))
				}
			}
			if some {
				deal, err := study.CoverageWork(cmd.Context(), o, shard)
				bar.Close()
				if err != nil {
					return err
				}
				return part.Say(cmd, deal)
			}
			r, err := study.Coverage(cmd.Context(), o)
			bar.Close()
			if err != nil {
				return err
			}
			return r.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	share = part.Add(cmd)
	f.StringVar(&o.Out, "out", "intervals/made", "folder of everything that the study makes; with --config intervals/<its name>")
	f.StringVar(&o.Config, "config", "", "experiment file or preset to train with each seed (default: a made city for each)")
	f.StringVar(&cells, "cells", "48x48", "rows x columns of cells of a made city")
	f.IntVar(&o.City.Size, "size", 32, "pixels along a cell's edge of a made city")
	f.StringVar(&o.HeldOut, "held-out", study.HeldOutCells, "what is held out: cells of made cities (with --config what its split says), or blocks of 8 x 8 whose sums are then looked at too")
	f.StringVar(&o.Of, "of", study.OfNetwork, "whose intervals: of the network, the stack (--set train.stack=...), the folds (--set train.folds=5), or of a method as compare calls it")
	f.IntVar(&o.Seeds, "seeds", 5, "models to train")
	f.Int64Var(&o.First, "first-seed", 1, "seed of the first model; the others have the next ones")
	f.StringArrayVar(&o.Set, "set", nil, "override a key of the experiment; may be repeated")
	f.BoolVar(&quiet, "quiet", false, "only print the results")
	return cmd
}
