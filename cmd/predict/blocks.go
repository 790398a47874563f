package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"opencarbon/cmd/internal/progress"
	"opencarbon/data/fault"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
)

// blocks are the flags of a region that is predicted in blocks, by many processes.
type blocks struct {
	plan, work, merge string // folders of work
	all               string // the same, of all three steps in this process
	shard             string
	scratch           string
}

func (b *blocks) flags(f *pflag.FlagSet) {
	f.StringVar(&b.plan, "plan", "", "folder of work: prepare the region's blocks there, and say how many; predict none")
	f.StringVar(&b.work, "work", "", "folder of work: predict blocks that have no result yet")
	f.StringVar(&b.merge, "merge", "", "folder of work: join the blocks' results and write them to --out")
	f.StringVar(&b.all, "blocks", "", "folder of work: all three steps, by this process; others may --work there meanwhile")
	f.StringVar(&b.shard, "shard", "", "i/n: predict every n-th block, from the i-th (0/n to n-1/n); auto/n: i is as Kubernetes says; default: as Slurm says (array, srun -n), else all")
	f.StringVar(&b.scratch, "scratch", "", "folder on a local disk for the images of the block that is worked on (default $TMPDIR)")
}

// check refuses flags that mean nothing together.
func (b *blocks) check(cmd *cobra.Command, source string) error {
	given := 0
	for _, dir := range []string{b.plan, b.work, b.merge, b.all} {
		if dir != "" {
			given++
		}
	}
	if given > 1 {
		return fault.New("--plan, --work, --merge, --blocks", "more than one of them is given", "They are three steps: plan once, work with as many processes as you like, merge once. --blocks is all three.")
	}
	if b.planned() != "" && source == "" {
		return fault.New("--plan, --blocks", "needs --config", "Give the experiment file of the region: a store is in one piece already.")
	}
	stray := func(step string, belongs func(flag string) bool, remedy string) error {
		var names []string
		cmd.Flags().Visit(func(f *pflag.Flag) {
			if !belongs(f.Name) {
				names = append(names, "--"+f.Name)
			}
		})
		if names == nil {
			return nil
		}
		return fault.New(strings.Join(names, ", "), "has no meaning with "+step, remedy)
	}
	region := []string{"checkpoint", "config", "set", "accept", "stretch", "surplus"}
	machine := []string{"device", "threads", "quiet"}
	own := []string{"shard", "scratch"}
	switch {
	case b.work != "":
		return stray("--work", func(f string) bool { return f == "work" || slices.Contains(slices.Concat(own, machine), f) },
			"The plan in the folder says what is predicted; what is written is for --merge to say.")
	case b.merge != "":
		return stray("--merge", func(f string) bool {
			return !slices.Contains(slices.Concat(region, own, []string{"store", "published", "city", "first-tile", "neighborhood", "variant"}), f)
		}, "The plan in the folder says what is predicted.")
	case b.all != "":
		return stray("--blocks", func(f string) bool {
			return !slices.Contains([]string{"shard", "store", "published", "city", "first-tile", "neighborhood", "variant"}, f)
		}, "It predicts all blocks of --config; a shard of them is for --work.")
	case b.plan != "":
		return stray("--plan", func(f string) bool { return f == "plan" || slices.Contains(slices.Concat(region, machine), f) },
			"What is written is for --merge to say, and who predicts for --work.")
	}
	return stray("a prediction in one piece", func(f string) bool { return !slices.Contains(own, f) }, "It is for --work.")
}

// planned is the folder of a plan that is to be made.
func (b *blocks) planned() string {
	if b.all != "" {
		return b.all
	}
	return b.plan
}

// whole is --blocks: the three steps, and what they would say one by one. A process
// starts as long as a small city is predicted.
func (b *blocks) whole(cmd *cobra.Command, members []*checkpoint.Checkpoint, cfg *config.Config, table string, o train.PredictOptions) error {
	b.plan, b.work, b.merge, b.shard = b.all, b.all, b.all, "0/1"
	if err := b.prepare(cmd, members, cfg, table, o); err != nil {
		return err
	}
	if err := b.predict(cmd, o); err != nil {
		return err
	}
	return b.join(cmd, o)
}

// prepare is --plan.
func (b *blocks) prepare(cmd *cobra.Command, members []*checkpoint.Checkpoint, cfg *config.Config, table string, o train.PredictOptions) error {
	bar := progress.New(cmd.ErrOrStderr())
	p, err := train.PlanBlocks(cmd.Context(), members[0], cfg, b.plan, train.PlanOptions{Members: members[1:], Accept: o.Accept, Stretch: o.Stretch,
		Surplus: o.Surplus, Table: table, Progress: bar.Set, Note: func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }})
	bar.Close()
	if err != nil {
		return err
	}
	halo := 0
	for _, x := range p.Blocks {
		halo += x.Halo
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s: %d cells in %d blocks of up to %d x %d cells, with a halo of %d (%d cells are read twice or more)\n",
		p.Name, p.Cells, len(p.Blocks), p.Blocking.Width, p.Blocking.Height, p.Halo, halo)
	if p.Image > 0 {
		fmt.Fprintf(out, "  a process needs up to %.3g MB for temporary files at a time; the images of all blocks are %.3g GB\n", float64(p.Bytes())/1e6,
			float64(p.Cells+halo)*float64(p.Images().Bytes())/1e9)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(out, "  note: "+n)
	}
	if missing := len(p.Missing()); missing < len(p.Blocks) {
		fmt.Fprintf(out, "  %d blocks are predicted already\n", len(p.Blocks)-missing)
	}
	if b.all != "" {
		return nil
	}
	fmt.Fprintf(out, "next: go run ./cmd/predict --work %s [--shard i/n], then go run ./cmd/predict --merge %s --out DIR\n", b.plan, b.plan)
	return nil
}

// predict is --work.
func (b *blocks) predict(cmd *cobra.Command, o train.PredictOptions) error {
	shard, err := fleet.ShardOf(b.shard, os.Getenv)
	if err != nil {
		return err
	}
	done, err := train.WorkBlocks(cmd.Context(), b.work, train.WorkOptions{Shard: shard, Device: o.Device, Threads: o.Threads, Scratch: b.scratch,
		Progress: o.Progress, Note: func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), "note: "+text) }})
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "shard %s: %d blocks, %d of them done before, %d predicted now (%d cells", done.Shard, done.Blocks, done.Before, done.Predicted, done.Cells)
	if done.Bare > 0 {
		fmt.Fprintf(out, ", and %d without an image", done.Bare)
	}
	fmt.Fprint(out, ")")
	if done.Elsewhere > 0 {
		fmt.Fprintf(out, ", %d by other processes meanwhile", done.Elsewhere)
	}
	fmt.Fprintln(out)
	if b.all != "" {
		return nil
	}
	if done.Missing > 0 {
		fmt.Fprintf(out, "  %d of all %d blocks have no result yet\n", done.Missing, done.Planned)
	} else {
		fmt.Fprintf(out, "  all %d blocks are predicted: go run ./cmd/predict --merge %s --out DIR\n", done.Planned, b.work)
	}
	return nil
}

// join is --merge.
func (b *blocks) join(cmd *cobra.Command, o train.PredictOptions) error {
	if o.Out == "" {
		p, err := train.ReadPlan(b.merge)
		if err != nil {
			return err
		}
		o.Out = filepath.Join("predictions", p.Name)
	}
	p, err := train.MergeBlocks(cmd.Context(), b.merge, o)
	if err != nil {
		return err
	}
	return say(cmd.OutOrStdout(), p)
}
