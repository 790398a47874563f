// Command train trains OpenCarbon on a region and leaves a run folder behind:
// checkpoints, metrics, predictions, pictures.
package main

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
	"opencarbon/train/runlog"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source, resume, in string
	var set []string
	var timeout time.Duration
	var resize bool
	var printConfig, quiet bool
	cmd := &cobra.Command{
		Use:   "train --config X.yaml",
		Short: "Train OpenCarbon on a region's tiles, and say how good it is on held-out cells",
		Long: `Train builds the region's tile store if it is missing or out of date, trains the
model, and writes runs/<name>/<time>/: config.yaml, run.json, metrics.csv,
TensorBoard events, best.safetensors, last.safetensors, predictions.csv and
pictures. Ctrl-C finishes the step, saves, and prints how to resume.

Several processes started by torchrun, srun or mpirun train one model together
(train/SCALE.md); --run DIR begins there or goes on, so that the launcher may
start the same command again.

Exit codes: 0 done; 1 something failed; 2 the config, the command line or the
data must be mended; 130 interrupted, the state is saved.`,
		Example: `  go run ./cmd/train --config demo                         # the made city (see make demo)
  go run ./cmd/train --config mycity.yaml
  go run ./cmd/train --config mycity.yaml --set train.epochs=50 --set model.neighborhood=5
  go run ./cmd/train --config beijing.yaml --print-config  # every key, nothing run
  go run ./cmd/train --resume runs/demo/latest
  torchrun --no_python --nproc_per_node=2 ./train --config demo --run runs/demo/two`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			rank, err := fleet.Ranks(os.Getenv)
			if err != nil {
				return err
			}
			c, err := experiment(source, set, resume)
			if err == nil && in != "" {
				err = again(c, in, resume)
			}
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
			group, err := train.Join(rank, timeout, about(c))
			if err != nil {
				return err
			}
			defer func() { group.Close(err) }()
			if err := train.FirstRank(group, "store", func() error {
				table, err := checkpoint.WeightsTable(c)
				if err != nil {
					return err
				}
				report, err := build.Store(cmd, c, data.Options{CategoryTable: table})
				if err != nil || quiet {
					return err
				}
				return report.Print(cmd.OutOrStdout())
			}); err != nil {
				return err
			}
			o := train.Options{Resume: resume, In: in, Again: in != "", Command: os.Args, GDAL: raster.Version(),
				Group: group, Local: rank.Local, LocalWorld: rank.LocalWorld, Resize: resize}
			o.Progress.Quiet = quiet
			if !group.Alone() && group.Rank == 0 && !quiet {
				fmt.Fprintf(cmd.OutOrStdout(), "%d ranks train together: batches of %d cells are shared\n", group.World, c.Train.BatchSize)
			}
			result, err := train.Run(cmd.Context(), c, o)
			if err != nil || result == nil {
				return err
			}
			return result.Print(cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&source, "config", "", "experiment file, or a preset: "+strings.Join(config.PresetNames(), ", "))
	f.StringArrayVar(&set, "set", nil, "override a key, e.g. --set train.epochs=5; may be repeated")
	f.StringVar(&resume, "resume", "", "run folder of an interrupted run to go on with, e.g. runs/demo/latest")
	f.StringVar(&in, "run", "", "run folder to begin in, or to go on in where it is there: the command that a launcher may repeat")
	f.DurationVar(&timeout, "timeout", 5*time.Minute, "of several ranks: most that one waits for the others")
	f.BoolVar(&resize, "resize", false, "go on with a run that another number of ranks began")
	f.BoolVar(&printConfig, "print-config", false, "print the whole config as it would be used, and stop")
	f.BoolVar(&quiet, "quiet", false, "only print the results")
	return cmd
}

// about is what all ranks must have been started with.
func about(c *config.Config) string {
	text, err := c.YAML()
	if err != nil {
		text = []byte(err.Error())
	}
	return fmt.Sprintf("config %08x", crc32.ChecksumIEEE([]byte(text)))
}

// again checks that --run's folder, where it is there, holds a run of c.
func again(c *config.Config, dir, resume string) error {
	if resume != "" {
		return fault.New("--run", "and --resume are both given", "Keep one: --run DIR with --config goes on too.")
	}
	if _, err := os.Stat(filepath.Join(dir, runlog.ConfigFile)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	was, err := train.ResumeConfig(dir)
	if err != nil {
		return err
	}
	if about(was) != about(c) {
		return fault.New(dir, "holds a run of another config", "Give another folder to --run, or the config that began the run.")
	}
	return nil
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
