package compare

import (
	"context"
	"fmt"
	"math"
	"path/filepath"

	"opencarbon/data"
	"opencarbon/data/emissions"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/method"
)

// MapSpec is a map of emissions that somebody else made, as a row of the table:
// another inventory, or the predictions of another program.
type MapSpec struct {
	Path   string
	Units  string // of its values, as data.emissions.units
	Per    string // cell, km2, m2
	Period string // year, month, day, hour, second

	Attribute string // of polygons: the column of amounts
}

// MapEntry regrids a map to the cells of s, mass kept, and makes it a row that
// predicts what it holds. A cell in which the map has no emission counts as the
// smallest one that it has anywhere in the region, since ln of 0 is none; how many
// there are is said. What it holds beside the truth (sums, mean absolute difference)
// stands in the row's words.
func MapEntry(ctx context.Context, s *store.Store, m MapSpec) (Entry, error) {
	g, cells, err := data.CellsOf(s)
	if err != nil {
		return Entry{}, err
	}
	r, err := emissions.Load(ctx, emissions.Spec{Path: m.Path, Units: m.Units, Per: m.Per, Period: m.Period, Attribute: m.Attribute}, g, cells, nil)
	if fault.IsInput(err) {
		return Entry{}, fault.Wrap(err, "--map "+m.Path, "cannot be used", "Say what it holds with --map-units, --map-per, --map-period and --map-attribute.")
	} else if err != nil {
		return Entry{}, err
	}
	if r.Report.Proxy {
		return Entry{}, fault.New("--map-units", "a proxy is no amount of emissions", "Give the unit of the map's values: tCO2, tC, kgCO2, ...")
	}
	e := Entry{Name: filepath.Base(m.Path), Fixed: true, Key: fmt.Sprintf("map %+v, sum %g", m, r.Report.Regridded)}
	least := math.Inf(1)
	for _, v := range r.Values {
		if v > 0 {
			least = min(least, v)
		}
	}
	if math.IsInf(least, 1) {
		return Entry{}, fault.New(m.Path, "holds no emission in any cell of the region", "Check its unit and its place.")
	}
	f := foreignMap{ln: make([]float64, len(cells))}
	var truth, sum, difference float64
	n, none := 0, 0
	for i, v := range r.Values {
		empty := !(v > 0)
		if empty {
			v = least
		}
		f.ln[i] = math.Log(v)
		if t := s.Targets(); i < len(t) && t[i] > 0 {
			n++
			truth += t[i]
			if empty {
				none++
				v = 0
			}
			sum += v
			difference += math.Abs(v - t[i])
		}
	}
	if n == 0 {
		return Entry{}, fault.New(s.Dir(), "has no cell with a target", "Give data.emissions.")
	}
	f.about = fmt.Sprintf("the map as it is: %.4g of %.4g in the %d cells with a target (%+.1f%%), mean absolute difference %.0f%% of the mean; %d cells without emission in the map count as %.3g",
		sum, truth, n, 100*(sum/truth-1), 100*difference/truth, none, least)
	e.Method = f
	return e, nil
}

// foreignMap predicts what a map holds.
type foreignMap struct {
	ln    []float64 // [N]
	about string
}

func (f foreignMap) Fit(context.Context, *method.Dataset, method.Options) (method.Fitted, error) {
	return f, nil
}

func (f foreignMap) Predict(_ context.Context, d *method.Dataset, cells []int32) ([]float64, error) {
	if len(f.ln) != len(d.Ln) {
		return nil, fmt.Errorf("the map was regridded to %d cells, the region has %d", len(f.ln), len(d.Ln))
	}
	out := make([]float64, len(cells))
	for i, c := range cells {
		out[i] = f.ln[c]
	}
	return out, nil
}

func (foreignMap) Save(string) error {
	return fmt.Errorf("a map is a measure to compare with, and is not saved")
}

func (f foreignMap) About() string { return f.about }
