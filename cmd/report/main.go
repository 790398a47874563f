// Command report makes one HTML page of a run: scores, pictures, data.
package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/train/report"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var o report.Options
	cmd := &cobra.Command{
		Use:   "report --run DIR",
		Short: "Make one self-contained HTML page of a run, readable on a phone",
		Long: `Report gathers a run folder's scores, learning curves, maps and scatter, the
summary of its data, and what the studies left there (tsne, explain, transfer)
into one HTML page with the pictures inside, which needs no network. On top
stands what it says in plain words, and a map to pan, zoom and search: true and
predicted emission, error, interval width, images, and what is known of the cell
under the pointer (images and points of interest while the tile store is there).
The folder map in the run folder, where predict wrote it, adds which cells lie in
the model's domain, and areas. --since adds what changed since an earlier run or
prediction. What is not there is left out.

Exit codes: 0 done; 1 something failed; 2 the command line or the folder must be
mended.`,
		Example: `  go run ./cmd/report --run runs/demo/latest
  go run ./cmd/report --run runs/demo/latest --transfer transfer/made --out demo.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := report.Write(o)
			if err == nil {
				fmt.Fprintln(cmd.OutOrStdout(), path)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.Run, "run", "", "run folder, e.g. runs/demo/latest (required)")
	f.StringVar(&o.Out, "out", "", "path of the page (default report.html in the run folder)")
	f.StringVar(&o.Since, "since", "", "folder of an earlier prediction or run of the same cells, whose change the map shows as well")
	f.StringVar(&o.Transfer, "transfer", "", "folder of a transfer study to show (default: transfer in the run folder, or the study that the run is part of)")
	return cmd
}
