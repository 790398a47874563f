package study

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/observe"
	"opencarbon/train/plots"
	"opencarbon/train/progress"
	"opencarbon/train/rank"
)

// Files of a transfer study, in its folder.
const (
	TransferTable   = "transfer.csv"
	TransferRecord  = "transfer.json"
	TransferPicture = "transfer.png"
)

// TransferOptions of Transfer.
type TransferOptions struct {
	Out      string   // overrides the plan's
	Set      []string // overrides of every region's experiment, above the plan's
	Device   string   // that models are applied on; empty: auto
	Threads  int      // that models are applied with; 0: all cores
	Command  []string // for run.json
	GDAL     string   // its version, for run.json
	Building func(stage string, done, total int)
	Say      func(line string) // hears what begins; nil: nobody
	Progress progress.Options
}

// TransferResult is what a transfer study found; it is TransferRecord's content.
type TransferResult struct {
	Name     string           `json:"name"`
	Regions  []TransferRegion `json:"regions"`
	Diagonal string           `json:"diagonal"`
	Block    int              `json:"block"` // edge in cells
	Matrix   *rank.Matrix     `json:"matrix"`
	Mean     rank.Result      `json:"off_diagonal_mean"`
	Skipped  int              `json:"off_diagonal_undefined"` // pairs without a rank correlation
	Notes    []string         `json:"notes,omitempty"`
	Dir      string           `json:"-"`
}

// TransferRegion is a region with its model.
type TransferRegion struct {
	Name       string `json:"name"`
	Checkpoint string `json:"checkpoint"`
	Store      string `json:"store"`
	Cells      int    `json:"cells"`      // with a target
	TestCells  int    `json:"test_cells"` // of them: the diagonal is computed on these
	Unit       string `json:"unit"`
}

// place is a region at work.
type place struct {
	Region
	checkpoint *checkpoint.Checkpoint
	store      *store.Store
}

// Transfer trains a model for each region of a plan, or takes the one that is
// given, applies each to all cells of every other region without training
// further (paper, section 5.4), and writes the matrix of rank correlations. A
// region that an earlier call trained with the same experiment and data is not
// trained again, one that was interrupted goes on. The diagonal is computed on a
// region's own test cells.
//
// Where a model does not go (checkpoint.Checkpoint.Reads, Suits) is a *fault.Input error
// that lists the differences. This and whatever else would stop the study on its way (a region
// without emissions, images of another size) is found before anything is trained.
func Transfer(ctx context.Context, p *Plan, o TransferOptions) (*TransferResult, error) {
	return transferOf(ctx, p, o, "")
}

// transferOf is Transfer with one of the methods of package compare in the place
// of the experiment's own network (""), in a folder of its own.
func transferOf(ctx context.Context, p *Plan, o TransferOptions, method string) (*TransferResult, error) {
	w := begin(p, o, method)
	defer w.close()
	if err := w.ready(ctx); err != nil {
		return nil, err
	}
	if err := w.train(ctx); err != nil {
		return nil, err
	}
	r, err := w.compare(ctx)
	if err != nil {
		return nil, err
	}
	return r, w.write(r)
}

// begin says where a study of a method goes.
func begin(p *Plan, o TransferOptions, method string) *transfer {
	if o.Out == "" {
		o.Out = p.Out
	}
	stores := filepath.Join(o.Out, "stores")
	if method != "" {
		o.Out = filepath.Join(o.Out, "methods", method)
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	return &transfer{plan: p, TransferOptions: o, method: method, stores: stores}
}

// ready makes all that a training needs, and asks what would stop the study.
func (w *transfer) ready(ctx context.Context) error {
	if err := errors.Join(atLeast("--threads", w.Threads, 0), train.CheckDevice(w.Device)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{w.read, w.prepare, w.alike} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

type transfer struct {
	TransferOptions
	wait   bool // for stores that other shards build
	plan   *Plan
	method string // that is trained; empty: the experiment's own network
	stores string // folder of the regions' stores that their experiments do not name
	places []*place
	todo   []*training // per place; nil where a checkpoint is given
}

func (w *transfer) close() {
	for _, p := range w.places {
		if p.store != nil {
			p.store.Close()
		}
	}
}

// read reads every region's experiment or checkpoint, and makes the folder once
// all of them can be read.
func (w *transfer) read(context.Context) error {
	for _, r := range w.plan.Regions {
		p, todo, err := &place{Region: r}, (*training)(nil), error(nil)
		if r.Checkpoint == "" {
			todo, err = w.experiment(r)
		} else {
			if w.method != "" {
				return fault.New("--methods", "region "+r.Name+" has a checkpoint in the plan, so that nothing else can be trained there", "Give the region an experiment (config), or leave --methods away.")
			}
			p.checkpoint, err = checkpoint.Read(r.Checkpoint)
		}
		if err != nil {
			return fmt.Errorf("region %s: %w", r.Name, err)
		}
		w.places, w.todo = append(w.places, p), append(w.todo, todo)
	}
	return makeFolder(w.Out)
}

// prepare opens or builds every region's store.
func (w *transfer) prepare(ctx context.Context) error {
	for i, p := range w.places {
		r, todo := p.Region, w.todo[i]
		folder := r.Store
		if todo != nil {
			table, err := checkpoint.WeightsTable(todo.config)
			if err != nil {
				return fmt.Errorf("region %s: %w", r.Name, err)
			}
			report, err := data.Build(ctx, &todo.config.Data, data.Options{Name: r.Name, Progress: w.Building, CategoryTable: table, Wait: w.wait})
			if err != nil {
				return fmt.Errorf("region %s: %w", r.Name, err)
			}
			folder = report.Store
		}
		var err error
		if p.store, err = store.Open(folder); err != nil {
			return fmt.Errorf("region %s: %w", r.Name, err)
		}
		if todo != nil {
			err = train.Check(todo.config, p.store)
		} else {
			_, _, err = p.checkpoint.Reads(p.store, w.plan.Surplus)
		}
		if err != nil {
			return fmt.Errorf("region %s: %w", r.Name, err)
		}
		if !slices.ContainsFunc(p.store.Targets(), func(y float64) bool { return y > 0 }) {
			return fmt.Errorf("region %s: %w", r.Name, fault.New(p.store.Dir(), "has no cell with emissions to compare ranks with",
				"Give data.emissions, or leave the region out."))
		}
	}
	return nil
}

// alike compares each region's sizes of images and of counts with the first one's,
// and then asks what else keeps a model from going where it is meant to.
func (w *transfer) alike(context.Context) error {
	var images, first *place // the first that has a model of images, of points
	sizes := func(a, b *place, what, key string, m, n int) error {
		if m == n {
			return nil
		}
		return fault.New("regions", fmt.Sprintf("%s of %s have %d x %d pixels, of %s %d x %d, so that a model of one cannot read the other", what, a.Name, m, m, b.Name, n, n),
			fmt.Sprintf("Give all of them one size: set: [%s=%d] in the plan.", key, m))
	}
	for i, p := range w.places {
		var image, poi bool
		if p.checkpoint != nil {
			image, poi = p.checkpoint.Header.Model.Image, p.checkpoint.Header.Model.POI
		} else {
			image, poi = w.todo[i].config.Model.HasImage(), w.todo[i].config.Model.HasPOI()
		}
		if image {
			if images == nil {
				images = p
			}
			if err := sizes(images, p, "images", "data.imagery.size", images.store.ImageSize(), p.store.ImageSize()); err != nil {
				return err
			}
		}
		if !poi {
			continue
		}
		if first == nil {
			first = p
			continue
		}
		if err := sizes(first, p, "counts of points", "data.poi.size", first.store.POISize(), p.store.POISize()); err != nil {
			return err
		}
	}
	return w.fit()
}

// fit asks of each model whether it goes to each region, as predict does.
func (w *transfer) fit() error {
	var differences []string
	var last error
	for i, from := range w.places {
		c := from.checkpoint
		if c == nil {
			c = train.Prospect(w.todo[i].config, from.store)
		}
		for _, to := range w.places {
			if from == to {
				continue
			}
			_, _, err := c.Reads(to.store, w.plan.Surplus)
			if err == nil {
				err = c.Suits(to.store, w.plan.Accept, "")
			}
			if err != nil {
				last = err
				differences = append(differences, fmt.Sprintf("%s -> %s: %v", from.Name, to.Name, strings.ReplaceAll(err.Error(), "\n", "\n    ")))
			}
		}
	}
	if last == nil || !fault.IsInput(last) {
		return last
	}
	return fault.New("regions", "models do not go where they are meant to:\n    "+strings.Join(differences, "\n    "),
		"Make the regions alike, for example by one category table (set: [data.poi.categories=table.yaml] in the plan), or decide in the plan: surplus, accept.")
}

// compare applies every model everywhere.
func (w *transfer) compare(ctx context.Context) (*TransferResult, error) {
	r := &TransferResult{Name: w.plan.Name, Block: w.plan.Block, Dir: w.Out,
		Diagonal: "a model on its own region: test cells only"}
	var names []string
	var pairs []rank.Pair
	for _, from := range w.places {
		names = append(names, from.Name)
		for _, to := range w.places {
			w.Say(fmt.Sprintf("%s -> %s", from.Name, to.Name))
			read, notes, err := from.checkpoint.Reads(to.store, w.plan.Surplus)
			if err != nil {
				return nil, fmt.Errorf("%s -> %s: %w", from.Name, to.Name, err)
			}
			for _, n := range notes {
				r.Notes = append(r.Notes, fmt.Sprintf("%s -> %s: %s", from.Name, to.Name, n))
			}
			x, err := observe.Model(ctx, from.checkpoint, read, observe.Options{Targets: true, Device: w.Device, Threads: w.Threads, Progress: w.Progress})
			if err != nil {
				return nil, fmt.Errorf("%s -> %s: %w", from.Name, to.Name, err)
			}
			if from == to {
				region := TransferRegion{Name: from.Name, Checkpoint: from.checkpoint.Path, Store: from.store.Dir(), Cells: len(x.Cells), Unit: from.checkpoint.Header.TargetUnit}
				x = testCells(x)
				region.TestCells = len(x.Cells)
				r.Regions = append(r.Regions, region)
				if from.checkpoint.Header.Store != from.store.Meta().ConfigHash {
					r.Notes = append(r.Notes, fmt.Sprintf("%s: the checkpoint was trained on another store than %s, so that its test cells may have trained it", from.Name, from.store.Dir()))
				}
			}
			pair, err := w.pair(from, to, x)
			if err != nil {
				return nil, err
			}
			pairs = append(pairs, pair)
		}
	}
	var err error
	if r.Matrix, err = rank.NewMatrix(names, pairs); err != nil {
		return nil, err
	}
	r.Mean, r.Skipped = r.Matrix.OffDiagonalMean()
	for _, p := range pairs {
		if !p.Spearman.Defined {
			r.Notes = append(r.Notes, fmt.Sprintf("%s -> %s: no rank correlation, %s", p.Source, p.Target, p.Spearman.Why))
		}
	}
	return r, nil
}

// testCells keeps the rows of the test split.
func testCells(x *observe.Observations) *observe.Observations {
	y := &observe.Observations{}
	for i, s := range x.Split {
		if s == store.Test {
			y.Cells, y.Ln, y.Predicted = append(y.Cells, x.Cells[i]), append(y.Ln, x.Ln[i]), append(y.Predicted, x.Predicted[i])
		}
	}
	return y
}

func (w *transfer) pair(from, to *place, x *observe.Observations) (rank.Pair, error) {
	col, row := make([]int64, len(x.Cells)), make([]int64, len(x.Cells))
	for i, c := range x.Cells {
		at := to.store.Cells()[c]
		col[i], row[i] = at.Col, at.Row
	}
	blocks, err := rank.Blocks(col, row, int64(w.plan.Block))
	if err != nil {
		return rank.Pair{}, err
	}
	return rank.Compare(from.Name, to.Name, x.Predicted, x.Ln, blocks, rank.Bootstrap{Draws: w.plan.Draws, Seed: w.plan.Seed})
}

// write leaves the table, the record and the heat map; where that cannot be drawn,
// the record notes it.
func (w *transfer) write(r *TransferResult) error {
	if err := atomicfile.Write(filepath.Join(w.Out, TransferTable), r.Matrix.WriteCSV); err != nil {
		return err
	}
	if err := plots.Attempt(filepath.Join(w.Out, TransferPicture), r.picture); err != nil {
		r.Notes = append(r.Notes, err.Error())
	}
	if lacks := plots.Lacking(); lacks != "" {
		r.Notes = append(r.Notes, lacks)
	}
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(filepath.Join(w.Out, TransferRecord), append(text, '\n'))
}

// picture is the heat map, like Figure 4.
func (r *TransferResult) picture() (*plots.Figure, error) {
	n := len(r.Matrix.Regions)
	d := plots.MatrixData{Title: "Direct transfer between regions", RowTitle: "trained on", ColTitle: "applied to", Rows: r.Matrix.Regions, Cols: r.Matrix.Regions,
		Label: "Spearman's rank correlation", High: 1, Format: "%.2f"}
	if r.Mean.Defined {
		d.Title = fmt.Sprintf("Direct transfer, mean %.3f", r.Mean.Value)
	}
	for i := range n {
		row := make([]float64, n)
		for j := range n {
			row[j] = r.Matrix.At(i, j).Spearman.Value
			if !math.IsNaN(row[j]) {
				d.Low = min(d.Low, row[j])
			}
		}
		d.Values = append(d.Values, row)
	}
	return plots.Matrix(d)
}

// Print writes the matrix for a terminal.
func (r *TransferResult) Print(out io.Writer) error {
	var b strings.Builder
	b.WriteString("\nSpearman's rank correlation, 95% interval by spatial blocks; rows: trained on, columns: applied to\n")
	t := tabwriter.NewWriter(&b, 0, 0, 3, ' ', 0)
	fmt.Fprint(t, "\t"+strings.Join(r.Matrix.Regions, "\t")+"\n")
	for i, name := range r.Matrix.Regions {
		fmt.Fprint(t, name)
		for j := range r.Matrix.Regions {
			p := r.Matrix.At(i, j)
			text := "undefined"
			if p.Spearman.Defined {
				text = fmt.Sprintf("%.3f", p.Spearman.Value)
				if v := p.SpearmanInterval; v.Defined {
					text += fmt.Sprintf(" (%.2f, %.2f)", v.Low, v.High)
				}
			}
			fmt.Fprint(t, "\t"+text)
		}
		fmt.Fprintln(t)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(&b, "Off-diagonal mean %s over %d pairs; the diagonal is a region's own test cells.\n", r.Mean, r.Mean.N)
	for _, n := range r.Notes {
		fmt.Fprintln(&b, "  "+n)
	}
	for _, f := range []string{TransferTable, TransferRecord, TransferPicture} {
		if _, err := os.Stat(filepath.Join(r.Dir, f)); err == nil { // the picture may be left out
			fmt.Fprintln(&b, "  "+filepath.Join(r.Dir, f))
		}
	}
	_, err := io.WriteString(out, b.String())
	return err
}
