package report

import (
	"cmp"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/train/change"
	"opencarbon/train/config"
	"opencarbon/train/metrics"
	"opencarbon/train/page"
	"opencarbon/train/runlog"
)

// mapFolder of a run may hold what predict says of the run's own region: which
// cells lie in the model's domain, and areas.
const mapFolder = "map"

// look fills in what stands above: the map, findings, areas. s is nil where the
// store is not there, or not what the run was trained on.
func (c *content) look(run *runlog.Run, cfg *config.Config, s *store.Store, since string) error {
	p := page.Page{Title: c.Name, Unit: c.Unit}
	p.About = "OpenCarbon, trained " + c.Started
	if c.Elapsed != "" {
		p.About += ", " + c.Elapsed
	}
	p.About += ". Outcome: " + c.Info.Outcome + "."
	t, err := predictions(run)
	if err != nil {
		return err
	}
	if t != nil {
		if p.Unit == "" {
			p.Unit = t.Unit
		}
		if p.Map, p.NoMap, err = newMap(cfg, s, t); err != nil {
			return err
		}
	}
	if p.Map != nil && since != "" {
		c, err := change.Against(since, t)
		if err != nil {
			return err
		}
		p.Map.Since = &page.Since{Name: change.Name(since), Before: c.Before, Now: c.Now, Low: c.Low, High: c.High}
	}
	for _, folder := range []string{run.Dir, run.Path(mapFolder)} {
		if p.Areas.Rows == nil {
			if p.Areas, err = page.ReadAreas(folder); err != nil {
				return err
			}
		}
	}
	if p.Areas.Rows == nil && p.Map != nil {
		p.Areas = districts(p.Map, &cfg.Data.Split)
	}
	f := page.Facts{Filled: c.Results.filled(), Sum: c.Results.sum(), Score: c.Results.score()}
	if f.Effects, err = effects(run.Path("explain")); err != nil {
		return err
	}
	p.Findings = page.Findings(p.Map, p.Unit, f)
	c.above = p
	return nil
}

// districts adds the map up over the polygons by which the run's cells were split,
// where there are such and they are still there: a page without them is better than
// none. They are often named in a column of their own, beside that of the split.
func districts(m *page.Map, s *data.Split) page.Areas {
	if s.Method != "attribute" || s.File == "" || m.Total() <= 0 {
		return page.Areas{}
	}
	if _, err := os.Stat(s.File); err != nil {
		return page.Areas{}
	}
	for _, field := range []string{"name", s.Field} {
		if a, err := m.Districts(context.Background(), s.File, field); err == nil {
			m.Notes = append(m.Notes, "The areas are those by which the cells were split; go run ./cmd/predict --areas gives their totals intervals.")
			return a
		}
	}
	return page.Areas{}
}

// predictions reads the table of the run, or that of its map folder where it is of
// the same cells: it says more. nil where there is none.
func predictions(run *runlog.Run) (*runlog.Table, error) {
	own, err := runlog.ReadPredictions(run.Path(runlog.PredictionsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	more, err := runlog.ReadPredictions(run.Path(filepath.Join(mapFolder, runlog.PredictionsFile)))
	if errors.Is(err, fs.ErrNotExist) {
		return own, nil
	}
	if err != nil {
		return nil, err
	}
	if len(more.Rows) != len(own.Rows) {
		return own, nil
	}
	for i, r := range more.Rows {
		if r.Col != own.Rows[i].Col || r.Row != own.Rows[i].Row {
			return own, nil
		}
	}
	return more, nil
}

// newMap places the cells by the grid of the store, or of the experiment where the
// store is gone.
func newMap(cfg *config.Config, s *store.Store, t *runlog.Table) (*page.Map, string, error) {
	var g *grid.Grid
	var err error
	if s != nil {
		g, err = data.GridOf(s.Meta().Grid)
	} else {
		d := cfg.Data.Grid
		spec := grid.Spec{Scheme: d.Scheme, Zoom: d.Zoom, CellDegrees: d.CellDegrees, EPSG: d.EPSG, CellMetres: d.CellMetres}
		g, err = grid.New(spec)
	}
	if err != nil {
		return nil, "", err
	}
	return page.NewMap(g, t.Rows, t.Extra, s)
}

// sum is how the total of the test cells came out.
func (r results) sum() *page.Sum {
	t := r.Total
	if t == nil {
		return nil
	}
	out := &page.Sum{Of: fmt.Sprintf("The %d cells held out", t.Cells), True: t.True, Total: t.Corrected, Low: math.NaN(), High: math.NaN()}
	for _, i := range t.Intervals {
		if i.Level == 0.9 {
			out.Level, out.Low, out.High = i.Level, i.Low, i.High
		}
	}
	return out
}

// filled is the total of all cells with the inventory's own numbers but for the test
// cells, which a city's total comes to where the inventory lacks those: only they are
// uncertain. nil for a run that does not tell.
func (r results) filled() *page.Sum {
	s := r.sum()
	if s == nil || r.Total.Known <= 0 {
		return nil
	}
	known := r.Total.Known
	s.Of = fmt.Sprintf("With the inventory's own numbers but for the %d cells held out, for which predictions stand in, all cells", r.Total.Cells)
	s.Total, s.True, s.Low, s.High = known+s.Total, known+s.True, known+s.Low, known+s.High
	return s
}

// score is that of the test cells, and the best of the baselines.
func (r results) score() *page.Score {
	s := r.Test()
	if s == nil || s.Ln.R2 == nil {
		return nil
	}
	out := &page.Score{Of: metrics.Amount(float64(s.Ln.N)) + " cells held out", R2: *s.Ln.R2, MAE: math.NaN()}
	if s.Ln.MAE != nil {
		out.MAE = *s.Ln.MAE
	}
	for _, b := range r.Baselines {
		if t := b.Test(); t != nil && t.Ln.R2 != nil && (out.Rival == "" || *t.Ln.R2 > out.RivalR2) {
			out.Rival, out.RivalR2 = b.Name, *t.Ln.R2
		}
	}
	return out
}

// effects reads what the study of single categories left in folder (occlusion.csv);
// none where it left nothing.
func effects(folder string) ([]page.Effect, error) {
	path := filepath.Join(folder, "occlusion.csv")
	f, err := regular.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	const again = "Make it again with go run ./cmd/explain."
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Check its permissions.")
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) == 0 {
		return nil, fault.Wrap(cmp.Or(err, errors.New("it is empty")), path, "is no table of categories", again)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	name, ok := column["category"]
	change, ok2 := column["mean_change_ln"]
	if !ok || !ok2 {
		return nil, fault.New(path, `has no columns "category" and "mean_change_ln"`, again)
	}
	var out []page.Effect
	for _, row := range rows[1:] {
		if v, err := strconv.ParseFloat(row[change], 64); err == nil { // empty: no cell has the category
			out = append(out, page.Effect{Category: row[name], Change: v})
		}
	}
	return out, nil
}
