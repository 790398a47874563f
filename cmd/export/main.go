// Command export writes a checkpoint as a .pth file, which PyTorch and, for the
// reference variant, the authors' published program can load.
package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/data/fault"
	"opencarbon/train/checkpoint"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var from, out string
	cmd := &cobra.Command{
		Use:   "export --checkpoint C --out model.pth",
		Short: "Write a checkpoint as a .pth file for PyTorch, under the published program's names",
		Long: `Export writes {model_state_dict, optimizer_state_dict} in PyTorch's zip layout,
which torch.load reads with weights_only=True. A model of the reference variant
can be loaded by the authors' published program.`,
		Example: `  go run ./cmd/export --checkpoint runs/beijing/latest/best.safetensors --out model.pth`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, f := range [][3]string{{"--checkpoint", from, "Name best.safetensors of a run folder."}, {"--out", out, "Name the .pth file to write."}} {
				if f[1] == "" {
					return fault.New(f[0], "is not given", f[2])
				}
			}
			c, err := checkpoint.Read(from)
			if err != nil {
				return err
			}
			n, err := checkpoint.Export(c, out)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d tensors written: %s\n", n, out)
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "checkpoint", "", "checkpoint to export, e.g. runs/beijing/latest/best.safetensors (required)")
	f.StringVar(&out, "out", "", "the .pth file to write (required)")
	return cmd
}
