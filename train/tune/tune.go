package tune

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/atomicfile"
)

// Files of a search's folder.
const (
	TrialsFile = "trials.jsonl" // a line for each trial, as it was done
	BestFile   = "best.yaml"    // the config of the best one
	TableFile  = "table.md"

	shardTrials = "trials" // folder of trials that shards made, a file each
)

// Trial is one point of the grid.
type Trial struct {
	Set     []string           `json:"set"` // key=value
	R2      float64            `json:"r2"`  // on validation cells, the best of the training's validations; the mean over seeds
	Curve   map[string]float64 `json:"curve"`
	Pruned  bool               `json:"pruned,omitempty"` // stopped early: it was behind half of the others
	Why     string             `json:"failed,omitempty"` // why it could not be trained
	Seconds float64            `json:"seconds"`
	Key     string             `json:"key"` // all that the result depends on
}

// Training trains a config with a seed and reports R2 on validation cells after
// every validation; where report returns an error, training ends with it.
type Training func(ctx context.Context, set []string, seed int64, report func(epoch int, r2 float64) error) error

// Options of Run.
type Options struct {
	Seeds  int // trainings of a point, of seeds Seed, Seed+1, ...
	Seed   int64
	Prune  bool // stop a training that is behind the median of those before it
	Out    string
	Key    string // config, store and program: results of another key are made anew
	Report io.Writer
}

var errPruned = errors.New("behind the median")

// startup is how many trials are trained to the end before any is pruned.
const startup = 4

// Run tries the points in their order and returns the trials, the best first. A
// point that cannot be trained (a *fault.Input error) is a trial that says why.
func Run(ctx context.Context, points [][]string, train Training, o Options) ([]Trial, error) {
	kept, err := o.begin()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(o.Out, TrialsFile)
	var trials []Trial
	for i, point := range points {
		key := o.key(point)
		if at := slices.IndexFunc(kept, func(t Trial) bool { return t.Key == key }); at >= 0 {
			trials = append(trials, kept[at])
			continue
		}
		t, err := try(ctx, point, trials, train, o)
		if err != nil {
			return nil, err
		}
		t.Key = key
		trials, kept = append(trials, t), append(kept, t)
		if err := write(path, kept); err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Report, "%d/%d  %s  %s\n", i+1, len(points), strings.Join(point, " "), t.result())
	}
	sort.SliceStable(trials, func(a, b int) bool { return trials[a].rank() > trials[b].rank() })
	if len(trials) == 0 || trials[0].Why != "" {
		why := "no point was tried"
		if len(trials) > 0 {
			why = "none of the points could be trained; the first: " + trials[0].Why
		}
		return nil, fault.New("--grid", why, "Give other values.")
	}
	return trials, atomicfile.WriteBytes(filepath.Join(o.Out, TableFile), []byte(Markdown(trials)))
}

// begin makes the folder and reads the trials that were done, by shards too.
func (o Options) begin() ([]Trial, error) {
	if o.Seeds < 1 {
		return nil, fault.New("--seeds", fmt.Sprintf("%d is too few", o.Seeds), "Give 1 or more.")
	}
	if err := os.MkdirAll(filepath.Join(o.Out, shardTrials), 0o777); err != nil {
		return nil, fault.Wrap(err, o.Out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	kept, err := read(filepath.Join(o.Out, TrialsFile))
	if err != nil {
		return nil, err
	}
	return append(kept, o.ofShards()...), nil
}

// key is all that the trial of a point depends on.
func (o Options) key(point []string) string {
	return fmt.Sprintf("%s\nseeds %d from %d, prune %v\n%s", o.Key, o.Seeds, o.Seed, o.Prune, strings.Join(point, "\n"))
}

// rank orders trials: trained to the end before pruned before failed.
func (t Trial) rank() float64 {
	switch {
	case t.Why != "":
		return math.Inf(-1)
	case t.Pruned:
		return t.R2 - 1e6
	}
	return t.R2
}

func (t Trial) result() string {
	switch {
	case t.Why != "":
		return "failed: " + t.Why
	case t.Pruned:
		return fmt.Sprintf("validation R2 %.4f, stopped early, %s", t.R2, time.Duration(t.Seconds*float64(time.Second)).Round(time.Second))
	}
	return fmt.Sprintf("validation R2 %.4f, %s", t.R2, time.Duration(t.Seconds*float64(time.Second)).Round(time.Second))
}

// try trains one point.
func try(ctx context.Context, point []string, before []Trial, train Training, o Options) (Trial, error) {
	t := Trial{Set: point, Curve: map[string]float64{}}
	began := time.Now()
	sum := 0.0
	for k := range o.Seeds {
		best := math.Inf(-1)
		err := train(ctx, point, o.Seed+int64(k), func(epoch int, r2 float64) error {
			best = max(best, r2)
			if k > 0 { // what is worth a second seed is worth its end
				return nil
			}
			t.Curve[fmt.Sprint(epoch)] = best
			if o.Prune && behind(best, epoch, before) {
				return errPruned
			}
			return nil
		})
		var bad *fault.Input
		switch {
		case errors.Is(err, errPruned):
			t.Pruned, t.R2, t.Seconds = true, best, time.Since(began).Seconds()
			return t, nil
		case errors.As(err, &bad):
			t.Why, t.Seconds = bad.Error(), time.Since(began).Seconds()
			return t, nil
		case err != nil:
			return t, fmt.Errorf("%s: %w", strings.Join(point, " "), err)
		case math.IsInf(best, -1) || math.IsNaN(best):
			t.Why, t.Seconds = "no validation had an R2", time.Since(began).Seconds()
			return t, nil
		}
		sum += best / float64(o.Seeds)
	}
	t.R2, t.Seconds = sum, time.Since(began).Seconds()
	return t, nil
}

// behind is the median rule (Golovin et al. 2017, Google Vizier): whether the best
// R2 so far is below the median of what finished trials had by that epoch.
func behind(r2 float64, epoch int, before []Trial) bool {
	var others []float64
	for _, t := range before {
		if v, ok := t.Curve[fmt.Sprint(epoch)]; ok && !t.Pruned && t.Why == "" {
			others = append(others, v)
		}
	}
	if len(others) < startup {
		return false
	}
	sort.Float64s(others)
	n := len(others)
	return r2 < (others[(n-1)/2]+others[n/2])/2
}

// read reads the trials that were done; a line that a killed program left half
// written is left out.
func read(path string) ([]Trial, error) {
	text, err := regular.Read(path, 1<<28)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Give another folder with --out.")
	}
	var out []Trial
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 1<<24)
	for s.Scan() {
		var t Trial
		if json.Unmarshal(s.Bytes(), &t) == nil && t.Key != "" {
			out = append(out, t)
		}
	}
	return out, s.Err()
}

func write(path string, trials []Trial) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	for _, t := range trials {
		if err := e.Encode(t); err != nil {
			return err
		}
	}
	return atomicfile.WriteBytes(path, b.Bytes())
}

// Markdown is a table of trials.
func Markdown(trials []Trial) string {
	var b strings.Builder
	b.WriteString("| validation R2 | settings | time | |\n|--:|---|--:|---|\n")
	for _, t := range trials {
		r2, note := fmt.Sprintf("%.4f", t.R2), ""
		if t.Pruned {
			note = "stopped early"
		}
		if t.Why != "" {
			r2, note = "", "failed: "+t.Why
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r2, strings.Join(t.Set, ", "), time.Duration(t.Seconds*float64(time.Second)).Round(time.Second), strings.ReplaceAll(note, "\n", " "))
	}
	return b.String()
}
