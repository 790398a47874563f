package runlog

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"opencarbon/data/fault"
)

// names lists what is in dir.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return strings.Join(list, " ")
}

// points fails where latest beside r does not name r.
func points(t *testing.T, r *Run) {
	t.Helper()
	latest := filepath.Join(filepath.Dir(r.Dir), LatestLink)
	if to, err := os.Readlink(latest); err != nil || to != filepath.Base(r.Dir) {
		t.Errorf("latest names %q (%v), want %s", to, err, filepath.Base(r.Dir))
	}
}

func makeLatest(t *testing.T, r *Run, resumed bool) string {
	t.Helper()
	note, err := r.MakeLatest(resumed)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// A new run leaves latest alone until it says otherwise; a resumed one takes it
// from older runs and from runs that are gone, never from a newer one.
func TestLatestMoves(t *testing.T) {
	base := t.TempDir()
	at := func(later time.Duration) *Run {
		t.Helper()
		r, err := Create(base, "demo", noon.Add(later))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := at(0)
	if got := names(t, filepath.Dir(first.Dir)); got != filepath.Base(first.Dir) {
		t.Errorf("a new run made %s", got)
	}
	makeLatest(t, first, false)
	points(t, first)
	second := at(time.Hour)
	points(t, first)
	makeLatest(t, second, true)
	points(t, second)
	makeLatest(t, first, true)
	points(t, second)
	makeLatest(t, first, false) // a clock that was set back: the run that began now is the latest
	points(t, first)
	makeLatest(t, second, false)
	if err := os.RemoveAll(second.Dir); err != nil {
		t.Fatal(err)
	}
	makeLatest(t, first, true)
	points(t, first)
	if got, want := names(t, filepath.Dir(first.Dir)), filepath.Base(first.Dir)+" latest"; got != want {
		t.Errorf("holds %s, want %s", got, want)
	}
	if got := names(t, first.Dir); got != "" {
		t.Errorf("left in the run folder: %s", got)
	}
	if !older("20260101-000000-2", "20260101-000000-10") || !older("20260101-000000", "20260101-000000-2") || older("20260102-000000", "20260101-000000-3") {
		t.Error("runs of one second are in the wrong order")
	}
}

// Where a copy made latest a real folder, or a version control a file, it gives
// way and nothing in it is lost.
func TestLatestThatIsNoLink(t *testing.T) {
	base := t.TempDir()
	parent := filepath.Join(base, "demo")
	for i := range 3 {
		if err := os.MkdirAll(filepath.Join(parent, LatestLink), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(parent, LatestLink, "best.safetensors"), fmt.Appendf(nil, "weights %d", i), 0o644); err != nil {
			t.Fatal(err)
		}
		r, err := Create(base, "demo", noon.Add(time.Duration(i)*time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		aside := filepath.Join(parent, []string{"latest-copy", "latest-copy-2", "latest-copy-3"}[i])
		if note := makeLatest(t, r, i == 2); !strings.Contains(note, aside) {
			t.Errorf("does not say where the old folder is: %q", note)
		}
		points(t, r)
		if text, err := os.ReadFile(filepath.Join(aside, "best.safetensors")); err != nil || string(text) != fmt.Sprint("weights ", i) {
			t.Errorf("%q, %v", text, err)
		}
		if err := os.Remove(filepath.Join(parent, LatestLink)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(parent, LatestLink), []byte("20250801-120000"), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := Create(base, "demo", noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	makeLatest(t, r, false)
	points(t, r)
	if text, err := os.ReadFile(filepath.Join(parent, "latest-copy-4")); err != nil || string(text) != "20250801-120000" {
		t.Errorf("%q, %v", text, err)
	}
}

// Twenty runs that all find a real folder move it aside once.
func TestLatestAmongMany(t *testing.T) {
	base := t.TempDir()
	parent := filepath.Join(base, "demo")
	if err := os.MkdirAll(filepath.Join(parent, LatestLink), 0o755); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			r, err := Create(base, "demo", noon)
			if err == nil {
				_, err = r.MakeLatest(false)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	entries, err := os.ReadDir(parent)
	if err != nil || len(entries) != 22 {
		t.Errorf("%d entries, %v; want 20 runs, the link and the folder that was in its way", len(entries), err)
	}
	if _, err := filepath.EvalSymlinks(filepath.Join(parent, LatestLink)); err != nil {
		t.Error(err)
	}
}

// A run folder is one process's at a time, and free when that lets go of it.
func TestResumeIsRefusedWhileTraining(t *testing.T) {
	r := create(t)
	if err := r.WriteConfig([]byte("name: demo\n")); err != nil {
		t.Fatal(err)
	}
	temp := r.Path(".last.safetensors.1.tmp")
	if err := os.WriteFile(temp, []byte("being written"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Resume(r.Dir); !fault.IsInput(err) || !strings.Contains(err.Error(), "being trained") {
		t.Errorf("resumed twice: %v", err)
	}
	if _, err := os.Stat(temp); err != nil {
		t.Errorf("a file of the process at work was removed: %v", err)
	}
	if read, err := Open(r.Dir); err != nil { // to read is always possible
		t.Error(err)
	} else if err := read.Close(); err != nil {
		t.Error(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Resume(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := names(t, r.Dir); got != ConfigFile {
		t.Errorf("after a resume the folder holds %s", got)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}

// The program is named by its commit also where the build recorded none, as "go
// test" and "go run" do not.
func TestCommit(t *testing.T) {
	if v := version(); v == "" || v == "unknown" {
		t.Errorf("the program is %q", v)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if c := commit(here); c != "" && (len(strings.TrimSuffix(c, "+changes")) != 40 || version() != c && strings.HasPrefix(version(), "(devel)")) {
		t.Errorf("commit %q, version %q", c, version())
	} else if c == "" {
		t.Log("no git repository here: only the fallback is tried")
	}
	for _, dir := range []string{t.TempDir(), "relative", "/no/such/folder"} {
		if c := commit(dir); c != "" {
			t.Errorf("%s has commit %s", dir, c)
		}
	}
}
