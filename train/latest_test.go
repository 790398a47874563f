package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/runlog"
)

// latest names the newest run that can be gone on with: weights can be read
// through it by the run that will be the next, a run that fails before its first
// checkpoint and a study's run leave it where it is.
func TestLatestAndContinuing(t *testing.T) {
	c := pois()
	c.Train.Epochs = 2
	workplace(t, c)
	run := func(o Options) *Result {
		t.Helper()
		r, err := Run(context.Background(), c, o)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	named := func(want string) {
		t.Helper()
		if to, err := os.Readlink(filepath.Join(c.Output.Dir, c.Name, runlog.LatestLink)); err != nil || to != filepath.Base(want) {
			t.Errorf("latest names %s (%v), want %s", to, err, want)
		}
	}
	first := run(quiet())
	named(first.Dir)

	c.Model.Weights = filepath.Join(c.Output.Dir, c.Name, runlog.LatestLink, "no.safetensors")
	if _, err := Run(context.Background(), c, quiet()); !fault.IsInput(err) {
		t.Fatalf("weights that are not there: %v", err)
	}
	named(first.Dir)

	c.Model.Weights = filepath.Join(c.Output.Dir, c.Name, runlog.LatestLink, LastFile)
	second := run(quiet())
	named(second.Dir)
	third := run(quiet()) // and again, from the second
	named(third.Dir)

	o := quiet()
	o.Aside = true
	run(o)
	named(third.Dir)
	o = quiet()
	o.Resume = first.Dir
	run(o)
	named(third.Dir)

	r, err := runlog.Open(third.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := r.ReadInfo(); err != nil || info.Variant != c.Model.Variant || info.Variant == "" {
		t.Errorf("run.json has the variant %q, %v; want %q", info.Variant, err, c.Model.Variant)
	}
}

// A folder in which another process trains is not gone on with, and stays as it
// is; the same run is resumed as soon as that process lets go of it.
func TestResumeOfARunBeingTrained(t *testing.T) {
	c := pois()
	c.Train.Epochs = 1
	workplace(t, c)
	r, err := Run(context.Background(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	other, err := runlog.Resume(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(r.Dir, ".last.safetensors.7.tmp")
	if err := os.WriteFile(half, []byte("the other process writes"), 0o666); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(r.Dir, runlog.InfoFile))
	if err != nil {
		t.Fatal(err)
	}
	o := quiet()
	o.Resume = filepath.Join(filepath.Dir(r.Dir), runlog.LatestLink)
	if _, err := Run(context.Background(), c, o); !fault.IsInput(err) || !strings.Contains(err.Error(), "being trained") {
		t.Errorf("resumed beside another process: %v", err)
	}
	after, err := os.ReadFile(filepath.Join(r.Dir, runlog.InfoFile))
	if err != nil || string(after) != string(before) {
		t.Errorf("run.json was changed, %v", err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("the other process's file: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), c, o); err != nil {
		t.Error(err)
	}
	if left := unfinished(r.Dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
