// Command tune searches a grid of settings for the network that predicts the
// validation cells best.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/part"
	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/atomicfile"
	"opencarbon/train/config"
	"opencarbon/train/method"
	"opencarbon/train/tune"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source string
	var set, grid []string
	var most int
	var o tune.Options
	var share *part.Flag
	cmd := &cobra.Command{
		Use:   "tune --config X.yaml",
		Short: "Search a grid of settings by validation cells",
		Long: `Tune trains the network at every point of a grid and keeps the settings whose best
validation R2 is highest; test cells are never looked at. Without --grid it is the
paper's search over learning rate, batch size, neighborhood and alpha: 81 trainings, of
which --trials takes some by chance; for a rival (model.variant: tile2vec) it is that
rival's own. A training that falls behind the median of those before it is stopped
(--prune=false trains all to the end).

Each trial is a line of trials.jsonl in --out as it is done: the same command goes on
after a stop. best.yaml is a config for train --config; table.md lists all trials.`,
		Example: `  go run ./cmd/tune --config demo --trials 12
  go run ./cmd/tune --config demo --set model.variant=pg-simclr --trials 24
  go run ./cmd/tune --config demo --grid model.wide_dropout=0,0.1,0.2 --grid model.neighborhood=3,5
  go run ./cmd/train --config runs/demo/tune/best.yaml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if source == "" {
				return fault.New("--config", "is not given", "Name an experiment file or a preset, for example: --config demo")
			}
			shard, some, err := share.Shard()
			if err != nil {
				return err
			}
			c, err := train.LoadExperiment(source, set)
			if err != nil {
				return err
			}
			axes, err := tune.Grid(c.Model)
			if len(grid) > 0 {
				axes, err = tune.ParseGrid(grid)
			}
			if err != nil {
				return err
			}
			points, err := tune.Points(axes, most, c.Seed)
			if err != nil {
				return err
			}
			for _, p := range points { // a wrong key or value is said before the first training
				if _, err := train.LoadExperiment(source, append(append([]string(nil), set...), p...)); err != nil {
					return err
				}
			}
			s, err := build.Open(cmd, c)
			if err != nil {
				return err
			}
			defer s.Close()
			if o.Out == "" {
				o.Out = filepath.Join(c.Output.Dir, c.Name, "tune")
			}
			text, err := c.YAML()
			if err != nil {
				return err
			}
			o.Seed, o.Report, o.Key = c.Seed, cmd.OutOrStdout(), string(text)+"\nstore "+s.Meta().ConfigHash
			load := func(point []string) (*config.Config, error) {
				return train.LoadExperiment(source, append(append([]string(nil), set...), point...))
			}
			d := method.New(s)
			training := func(ctx context.Context, point []string, seed int64, report func(int, float64) error) error {
				c, err := load(point)
				if err != nil {
					return err
				}
				dir, err := os.MkdirTemp(o.Out, ".training-")
				if err != nil {
					return err
				}
				defer os.RemoveAll(dir)
				_, err = train.Network{Config: c}.Fit(ctx, d, method.Options{Seed: seed, Threads: c.Train.Threads, Dir: dir, Validated: report})
				return err
			}
			if some {
				deal, err := tune.Work(cmd.Context(), points, training, o, shard)
				if err != nil {
					return err
				}
				return part.Say(cmd, deal)
			}
			trials, err := tune.Run(cmd.Context(), points, training, o)
			if err != nil {
				return err
			}
			best, err := load(trials[0].Set)
			if err != nil {
				return err
			}
			if text, err = best.YAML(); err != nil {
				return err
			}
			path := filepath.Join(o.Out, tune.BestFile)
			if err := atomicfile.WriteBytes(path, text); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "\n%s\nBest: %s (validation R2 %.4f). Train it with: --config %s\n", tune.Markdown(trials[:min(10, len(trials))]),
				strings.Join(trials[0].Set, ", "), trials[0].R2, path)
			return nil
		},
	}
	f := cmd.Flags()
	share = part.Add(cmd)
	f.StringVar(&source, "config", "", "experiment file or preset (required)")
	f.StringArrayVar(&set, "set", nil, "override a key for all points, e.g. --set train.epochs=20; may be repeated")
	f.StringArrayVar(&grid, "grid", nil, "a key and its values, e.g. --grid train.learning_rate=0.0005,0.001; may be repeated (default: the paper's grid, or the rival's own)")
	f.IntVar(&most, "trials", 0, "so many points drawn by chance; 0 = all")
	f.IntVar(&o.Seeds, "seeds", 1, "trainings of a point; its R2 is their mean")
	f.BoolVar(&o.Prune, "prune", true, "stop trainings that are behind the median")
	f.StringVar(&o.Out, "out", "", "folder of the results (default runs/<name>/tune)")
	return cmd
}
