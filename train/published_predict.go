package train

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/metrics"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// PublishedOptions of PredictPublished.
type PublishedOptions struct {
	Dir, City string           // the dataset: its folder, and which city where it holds several
	First     []int            // x, y of its first tile, where the folder's order is not the original's; empty: as found
	Store     string           // where its tile store goes; empty: stores/published-<name of the folder>[-city]
	Out       string           // CSV: x, y, prediction (ln emission)
	Device    string           // auto, cpu, cuda, cuda:N; empty: auto
	Threads   int              // 0: all cores
	Progress  progress.Options // where and how to report

	Building func(stage string, done, total int) // hears how far the store is; may be nil
}

// PublishedScores are what PredictPublished found.
type PublishedScores struct {
	Cells  int                   // rows of the CSV: all tiles of the dataset that have an image
	Splits []metrics.SplitScores // of the tiles with an emission: train, validation, test, on ln emission
	Unit   string
	Out    string
	Store  string

	// Border is the number of cells whose prediction depends on what tile the
	// published program found first, which was not said; 0: none.
	Border int
	First  [2]int64 // x, y of the tile that was found first here
}

// PredictPublished applies a checkpoint to a dataset of the published program
// and writes what that program would predict: a row x, y, prediction a tile, in
// the order in which the images are found. An interrupted call goes on where it was.
func PredictPublished(ctx context.Context, c *checkpoint.Checkpoint, o PublishedOptions) (*PublishedScores, error) {
	if o.Out == "" {
		return nil, fault.New("--out", "is not given", "Name the CSV file to write, for example predictions.csv.")
	}
	name := "published-" + filepath.Base(filepath.Clean(o.Dir))
	if o.City != "" {
		name += "-" + o.City
	}
	spec := data.Config{Store: o.Store, Published: data.Published{Dir: o.Dir, City: o.City}, PublishedFirstTile: o.First}
	report, err := data.Build(ctx, &spec, data.Options{Name: name, Progress: o.Building})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(report.Store)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	cfg, err := c.Experiment()
	if err != nil {
		return nil, err
	}
	read, _, err := c.Reads(s, "")
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o777); err != nil {
		return nil, fault.Wrap(err, o.Out, "its folder cannot be made", "Give another place with --out.")
	}
	check, err := s.BeginCheck(ctx)
	if err != nil {
		return nil, err
	}
	cfg.Train.Device = o.Device
	options := PredictOptions{Out: filepath.Dir(o.Out), Device: o.Device, Threads: o.Threads, Progress: o.Progress}
	partial := filepath.Base(o.Out) + ".partial"
	var ln []float64
	var failed error
	if err := torch.Run(torch.Options{Threads: o.Threads}, func() { ln, _, failed = predictOne(ctx, c, cfg, read, options, partial, tabular.Inputs{}) }); err != nil {
		return nil, err
	}
	if failed != nil {
		if ctx.Err() != nil {
			failed = fmt.Errorf("what is encoded is kept; the same command goes on there: %w", ctx.Err())
		}
		return nil, failed
	}
	if err := check.Wait(ctx); err != nil {
		if fault.IsInput(err) { // what was encoded is of damaged images
			os.Remove(filepath.Join(options.Out, partial))
		}
		return nil, err
	}
	if err := atomicfile.Write(o.Out, func(w io.Writer) error { return writePublished(w, s.Cells(), ln) }); err != nil {
		return nil, err
	}
	r := &PublishedScores{Cells: len(ln), Unit: s.Meta().TargetUnit, Out: o.Out, Store: report.Store}
	if around := c.Header.Model; around.Kind == layers.KindPublished && around.Neighborhood > 1 && len(o.First) == 0 {
		if r.Border, err = border(s, around.Neighborhood); err != nil {
			return nil, err
		}
		r.First = [2]int64{s.Cells()[0].Col, s.Cells()[0].Row}
	}
	if r.Splits, err = newDataset(s).scores(ln); err != nil {
		return nil, err
	}
	return r, os.Remove(filepath.Join(options.Out, partial))
}

func writePublished(w io.Writer, cells []store.Cell, ln []float64) error {
	b := bufio.NewWriter(w)
	b.WriteString("x,y,prediction\n")
	for i, c := range cells {
		fmt.Fprintf(b, "%d,%d,%s\n", c.Col, c.Row, strconv.FormatFloat(ln[i], 'g', 9, 64))
	}
	return b.Flush()
}

// Print writes the scores for people.
func (r *PublishedScores) Print(w io.Writer) error {
	text := fmt.Sprintf("%d tiles predicted: %s\n", r.Cells, r.Out)
	if r.Border > 0 {
		text += borderNote(r.Border, r.First, "--first-tile X,Y") + "\n"
	}
	if len(r.Splits) > 0 {
		text += metrics.Table(r.Splits, r.Unit)
	}
	for _, s := range r.Splits {
		if math.IsNaN(s.Ln.R2) {
			text += fmt.Sprintf("%s has no R2: %s\n", s.Name, s.Ln.Undefined)
		}
	}
	_, err := io.WriteString(w, text)
	return err
}
