// Package study looks at what trained models have learnt, as sections 5.4 and
// 5.5 of the paper do: how well a model of one region orders the cells of
// another (Transfer, Figure 4), how cells lie in the space of representations
// (Map, Figure 5), what the model attends to and what single POI categories do
// (Explain, Figures 1a and 6), and whether prediction intervals keep their word
// (Coverage).
//
// A study asks package train for a model's predictions and representations,
// which come as plain numbers, computes with them in the rooms rank, tsne,
// conformal and export, and leaves a folder of tables and pictures. Tensors and
// layers may not enter here.
package study

import (
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/sheet"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/observe"
	"opencarbon/train/plots"
	"opencarbon/train/progress"
	"opencarbon/train/pytorch"
	"opencarbon/train/runlog"
)

// Options that all studies of one checkpoint share.
type Options struct {
	Checkpoint string // path
	Store      string // folder of a tile store; empty: the one that the checkpoint was trained on
	Out        string // folder of the results; empty: a folder in the checkpoint's run
	Device     string // auto, cpu, cuda, cuda:N; empty: auto
	Threads    int    // 0: all cores
	Seed       uint64 // of every draw
	Progress   progress.Options

	Surplus      string // what becomes of POI categories that the checkpoint does not know, see checkpoint.Checkpoint.Reads
	Neighborhood int    // M of a .pth checkpoint, which its weights do not tell
}

// Result is what a study leaves behind.
type Result struct {
	Dir   string   // its folder
	Files []string // tables and pictures
	Notes []string // what a person should know, such as what was left out and why
}

// Print writes it for a terminal.
func (r *Result) Print(w io.Writer) error {
	for _, n := range r.Notes {
		if _, err := fmt.Fprintln(w, n); err != nil {
			return err
		}
	}
	for _, f := range r.Files {
		if _, err := fmt.Fprintln(w, "  "+f); err != nil {
			return err
		}
	}
	return nil
}

func (r *Result) note(format string, args ...any) {
	r.Notes = append(r.Notes, fmt.Sprintf(format, args...))
}

// draw leaves a picture, or a note where it cannot be drawn: the tables stand
// without it.
func (r *Result) draw(name string, figure func() (*plots.Figure, error)) {
	path := filepath.Join(r.Dir, name)
	if err := plots.Attempt(path, figure); err != nil {
		r.note("%v", err)
		return
	}
	r.Files = append(r.Files, path)
	if lacks := plots.Lacking(); lacks != "" && !slices.Contains(r.Notes, lacks) {
		r.note("%s", lacks)
	}
}

// path is a file of the study, which is noted down.
func (r *Result) path(name string) string {
	p := filepath.Join(r.Dir, name)
	r.Files = append(r.Files, p)
	return p
}

// opened is a checkpoint with a store to look at.
type opened struct {
	checkpoint *checkpoint.Checkpoint
	store      *store.Store
}

// open reads the checkpoint and the store, which must fit each other, and says
// where the results go: a folder called name in the checkpoint's run folder
// unless the options say where. The folder is made only when nothing is left to
// be refused.
func (o Options) open(name string) (*opened, *Result, error) {
	if o.Checkpoint == "" {
		return nil, nil, fault.New("--checkpoint", "is not given", "Name best.safetensors of a run folder, e.g. runs/demo/latest/best.safetensors.")
	}
	if err := errors.Join(atLeast("--threads", o.Threads, 0), train.CheckDevice(o.Device)); err != nil {
		return nil, nil, err
	}
	c, err := checkpoint.ReadHinted(o.Checkpoint, pytorch.Hint{Neighborhood: o.Neighborhood})
	if err != nil {
		return nil, nil, err
	}
	own := o.Store == ""
	if own {
		cfg, err := c.Experiment()
		if err != nil {
			return nil, nil, err
		}
		o.Store = cfg.Data.Store
		if _, err := os.Stat(o.Store); err != nil {
			return nil, nil, fault.New(o.Store, "the tile store that the checkpoint was trained on is not there",
				"Name it, or that of another region, with --store; or build it again with go run ./cmd/prepare.")
		}
	}
	s, err := store.Open(o.Store)
	if err != nil {
		return nil, nil, err
	}
	read, notes, err := c.Reads(s, o.Surplus)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	r := &Result{}
	for _, n := range notes {
		r.note("%s", n)
	}
	if own || trainedOn(c, o.Store) {
		err = c.SameStore(s)
	} else if differs := c.Suits(s, nil, ""); differs != nil { // another region, which is what is studied
		first, _, _ := strings.Cut(differs.Error(), "\n")
		r.note("the region is unlike the one that the model was trained on: %s", first)
	}
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	own = own || s.Meta().ConfigHash == c.Header.Store
	if o.Out == "" {
		folder := filepath.Dir(o.Checkpoint)
		if _, err := os.Stat(filepath.Join(folder, runlog.ConfigFile)); err != nil {
			folder = "."
		}
		if !own { // another region's results stay apart
			name += "-" + s.Meta().Name
		}
		o.Out = filepath.Join(folder, name)
	}
	r.Dir = o.Out
	return &opened{c, read}, r, nil
}

// trainedOn says whether a folder is the one that the checkpoint's run trained
// from, by whatever path it is named.
func trainedOn(c *checkpoint.Checkpoint, folder string) bool {
	cfg, err := c.Experiment()
	if err != nil {
		return false
	}
	a, err := os.Stat(cfg.Data.Store)
	if err != nil {
		return false
	}
	b, err := os.Stat(folder)
	return err == nil && os.SameFile(a, b)
}

// makeFolder makes the folder of a study's results and sees that it can be
// written to, before hours of work want to.
func makeFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fault.Wrap(err, dir, "the folder of the results cannot be made", "Give another one with --out.")
	}
	f, err := atomicfile.Create(filepath.Join(dir, "trial"))
	if err != nil {
		return fault.Wrap(err, dir, "the folder of the results cannot be written to", "Give another one with --out.")
	}
	f.Abort()
	return nil
}

// atLeast refuses a number of the command line that is too small.
func atLeast(flag string, n, least int) error {
	if n < least {
		return fault.New(flag, fmt.Sprintf("%d is too small", n), fmt.Sprintf("Give at least %d.", least))
	}
	return nil
}

// observing are options of observe.Model with the options' device and threads.
func (o Options) observing(q observe.Options) observe.Options {
	q.Device, q.Threads, q.Progress = o.Device, o.Threads, o.Progress
	return q
}

// emissions are what pictures are colored by: the true ln emission, or the
// predicted one where the store has no targets at all.
func emissions(x *observe.Observations, unit string) (ln []float64, label string) {
	label = "emission, " + unit
	if unit == "" || unit == "proxy" {
		label = "proxy value"
	}
	if slices.ContainsFunc(x.Ln, func(y float64) bool { return !math.IsNaN(y) }) {
		return x.Ln, label
	}
	return x.Predicted, "predicted " + label
}

// sample draws at most k of 0 ... n-1, in rising order; k <= 0 means all.
func sample(n, k int, seed uint64) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	if k <= 0 || k >= n {
		return all
	}
	rng := rand.New(rand.NewPCG(seed, 0x73616d70)) // the second word keeps this stream apart from others of the seed
	rng.Shuffle(n, func(i, j int) { all[i], all[j] = all[j], all[i] })
	chosen := all[:k]
	slices.Sort(chosen)
	return chosen
}

// writeTable writes a CSV file, whole or not at all.
func writeTable(path string, header []string, rows [][]string) error {
	err := atomicfile.Write(path, func(w io.Writer) error {
		out := sheet.NewWriter(w)
		if err := out.Write(header); err != nil {
			return err
		}
		return out.WriteAll(rows)
	})
	if err != nil {
		return fault.Wrap(err, path, "cannot be written", "See that the folder may be written to and has room.")
	}
	return nil
}

// labelColumns begin every table of cells, as they begin predictions.csv.
var labelColumns = []string{"cell", "col", "row", "lon", "lat", "split", "ln_true", "ln_predicted"}

// labels are their values of row i of x.
func labels(s *store.Store, x *observe.Observations, i int) []string {
	c := x.Cells[i]
	at, lonlat := s.Cells()[c], s.LonLat()[2*c:]
	return []string{runlog.Key(at.Col, at.Row), strconv.FormatInt(at.Col, 10), strconv.FormatInt(at.Row, 10), degrees(lonlat[0]), degrees(lonlat[1]),
		x.Split[i].String(), number(x.Ln[i]), number(x.Predicted[i])}
}

// number writes seven digits; what does not exist is empty.
func number(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 7, 64)
}

// degrees writes a longitude or latitude.
func degrees(v float64) string { return strconv.FormatFloat(v, 'f', 6, 64) }

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v)) // 0/0 is NaN: there is none
}
