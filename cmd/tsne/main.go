// Command tsne shows how a trained model sees a region's cells: it exports their
// representations and draws them on a plane, colored by emission.
package main

import (
	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/train/study"
	"opencarbon/train/tsne"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var o study.MapOptions
	var start, method string
	cmd := &cobra.Command{
		Use:   "tsne --checkpoint C",
		Short: "Export a model's embeddings and draw them by t-SNE, colored by emission",
		Long: `Tsne takes the representations of all cells out of a trained model (X_g, after
the grid-level aggregation, unless --embedding says otherwise or the model has
none, as the paper's rivals), writes them as CSV, Parquet, .npy and TensorBoard
projector files with cell, place, true and predicted ln emission, and draws their
t-SNE map with six anchor cells along the gradient of emission.

The results lie in the checkpoint's run folder, in tsne/, unless --out says
otherwise. Exit codes: 0 done; 1 something failed; 2 the command line, the store
or the checkpoint must be mended; 130 interrupted.`,
		Example: `  go run ./cmd/tsne --checkpoint runs/demo/latest/best.safetensors
  go run ./cmd/tsne --checkpoint runs/demo/latest/best.safetensors --embedding image,poi,final --perplexity 50
  go run ./cmd/tsne --checkpoint runs/demo/latest/best.safetensors --store stores/othercity --out maps/othercity`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.TSNE.Start, o.TSNE.Method = tsne.Start(start), tsne.Method(method)
			r, err := study.Map(cmd.Context(), o)
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
	f.StringVar(&o.Out, "out", "", "folder of the results (default: tsne in the run folder)")
	f.StringSliceVar(&o.Embeddings, "embedding", nil, "grid (X_g), image (X_s), poi (X_p), neighborhood (X_n), final (X_g^f); several by commas (default grid; of a model without it the first that it has)")
	f.Float64Var(&o.TSNE.Perplexity, "perplexity", 0, "effective number of neighbors; 0 = 30, or as much as few cells allow")
	f.IntVar(&o.TSNE.Iterations, "iterations", 0, "steps of the descent; 0 = 1000")
	f.Uint64Var(&o.Seed, "seed", 42, "of every draw")
	f.StringVar(&start, "start", "pca", "where points lie at first: pca or random")
	f.StringVar(&method, "method", "", "exact or barnes-hut (default: exact up to 1,000 cells)")
	f.IntVar(&o.Cells, "cells", 20000, "cells on the map, drawn by the seed where there are more; 0 = all")
	f.IntVar(&o.Anchors, "anchors", 6, "anchor cells shown by their image; -1 = none")
	f.StringVar(&o.Device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", 0, "CPU threads; 0 = all cores")
	f.BoolVar(&o.Progress.Quiet, "quiet", false, "no progress")
	return cmd
}
