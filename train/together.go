package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
	"opencarbon/train/learn"
	"opencarbon/train/metrics"
)

// storeLimit is how long ranks wait for rank 0 to build the store, and to open the
// run; it must live all the while.
const storeLimit = 12 * time.Hour

// Join waits until all of a run's processes are there and connects them: nil where
// there is one. No collective waits longer than timeout; about is what must be
// alike in all of them. Close it.
func Join(r fleet.Rank, timeout time.Duration, about string) (*torch.Group, error) {
	if r.Alone() {
		return nil, nil
	}
	if !torch.GroupAvailable() {
		return nil, fault.New("this libtorch", "has no c10d with gloo, so that one process alone can train",
			"Take Debian's libtorch-dev or a pip wheel, run make setup again, and build anew.")
	}
	return torch.NewGroup(torch.GroupOptions{Rank: r.Rank, World: r.World, Host: r.Addr, Port: r.Port, Prefix: fmt.Sprint(r.Restart),
		Timeout: timeout, About: about})
}

// FirstRank runs f, which writes files that all ranks read, in rank 0; the others
// wait for it.
func FirstRank(g *torch.Group, name string, f func() error) error {
	switch {
	case g.Alone():
		return f()
	case g.Rank > 0:
		_, err := g.Await(0, name, storeLimit)
		return err
	}
	if err := f(); err != nil {
		return err
	}
	return g.Put(name, "done")
}

// opened is what rank 0 tells the others of the run folder.
type opened struct {
	Dir, Store string
	Resumed    bool
}

// follow is Run of a rank that is not the first: it trains, and leaves nothing.
func follow(ctx context.Context, c *config.Config, d *dataset, o Options) error {
	text, err := o.Group.Await(0, "run", storeLimit)
	if err != nil {
		return err
	}
	var run opened
	if err := json.Unmarshal([]byte(text), &run); err != nil {
		return fmt.Errorf("what rank 0 says of the run: %w", err)
	}
	if own := d.store.Meta().ConfigHash; own != run.Store {
		return fault.New(d.store.Dir(), "is another store than rank 0's", "Put the store where all ranks see the same files.")
	}
	var from *checkpoint.Checkpoint
	if run.Resumed {
		if from, err = checkpoint.Read(run.Dir + "/" + LastFile); err != nil {
			return err
		}
	}
	if d, _, err = d.readFor(ctx, c, from); err != nil {
		return err
	}
	d.group, d.local = o.Group, o.Local
	var failed error
	if err := torch.Run(torch.Options{Threads: o.threads(c)}, func() {
		var t *trainer
		if t, failed = newTrainerFor(ctx, c, d, bystander{}, from); failed != nil {
			return
		}
		defer t.close()
		if failed = t.begin(from, o.Resize); failed == nil {
			failed = t.train(ctx)
		}
	}); err != nil {
		return err
	}
	if errors.Is(failed, context.Canceled) {
		return fmt.Errorf("rank %d stopped with the others; rank 0 has saved the state: %w", o.Group.Rank, failed)
	}
	return failed
}

// bystander is the watcher of a rank that is not the first.
type bystander struct{}

func (bystander) step(int, int, int, float64) {}
func (bystander) validated(checkpoint.State, float64, float64, metrics.SplitScores, bool) error {
	return nil
}
func (bystander) save(*trainer, bool) error { return nil }

// threads are libtorch's of this process: where several share a machine, its cores
// are shared too.
func (o Options) threads(c *config.Config) int {
	n := threads(c)
	if c.Train.Threads == 0 && o.LocalWorld > 1 {
		n = max(1, n/o.LocalWorld)
	}
	return n
}

// device is where a rank trains: of several GPUs its own.
func (d *dataset) device(c *config.Config) torch.Device {
	device := torch.ParseDevice(c.Train.Device)
	if name := strings.ToLower(c.Train.Device); !d.group.Alone() && device.IsCUDA() && (name == "" || name == "auto" || name == "cuda") {
		return torch.ParseDevice(fmt.Sprint("cuda:", d.local))
	}
	return device
}

// checkTogether refuses what several processes cannot do together.
func checkTogether(c *config.Config, g *torch.Group) error {
	parts := c.Train.Parts
	switch {
	case g.Alone():
	case c.Train.Encode == learn.Slices:
		return fault.New("train.encode", "is slices, in which one process alone can train", "Set train.encode: unique or historical, or start one process.")
	case parts > 1 && parts%g.World != 0:
		return fault.New("train.parts", fmt.Sprintf("is %d, which %d ranks cannot share out evenly", parts, g.World), "Start 1, 2, 4, ... ranks, or leave train.parts away.")
	}
	return nil
}

// checkDevice refuses what is for the CPU alone; "auto" may have come to a GPU.
func checkDevice(c *config.Config, d torch.Device) error {
	if c.Train.Parts > 1 && d.IsCUDA() {
		return fault.New("train.parts", fmt.Sprintf("is %d, and is for the CPU, but this trains on %v", c.Train.Parts, d), "Set train.device: cpu, or leave train.parts away.")
	}
	return nil
}

// checkRanks refuses to go on with another number of processes, unless that was
// asked for, or it makes no difference: in parts.
func checkRanks(h checkpoint.Header, g *torch.Group, resize bool) error {
	was, is := max(1, h.Ranks), 1
	if !g.Alone() {
		is = g.World
	}
	if was == is || resize || h.Parts > 1 {
		return nil
	}
	return fault.New("the number of ranks", fmt.Sprintf("was %d when the run was saved and is %d now: it would go on, but not to the same bits", was, is),
		fmt.Sprintf("Start %d, or give --resize.", was))
}

// stopping reports whether to save and end: of several processes all do after the
// same step.
func (t *trainer) stopping(ctx context.Context) bool {
	if t.data.group.Alone() {
		return ctx.Err() != nil
	}
	return t.Stopped()
}

// interrupted reports whether err is the end of ctx, or of another rank's.
func (t *trainer) interrupted(ctx context.Context, err error) bool {
	if t.data.group.Alone() {
		return ctx.Err() != nil && errors.Is(err, ctx.Err())
	}
	return errors.Is(err, context.Canceled)
}
