// Package rows trains the rows of a comparison for a command, compare or ablation.
package rows

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/part"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/compare"
)

// Flags are --config, --set and --shard.
type Flags struct {
	source string
	set    []string
	share  *part.Flag
}

// Add gives a command the flags.
func Add(cmd *cobra.Command) *Flags {
	f := &Flags{share: part.Add(cmd)}
	cmd.Flags().StringVar(&f.source, "config", "", "experiment file or preset (required)")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "override a key, e.g. --set train.epochs=5; may be repeated")
	return f
}

// Run trains the methods, or the shard of the trainings that is asked for, and
// prints the table. Where o names no folder it is the one of that name beside the
// experiment's runs. more is called before anything is trained, and makes further
// rows that need no training.
func (f *Flags) Run(cmd *cobra.Command, methods []string, o compare.Options, folder string, more func(*store.Store) ([]compare.Entry, error)) error {
	if f.source == "" {
		return fault.New("--config", "is not given", "Name an experiment file or a preset, for example: --config demo")
	}
	shard, some, err := f.share.Shard()
	if err != nil {
		return err
	}
	c, err := train.LoadExperiment(f.source, f.set)
	if err != nil {
		return err
	}
	entries, err := compare.Entries(c, methods)
	if err != nil {
		return err
	}
	s, err := build.Open(cmd, c)
	if err != nil {
		return err
	}
	defer s.Close()
	further, err := more(s)
	if err != nil {
		return err
	}
	entries = append(entries, further...)
	if o.Out == "" {
		o.Out = filepath.Join(c.Output.Dir, c.Name, folder)
	}
	o.Report, o.Seed, o.Threads = cmd.OutOrStdout(), c.Seed, c.Train.Threads
	if some {
		deal, err := compare.Work(cmd.Context(), s, entries, o, shard)
		if err != nil {
			return err
		}
		return part.Say(cmd, deal)
	}
	t, err := compare.Run(cmd.Context(), s, entries, o)
	if err != nil {
		return err
	}
	cmd.Println()
	t.Markdown(cmd.OutOrStdout())
	return t.Err()
}
