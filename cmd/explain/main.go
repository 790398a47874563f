// Command explain shows what a trained model attends to, and what single
// categories of points of interest do to its predictions.
package main

import (
	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/train/study"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var o study.ExplainOptions
	cmd := &cobra.Command{
		Use:   "explain --checkpoint C",
		Short: "Show a model's attention by emission, its gates, and the effect of each POI category",
		Long: `Explain writes tables and pictures of: the weights that both aggregate-attentions
give to satellite image and points of interest, against emission; the gate that
squeeze-and-excitation gives to each POI category; the rank correlation of each
category's share with emission; and the change of the predicted emission when a
category is taken away, from the neighborhood too; and what each group of a cell's
features (image statistics, ln counts; own, 3 x 3, 5 x 5) does.

The results lie in the checkpoint's run folder, in explain/, unless --out says
otherwise. What a model has not (one modality, no gates) is left out and said.
Exit codes: 0 done; 1 something failed; 2 the command line, the store or the
checkpoint must be mended; 130 interrupted.`,
		Example: `  go run ./cmd/explain --checkpoint runs/demo/latest/best.safetensors
  go run ./cmd/explain --checkpoint runs/demo/latest/best.safetensors --store stores/othercity --cells 0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			r, err := study.Explain(cmd.Context(), o)
			if err != nil {
				return err
			}
			return r.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Checkpoint, "checkpoint", "", "checkpoint of a run, e.g. runs/demo/latest/best.safetensors (required)")
	f.StringVar(&o.Surplus, "surplus", "", "points of categories that the checkpoint does not know: drop, or the category that they count as")
	f.IntVar(&o.Neighborhood, "neighborhood", 0, "M of a .pth checkpoint with a neighborhood: 3, 5 or 7, which its weights do not tell")
	f.StringVar(&o.Store, "store", "", "folder of a tile store (default: the one that the checkpoint was trained on)")
	f.StringVar(&o.Out, "out", "", "folder of the results (default: explain in the run folder)")
	f.IntVar(&o.Bins, "bins", 10, "bins of emission, with equal numbers of cells")
	f.IntVar(&o.Cells, "cells", 2000, "cells that categories are taken away from, drawn by the seed where there are more; 0 = all")
	f.Uint64Var(&o.Seed, "seed", 42, "of every draw")
	f.StringVar(&o.Device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", 0, "CPU threads; 0 = all cores")
	f.BoolVar(&o.Progress.Quiet, "quiet", false, "no progress")
	return cmd
}
