package mutations

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/progress"
	"opencarbon/train/pytorch"
	"opencarbon/train/report"
	"opencarbon/train/study"
	"opencarbon/train/tsne"
)

// count is the environment variable with the number of mutations, seed the one
// with where they begin.
const (
	count = "OPENCARBON_MUTATIONS"
	seed  = "OPENCARBON_MUTATIONS_SEED"
)

func number(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%s is no number", name, text)
	}
	return n
}

var quiet = progress.Options{Quiet: true}

// commands read a place and return a digest of the numbers that they found.
var commands = map[string]func(p place) (string, error){
	"predict": func(p place) (string, error) {
		c, err := checkpoint.ReadHinted(filepath.Join(p.run, train.BestFile), pytorch.Hint{})
		if err != nil {
			return "", err
		}
		s, err := store.Open(p.store)
		if err != nil {
			return "", err
		}
		defer s.Close()
		out := filepath.Join(p.dir, "predicted")
		defer os.RemoveAll(out)
		_, err = train.Predict(context.Background(), c, s, train.PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: quiet})
		left, _ := filepath.Glob(filepath.Join(out, "*"))
		if err != nil {
			if len(left) > 0 {
				return "", fmt.Errorf("%w\nand left %v", err, left)
			}
			return "", err
		}
		return digest(filepath.Join(out, "predictions.csv"))
	},
	"export": func(p place) (string, error) {
		c, err := checkpoint.Read(filepath.Join(p.run, train.BestFile))
		if err != nil {
			return "", err
		}
		out := filepath.Join(p.dir, "model.pth")
		if _, err := checkpoint.Export(c, out); err != nil {
			return "", err
		}
		return digest(out)
	},
	"tsne": func(p place) (string, error) {
		o := study.MapOptions{Options: studied(p), TSNE: tsne.Config{Perplexity: 5, Iterations: 250}, Anchors: -1}
		if _, err := study.Map(context.Background(), o); err != nil {
			return "", err
		}
		return digest(filepath.Join(o.Out, "embeddings_grid.csv"))
	},
	"explain": func(p place) (string, error) {
		o := study.ExplainOptions{Options: studied(p), Bins: 3, Cells: 10}
		if _, err := study.Explain(context.Background(), o); err != nil {
			return "", err
		}
		return digest(filepath.Join(o.Out, "occlusion.csv"))
	},
	"report": func(p place) (string, error) {
		_, err := report.Write(report.Options{Run: p.run, Out: filepath.Join(p.dir, "report.html")})
		return "", err
	},
	"resume": func(p place) (string, error) {
		c, err := train.ResumeConfig(p.run)
		if err != nil {
			return "", err
		}
		if _, err := train.Run(context.Background(), c, train.Options{Resume: p.run, Progress: quiet}); err != nil {
			return "", err
		}
		return digest(filepath.Join(p.run, "predictions.csv"))
	},
}

func studied(p place) study.Options {
	return study.Options{Checkpoint: filepath.Join(p.run, train.BestFile), Store: p.store, Out: filepath.Join(p.dir, "studied"),
		Device: "cpu", Threads: 1, Seed: 1, Progress: quiet}
}

func digest(path string) (string, error) {
	b, err := os.ReadFile(path)
	return fmt.Sprintf("%x", sha256.Sum256(b)), err
}

// targets are the files that are damaged: which commands read them, where their
// bulk lies (nil: a text, whose numbers no checksum guards).
var targets = []struct {
	file     string // below the run folder, or the store's
	store    bool
	weight   int
	commands []string
	bulk     func([]byte) []span
}{
	{train.BestFile, false, 6, []string{"predict", "export", "tsne", "explain", "resume"}, checkpointBulk},
	{train.LastFile, false, 3, []string{"resume"}, checkpointBulk},
	{"tiles.ocs", true, 6, []string{"predict", "tsne", "explain", "resume"}, storeBulk},
	{"config.yaml", false, 1, []string{"report", "resume"}, nil},
	{"run.json", false, 1, []string{"report", "resume"}, nil},
	{"metrics.csv", false, 1, []string{"report", "resume"}, nil},
	{"predictions.csv", false, 1, []string{"report"}, nil},
	{"intervals.json", false, 1, []string{"report"}, nil},
}

// TestMutations damages files one by one and runs the commands that read them.
func TestMutations(t *testing.T) {
	n, from := number(t, count, 60), number(t, seed, 1)
	if testing.Short() {
		t.Skip("trains a small model")
	}
	root := t.TempDir()
	p := trained(t, filepath.Join(root, "now"))
	first := filepath.Join(root, "first")
	if err := os.CopyFS(first, os.DirFS(p.dir)); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	for name, command := range commands {
		p.restore(t, first)
		var err error
		if want[name], err = command(p); err != nil {
			t.Fatalf("%s of what is whole: %v", name, err)
		}
	}
	others := [][]byte{nil, []byte("not what it was\n"), make([]byte, 10000)}
	var weighted []int
	for i, x := range targets {
		path := filepath.Join(p.run, x.file)
		if x.store {
			path = filepath.Join(p.store, x.file)
		}
		if b, err := os.ReadFile(path); err == nil {
			others = append(others, b)
			weighted = append(weighted, slices.Repeat([]int{i}, x.weight)...)
		}
	}
	counts := map[string]int{}
	for i := from; i < from+n; i++ {
		r := rand.New(rand.NewPCG(uint64(i), 77))
		x := targets[weighted[r.IntN(len(weighted))]]
		name := x.commands[r.IntN(len(x.commands))]
		p.restore(t, first)
		path := filepath.Join(p.run, x.file)
		if x.store {
			path = filepath.Join(p.store, x.file)
		}
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m := mutate(r, good, others)
		if m.nothing() {
			counts["nothing changed"]++
			continue
		}
		if err := os.WriteFile(path, m.data, 0o666); err != nil {
			t.Fatal(err)
		}
		about := fmt.Sprintf("mutation %d: %s, %s: %s", i, x.file, m.how, name)
		got, used, err := watched(t, about, func() (string, error) { return commands[name](p) })
		if used > 10*time.Second {
			t.Errorf("%s: took %v of computing", about, used)
		}
		whole := strings.HasPrefix(m.how, "replaced") && slices.ContainsFunc(others[3:], func(b []byte) bool { return string(b) == string(m.data) }) &&
			strings.HasSuffix(x.file, ".safetensors") // one sound checkpoint in another's place
		switch {
		case err != nil:
			counts["refused"]++
			if x.bulk != nil && (!fault.IsInput(err) || !strings.Contains(err.Error(), p.dir) || !strings.Contains(err.Error(), "\n")) {
				t.Errorf("%s: the error lacks file or remedy: %v", about, err)
			}
			if strings.Contains(err.Error(), "and left") {
				t.Errorf("%s: %v", about, err)
			}
		case x.bulk == nil || whole && got != "":
			counts["text or sound file taken"]++
		case m.touches(x.bulk(good)):
			t.Errorf("%s: a changed bulk byte was accepted", about)
		case got != want[name]:
			t.Errorf("%s: accepted, with other numbers", about)
		default:
			counts["same numbers"]++
		}
	}
	t.Logf("%d mutations: %v; the process took at most %d MB", n, counts, peak(t)>>20)
	if peak(t) > 2<<30 {
		t.Errorf("%d MB of memory", peak(t)>>20)
	}
}

// watched runs f and returns the processor time that the process spent. A panic,
// or no end after minutes, fails the test.
func watched(t *testing.T, about string, f func() (string, error)) (got string, used time.Duration, err error) {
	t.Helper()
	before := spent()
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if x := recover(); x != nil {
				err = errors.New("panicked")
				t.Errorf("%s: panic: %v\n%s", about, x, debug.Stack())
			}
		}()
		got, err = f()
	}()
	select {
	case <-done:
	case <-time.After(4 * time.Minute): // of a machine that does much else
		buffer := make([]byte, 1<<20)
		t.Fatalf("%s: hangs\n%s", about, buffer[:runtime.Stack(buffer, true)])
	}
	return got, spent() - before, err
}

func spent() time.Duration {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most memory that the process has had, in bytes.
func peak(t *testing.T) int64 {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return u.Maxrss << 10
}
