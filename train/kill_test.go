package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/data/store"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/progress"
)

// childDir is the environment variable that makes the test binary a training
// program on the folder it names: dir/store is the data, dir/config.json the
// experiment, the run folder is below dir/runs; an unfinished one is resumed.
const childDir = "OPENCARBON_TEST_CHILD"

func child(dir string) int {
	err := func() error {
		var c config.Config
		text, err := os.ReadFile(filepath.Join(dir, "config.json"))
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &c); err != nil {
			return err
		}
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		o := Options{Progress: progress.Options{Quiet: true}}
		if folder := runFolder(dir); folder != "" {
			o.Resume = folder
		}
		_, err = Run(ctx, &c, o)
		return err
	}()
	if errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, err)
		return 130
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// runFolder is the run folder below dir that can be resumed, or "".
func runFolder(dir string) string {
	configs, _ := filepath.Glob(filepath.Join(dir, "runs", "town", "2*", "config.yaml"))
	if len(configs) == 0 {
		return ""
	}
	return filepath.Dir(configs[len(configs)-1])
}

// workplace makes a folder for child.
func workplace(t *testing.T, c *config.Config) string {
	t.Helper()
	dir := t.TempDir()
	if err := (town{rows: 6, cols: 10}).write(filepath.Join(dir, "store")); err != nil {
		t.Fatal(err)
	}
	c.Data.Store, c.Output.Dir = filepath.Join(dir, "store"), filepath.Join(dir, "runs")
	text, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.json"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	return dir
}

// begin starts a child on dir.
func begin(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &out
}

// outcome is what two runs must have in common, bit for bit: both checkpoints'
// arrays and states, the metrics and the predictions.
func outcome(t *testing.T, dir string) map[string]string {
	t.Helper()
	folder := runFolder(dir)
	out := map[string]string{}
	for _, name := range []string{"metrics.csv", "predictions.csv"} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(text)
	}
	for _, name := range []string{LastFile, BestFile} {
		f, err := safetensors.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		for array, a := range f.Arrays {
			out[name+": "+array] = string(a.Data)
		}
		c, err := checkpoint.Read(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		out[name+": state"] = fmt.Sprint(c.Header.State, c.Header.Steps)
	}
	return out
}

func compareOutcomes(t *testing.T, have, want map[string]string) {
	t.Helper()
	if len(have) != len(want) {
		t.Errorf("%d things left behind, the run that went through left %d", len(have), len(want))
	}
	differing := 0
	for name, w := range want {
		if have[name] == w {
			continue
		}
		if differing++; differing > 4 {
			continue
		}
		if strings.HasSuffix(name, ".csv") || strings.HasSuffix(name, "state") {
			t.Errorf("%s:\n%s\nwithout interruption:\n%s", name, have[name], w)
		} else {
			t.Errorf("%s has other bits than without interruption", name)
		}
	}
	if differing > 4 {
		t.Errorf("... and %d more", differing-4)
	}
}

// long is the interrupted experiment.
func long() *config.Config {
	c := pois()
	c.Train.Epochs, c.Train.SaveEvery, c.Train.Schedule, c.Train.ClipNorm = 16, 2, "cosine", 5
	c.Train.Sampler, c.Train.Block = "blocks", 3
	c.Output.TensorBoard = true
	return c
}

// A run killed at random moments, resumed each time, ends with the same bits as
// one that went through: weights, optimizer, metrics, predictions.
func TestKilledRunsEndTheSame(t *testing.T) {
	const kills = 22
	straight := workplace(t, long())
	began := time.Now()
	cmd, text := begin(t, straight)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	whole := time.Since(began)
	want := outcome(t, straight)

	random := rand.New(rand.NewPCG(2026, 11))
	hits, torn, epochs, runs := 0, 0, map[int]bool{}, 0
	for hits < kills {
		dir := workplace(t, long())
		for hits < kills {
			cmd, text := begin(t, dir)
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			killed, err := killAt(t, cmd, ended, moment(random, hits, dir, whole))
			if !killed {
				if err != nil {
					t.Fatalf("resumed after %d kills: %v\n%s", hits, err, text)
				}
				break
			}
			hits++
			if f := runFolder(dir); f != "" {
				if c, err := checkpoint.Read(filepath.Join(f, LastFile)); err == nil {
					epochs[c.Header.State.Epoch] = true
				}
				if len(unfinished(f)) > 0 {
					torn++
				}
			}
		}
		cmd, text := begin(t, dir) // through, or again to the end
		if err := cmd.Wait(); err != nil {
			t.Fatalf("resumed after %d kills: %v\n%s", hits, err, text)
		}
		compareOutcomes(t, outcome(t, dir), want)
		if left := unfinished(runFolder(dir)); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		runs++
	}
	if len(epochs) < 3 || torn == 0 {
		t.Errorf("kills found the checkpoint at epochs %v, %d of them a file being written: the test shows little", epochs, torn)
	}
	t.Logf("%d kills over %d runs, with the checkpoint at %d different epochs, %d while a file was written; a whole run takes %v",
		hits, runs, len(epochs), torn, whole)
}

// unfinished lists the files of a run folder that are being written.
func unfinished(folder string) []string {
	left, _ := filepath.Glob(filepath.Join(folder, ".*.tmp"))
	return left
}

// moment chooses when a child is to be killed, and returns what says that it is
// time: in turn at some time of its start, some time after some epochs of its
// own, and while it writes a file.
func moment(random *rand.Rand, turn int, dir string, whole time.Duration) func() bool {
	pause := time.Duration(random.Float64() * 0.02 * float64(whole))
	wait := 1 + random.IntN(4)
	var at time.Time
	paused := func() bool {
		if at.IsZero() {
			at = time.Now().Add(pause)
		}
		return time.Now().After(at)
	}
	switch turn % 3 {
	case 0:
		pause = time.Duration(random.Float64() * 0.4 * float64(whole))
		return paused
	case 1:
		var size int64 = -1
		return func() bool {
			if wait > 0 {
				if st, err := os.Stat(filepath.Join(runFolder(dir), "metrics.csv")); err == nil && st.Size() > size {
					if size >= 0 {
						wait--
					}
					size = st.Size()
				}
				return false
			}
			return paused()
		}
	default:
		writing := false
		return func() bool {
			f := runFolder(dir)
			now := f != "" && len(unfinished(f)) > 0
			if now && !writing {
				wait--
			}
			writing = now
			return now && wait <= 0
		}
	}
}

// killAt kills the child when it is time, or sees it end before.
func killAt(t *testing.T, cmd *exec.Cmd, ended chan error, now func() bool) (killed bool, err error) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(300 * time.Microsecond) {
		select {
		case err := <-ended:
			return false, err
		default:
		}
		if time.Now().After(deadline) {
			t.Error("the child takes too long")
		} else if !now() {
			continue
		}
		if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		err := <-ended
		status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
		return ok && status.Signaled(), err
	}
}

// SIGINT ends the step, saves, says how to go on, and leaves with 130; the
// resumed run ends with the same bits.
func TestInterruptedRunEndsTheSame(t *testing.T) {
	c := long()
	c.Train.BatchSize, c.Train.SaveEvery = 2, 100 // many steps an epoch; only interruptions save
	straight := workplace(t, c)
	cmd, text := begin(t, straight)
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	want := outcome(t, straight)

	dir := workplace(t, c)
	random := rand.New(rand.NewPCG(7, 7))
	interrupted, inEpoch := 0, 0
	before := checkpoint.State{}
	for {
		cmd, text := begin(t, dir)
		ended := make(chan error, 1)
		go func() { ended <- cmd.Wait() }()
		deadline := time.After(time.Minute)
		for ready := false; interrupted < 4 && !ready; { // once training is under way
			select {
			case err := <-ended:
				ended <- err
				ready = true
			case <-deadline:
				t.Fatal("the child does not start")
			case <-time.After(2 * time.Millisecond):
				f := runFolder(dir)
				if f == "" {
					continue
				}
				_, err := os.Stat(filepath.Join(f, LastFile))
				info, _ := os.ReadFile(filepath.Join(f, "run.json"))
				ready = err == nil && bytes.Contains(info, []byte(`"running"`))
			}
		}
		if interrupted < 4 {
			time.Sleep(time.Duration(20+random.IntN(200)) * time.Millisecond)
			_ = cmd.Process.Signal(os.Interrupt) // it may have ended by now
		}
		err := <-ended
		if err == nil {
			break
		}
		if code := cmd.ProcessState.ExitCode(); code != 130 {
			if s, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && s.Signaled() && runFolder(dir) == "" {
				continue // before the handler was there
			}
			t.Fatalf("exit code %d: %v\n%s", code, err, text)
		}
		interrupted++
		if !strings.Contains(text.String(), "--resume "+runFolder(dir)) {
			t.Errorf("does not say how to go on:\n%s", text)
		}
		saved, err := checkpoint.Read(filepath.Join(runFolder(dir), LastFile))
		if err != nil {
			t.Fatal(err)
		}
		s := saved.Header.State
		if s.Epoch < before.Epoch || s.Epoch == before.Epoch && s.Step < before.Step {
			t.Errorf("went from epoch %d step %d back to %d, %d", before.Epoch, before.Step, s.Epoch, s.Step)
		}
		before = s
		if s.Step > 0 {
			inEpoch++
		}
	}
	compareOutcomes(t, outcome(t, dir), want)
	if interrupted == 0 || inEpoch == 0 {
		t.Errorf("%d interruptions, %d within an epoch: the test shows nothing", interrupted, inEpoch)
	}
	t.Logf("%d interruptions, %d within an epoch", interrupted, inEpoch)
}

// A run killed before its first checkpoint begins anew in its folder.
func TestResumeBeforeTheFirstCheckpoint(t *testing.T) {
	c := pois()
	straight, dir := workplace(t, c), workplace(t, c)
	if code := child(straight); code != 0 {
		t.Fatal(code)
	}
	if code := child(dir); code != 0 {
		t.Fatal(code)
	}
	folder := runFolder(dir)
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries { // what is there when the first checkpoint is being written
		if e.Name() != "config.yaml" {
			if err := os.RemoveAll(filepath.Join(folder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := os.WriteFile(filepath.Join(folder, ".last.safetensors.1.tmp"), []byte("torn"), 0o666); err != nil {
		t.Fatal(err)
	}
	if code := child(dir); code != 0 || runFolder(dir) != folder {
		t.Fatalf("exit code %d, folder %s", code, runFolder(dir))
	}
	compareOutcomes(t, outcome(t, dir), outcome(t, straight))
	if _, err := os.Stat(filepath.Join(folder, ".last.safetensors.1.tmp")); err == nil {
		t.Error("the torn file is still there")
	}
}

// Other data under the same name is no data to go on with.
func TestResumeRefusesAnotherStore(t *testing.T) {
	c := pois()
	dir := workplace(t, c)
	if code := child(dir); code != 0 {
		t.Fatal(code)
	}
	if err := os.RemoveAll(c.Data.Store); err != nil {
		t.Fatal(err)
	}
	if err := (town{rows: 6, cols: 10, hash: "other"}).write(c.Data.Store); err != nil {
		t.Fatal(err)
	}
	before := outcome(t, dir)
	_, err := Run(context.Background(), c, Options{Resume: runFolder(dir), Progress: progress.Options{Quiet: true}})
	if err == nil || !strings.Contains(err.Error(), "the data changed since the run began") || !strings.Contains(err.Error(), "--resume") {
		t.Errorf("%v", err)
	}
	compareOutcomes(t, outcome(t, dir), before)
	s, err := store.Open(c.Data.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := checkStore(checkpoint.Header{Store: s.Meta().ConfigHash, Categories: []string{"shop", "works", "school"}}, s); err == nil ||
		!strings.Contains(err.Error(), "POI categories") {
		t.Errorf("other categories: %v", err)
	}
}
