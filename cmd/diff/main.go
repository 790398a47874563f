// Command diff says what changed between two predictions of the same cells.
package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/data/fault"
	"opencarbon/train/change"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var out string
	var truth bool
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "What changed from one prediction to another: per cell, per area, as a map",
		Long: `Diff compares two predictions of the same cells, from A to B: two dates, or two
models. A and B are folders that predict or train wrote, or their predictions.csv.
It leaves a table of cells (diff.csv), a diverging map (diff.png) and, where both
folders have areas.csv, a table of areas (diff-areas.csv), the largest change
first. The range of a change takes both 90% intervals as independent of each
other, which is on the safe side for two dates of one model. With --true the inventories are
compared that two runs were trained on.

Exit codes: 0 done; 1 something failed; 2 the command line or the tables must be
mended.`,
		Example: `  go run ./cmd/diff predictions/2013 predictions/2019 --out change
  go run ./cmd/diff runs/london-2013/latest runs/london-2019/latest --true`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return fault.New("command line", fmt.Sprintf("names %d predictions, two are compared", len(args)),
					"Give two folders or tables of predict or train: go run ./cmd/diff A B")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			compare := change.Compare
			if truth {
				compare = change.CompareTrue
			}
			r, err := compare(args[0], args[1], out)
			if err != nil {
				return err
			}
			return r.Print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().BoolVar(&truth, "true", false, "compare the true amounts, of the inventories that two runs were trained on, instead of the predicted ones")
	cmd.Flags().StringVar(&out, "out", "diff", "folder of the results")
	return cmd
}
