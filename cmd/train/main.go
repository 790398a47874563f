// Command train trains OpenCarbon on a region and leaves a run folder behind:
// checkpoints, metrics, predictions, pictures.
package main

import (
	"os"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/train"
	"opencarbon/train/config"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source, resume string
	var set []string
	var printConfig, quiet bool
	cmd := &cobra.Command{
		Use:   "train --config X.yaml",
		Short: "Train OpenCarbon on a region's tiles, and say how good it is on held-out cells",
		Long: `Train builds the region's tile store if it is missing or out of date, trains the
model, and writes runs/<name>/<time>/: config.yaml, run.json, metrics.csv,
TensorBoard events, best.safetensors, last.safetensors, predictions.csv and
pictures. Ctrl-C finishes the step, saves, and prints how to resume.

Exit codes: 0 done; 1 something failed; 2 the config, the command line or the
data must be mended; 130 interrupted, the state is saved.`,
		Example: `  go run ./cmd/train --config demo                         # the made city (see make demo)
  go run ./cmd/train --config mycity.yaml
  go run ./cmd/train --config mycity.yaml --set train.epochs=50 --set model.neighborhood=5
  go run ./cmd/train --config beijing.yaml --print-config  # every key, nothing run
  go run ./cmd/train --resume runs/demo/latest`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := experiment(source, set, resume)
			if err != nil {
				return err
			}
			if printConfig {
				text, err := c.YAML()
				if err != nil {
					return err
				}
				_, err = cmd.OutOrStdout().Write(text)
				return err
			}
			table, err := train.WeightsTable(c)
			if err != nil {
				return err
			}
			report, err := build.Store(cmd, c, data.Options{CategoryTable: table})
			if err != nil {
				return err
			}
			if !quiet {
				if err := report.Print(cmd.OutOrStdout()); err != nil {
					return err
				}
			}
			o := train.Options{Resume: resume, Command: os.Args, GDAL: raster.Version()}
			o.Progress.Quiet = quiet
			result, err := train.Run(cmd.Context(), c, o)
			if err != nil {
				return err
			}
			return result.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&source, "config", "", "experiment file, or a preset: "+strings.Join(config.PresetNames(), ", "))
	f.StringArrayVar(&set, "set", nil, "override a key, e.g. --set train.epochs=5; may be repeated")
	f.StringVar(&resume, "resume", "", "run folder of an interrupted run to go on with, e.g. runs/demo/latest")
	f.BoolVar(&printConfig, "print-config", false, "print the whole config as it would be used, and stop")
	f.BoolVar(&quiet, "quiet", false, "only print the results")
	return cmd
}

func experiment(source string, set []string, resume string) (*config.Config, error) {
	switch {
	case resume != "" && (source != "" || len(set) > 0):
		return nil, fault.New("--resume", "goes on with the run's own config", "Leave --config and --set away, or start a new run without --resume.")
	case resume != "":
		return train.ResumeConfig(resume)
	case source == "":
		return nil, fault.New("--config", "is not given", "Name an experiment file or a preset, for example: --config demo")
	}
	return train.LoadExperiment(source, set)
}
