// Command transfer asks how well a model of one region orders the cells of
// others that it has never seen.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/part"
	"opencarbon/cmd/internal/progress"
	"opencarbon/data/label"
	"opencarbon/data/raster"
	"opencarbon/train/checkpoint"
	"opencarbon/train/study"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source, surplus string
	var accept, methods []string
	var checkpoints, stores []string
	var quiet bool
	var block, draws int
	var seed uint64
	var o study.TransferOptions
	var share *part.Flag
	cmd := &cobra.Command{
		Use:   "transfer --config transfer.yaml",
		Short: "Train a model per region, apply each to every other, and compare the ranks",
		Long: `Transfer trains a model for each region of a plan (or takes checkpoints), applies
each directly to all cells of every other region, and writes the matrix of
Spearman's rank correlations with p-values and 95% intervals from a bootstrap by
spatial blocks, Kendall's tau, and R2 after the best monotone recalibration:
transfer.csv, transfer.json and transfer.png. The diagonal is computed on each
region's own test cells. A model goes to a region as with predict: see --accept and
--surplus.

A plan lists regions, each with an experiment file or a checkpoint and store:

  name: mine
  set: [train.epochs=50, data.poi.categories=table.yaml]
  regions:
    - {name: north, config: north.yaml}
    - {name: south, config: both.yaml, set: ["data.region.bbox=[10, 50, 10.4, 50.3]"]}
    - {name: east, checkpoint: runs/east/latest/best.safetensors, store: stores/east}

With --methods each of several ways to predict gets its matrix (Figure 4(b)), below
methods/ in the study's folder, and transfer-methods.csv their means.

The same command given again goes on where it was interrupted, and does not train
again what is trained. Exit codes: 0 done; 1 something failed; 2 the plan, the
command line or the data must be mended; 130 interrupted.`,
		Example: `  go run ./cmd/synth --out cities --cities 4 && go run ./cmd/transfer --config made
  go run ./cmd/transfer --config made --methods opencarbon,ridge,SVR,XGBoost
  OPENCARBON_DATA=data go run ./cmd/transfer --config tokyo-quarters
  go run ./cmd/transfer --checkpoint A.safetensors --store stores/a --checkpoint B.safetensors --store stores/b`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			shard, some, err := share.Shard()
			if err != nil {
				return err
			}
			plan, err := study.PlanOf(source, checkpoints, stores)
			if err != nil {
				return err
			}
			f := cmd.Flags()
			if f.Changed("block") {
				plan.Block = block
			}
			if f.Changed("draws") {
				plan.Draws = draws
			}
			if f.Changed("seed") {
				plan.Seed = seed
			}
			if f.Changed("surplus") {
				plan.Surplus = surplus
			}
			if f.Changed("accept") {
				plan.Accept = accept
			}
			if err := plan.Check("command line"); err != nil { // the flags may have broken it
				return err
			}
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
				deal, err := study.TransferWork(cmd.Context(), plan, o, methods, shard)
				bar.Close()
				if err != nil {
					return err
				}
				return part.Say(cmd, deal)
			}
			if len(methods) > 0 {
				rows, err := study.TransferMethods(cmd.Context(), plan, o, methods)
				bar.Close()
				if err != nil {
					return err
				}
				return study.PrintMethods(cmd.OutOrStdout(), rows)
			}
			r, err := study.Transfer(cmd.Context(), plan, o)
			bar.Close()
			if err != nil {
				return err
			}
			return r.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	share = part.Add(cmd)
	f.StringVar(&source, "config", "", "plan of the study, or one that comes with the program: "+strings.Join(study.PlanNames(), ", "))
	f.StringArrayVar(&checkpoints, "checkpoint", nil, "in place of --config: a region's checkpoint; once for each region")
	f.StringArrayVar(&stores, "store", nil, "the tile store of the region of each --checkpoint, in their order")
	f.StringVar(&o.Out, "out", "", "folder of everything that the study makes (default transfer/<name>)")
	f.StringArrayVar(&o.Set, "set", nil, "override a key of every region's experiment; may be repeated")
	f.IntVar(&block, "block", 8, "edge in cells of the blocks that intervals are drawn by")
	f.IntVar(&draws, "draws", 1000, "resamples of the bootstrap")
	f.Uint64Var(&seed, "seed", 42, "of the bootstrap")
	f.StringVar(&surplus, "surplus", "", "points of categories that a model does not know: drop, or the category that they count as")
	f.StringSliceVar(&accept, "accept", nil, "differences between regions that do not matter: "+strings.Join(checkpoint.Acceptable(), ", "))
	f.StringVar(&o.Device, "device", "auto", "that models are applied on: auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", 0, "CPU threads that models are applied with; 0 = all cores")
	f.StringSliceVar(&methods, "methods", nil, "ways to predict, as compare names them (opencarbon, ridge, XGBoost, paper ...): a matrix of each, and a table of means")
	f.BoolVar(&quiet, "quiet", false, "only print the results")
	return cmd
}
