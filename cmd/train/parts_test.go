package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"opencarbon/train"
)

// With train.parts one process leaves the bits that two ranks leave, and so does a
// run that two began and one goes on with.
func TestRanksInParts(t *testing.T) {
	if testing.Short() {
		t.Skip("trains with two processes")
	}
	w := newWorkshop(t)
	w.more = []string{"train.parts=4", "train.save_every=1"}
	end := func(launcher, run string) string {
		t.Helper()
		a := w.launch(launcher, run)
		if err, ended := a.wait(5 * time.Minute); err != nil || !ended {
			t.Fatalf("%s: %v\n%s", launcher, err, &a.out)
		}
		hash := trained(t, run)
		if hash == "" {
			t.Fatalf("%s: the run is not whole\n%s", launcher, &a.out)
		}
		return hash
	}
	alone, two := end("alone", filepath.Join(w.dir, "alone")), end("shell", filepath.Join(w.dir, "two"))
	if alone != two {
		t.Errorf("one process left %s, two %s", alone, two)
	}
	run := filepath.Join(w.dir, "resized")
	a := w.launch("shell", run)
	for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
		if _, err := os.Stat(filepath.Join(run, train.LastFile)); err == nil || len(a.ends) > 0 {
			break
		}
	}
	for _, pids := range a.ranks() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGINT)
		}
	}
	if err, ended := a.wait(time.Minute); !ended {
		t.Fatalf("%v\n%s", err, &a.out)
	}
	if trained(t, run) != "" {
		t.Skip("the run was over before it was interrupted")
	}
	if resized := end("alone", run); resized != alone {
		t.Errorf("two ranks and then one left %s, one alone %s", resized, alone)
	}
}
