package output

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/train/internal/expect"
	"opencarbon/train/internal/town"
	"opencarbon/train/page"
	"opencarbon/train/totals"
)

// districts of a town of 20 x 20 cells: the border runs through the middle of a
// column.
func districts(t *testing.T, west, east string) string {
	t.Helper()
	g, err := data.GridOf(town.Grid())
	if err != nil {
		t.Fatal(err)
	}
	x0, y1 := g.FromUnits(0, 0)
	x1, _ := g.FromUnits(10.5, 0)
	x2, y0 := g.FromUnits(20, 20)
	polygon := func(name, more string, west, east float64) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"name":%q%s},"geometry":{"type":"Polygon","coordinates":[[[%[3]v,%[5]v],[%[4]v,%[5]v],[%[4]v,%[6]v],[%[3]v,%[6]v],[%[3]v,%[5]v]]]}}`,
			name, more, west, east, y0, y1)
	}
	path := filepath.Join(t.TempDir(), "districts.geojson")
	text := `{"type":"FeatureCollection","features":[` + polygon("West", west, x0, x1) + "," + polygon("East", east, x1, x2) + `]}`
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Areas add up to the whole; totals that are known hold in the tables to 1e-9.
func TestAreasAndKnownTotals(t *testing.T) {
	c := guessed(t, town.Town{Rows: 20, Cols: 20})
	path := districts(t, "", "")
	predict := func(known Known) (*Predictions, string, error) {
		out := t.TempDir()
		p, err := c.write(t, Options{Out: out, Formats: []string{"csv", "gpkg"}, Page: true, Known: known})
		return p, out, err
	}
	p, out, err := predict(Known{Areas: path, Field: "name"})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Areas) != 2 || p.Areas[0].Cells != 20*11 || p.Areas[1].Cells != 20*10 || p.Areas[0].Rank+p.Areas[1].Rank != 3 {
		t.Fatalf("%+v", p.Areas)
	}
	expect.Near(t, "sum of the areas", []float64{p.Areas[0].Total + p.Areas[1].Total, p.Areas[0].Share + p.Areas[1].Share}, []float64{p.Sum.Corrected, 1}, 1e-9)
	if text, err := os.ReadFile(filepath.Join(out, PageFile)); err != nil || !strings.Contains(string(text), `<th scope="row">West</th>`) || !strings.Contains(string(text), "cells held out, which it has never seen") ||
		!slices.Contains(p.Files, filepath.Join(out, PageFile)) {
		t.Errorf("the page is not there, or without areas and scores: %v, files %v, %.3000s", err, p.Files, text)
	}
	expect.Near(t, "table", expect.Column(t, filepath.Join(out, page.AreasFile), "total_tCO2_per_yr"), []float64{p.Areas[0].Total, p.Areas[1].Total}, 1e-6)
	truth := 0.0
	for _, y := range c.truth {
		truth += math.Exp(y)
	}
	expect.Near(t, "true", []float64{p.Areas[0].True + p.Areas[1].True, p.Areas[0].Filled + p.Areas[1].Filled}, []float64{truth, truth}, 1e-9)
	for _, a := range p.Areas {
		if len(a.Intervals) != 3 || !(a.Intervals[1].Low < a.Total && a.Total < a.Intervals[1].High) {
			t.Errorf("%s: %g in %v", a.Name, a.Total, a.Intervals)
		}
	}
	if text := p.AreaTable(); !strings.Contains(text, "West") || !strings.Contains(text, "90% interval") {
		t.Error(text)
	}
	layer, err := raster.OpenVector(filepath.Join(out, page.AreasLayer), "areas", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	onLayer := 0.0 // with all digits, unlike the table
	if err := layer.Each(context.Background(), func(f *raster.Feature) error {
		v, _, err := f.Float("total_tCO2_per_yr")
		onLayer += v
		return err
	}); err != nil || layer.Count() != 2 {
		t.Errorf("%d areas in the layer, %v", layer.Count(), err)
	}
	expect.Near(t, "layer", []float64{onLayer}, []float64{p.Sum.Corrected}, 1e-9)
	layer.Close()

	whole, _, err := predict(Known{Areas: path, Field: "name", Total: "1.5 kt"})
	if err != nil {
		t.Fatal(err)
	}
	expect.Near(t, "known whole", []float64{whole.Areas[0].Total + whole.Areas[1].Total, whole.Areas[0].Share}, []float64{1500, p.Areas[0].Share}, 1e-9)
	if a, b := whole.Areas[0].Intervals[1], p.Areas[0].Intervals[1]; !(a.High/a.Low < b.High/b.Low) {
		t.Errorf("a known whole does not make its parts surer: %v, %v before", a, b)
	}

	table := filepath.Join(t.TempDir(), "totals.csv")
	if err := os.WriteFile(table, []byte("name,year,total\nWest,2019,2 kt\nEast,2019,3.5 kt\nEast,2013,1 t\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	raked, out, err := predict(Known{Areas: path, Field: "name", Totals: table, Year: "2019"})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, v := range expect.Column(t, filepath.Join(out, "predictions.csv"), "scaled_tCO2_per_yr") {
		sum += v
	}
	expect.Near(t, "raked", []float64{raked.Areas[0].Total, raked.Areas[1].Total, sum}, []float64{2000, 3500, 5500}, 1e-9)
	expect.Near(t, "factors", []float64{raked.Areas[0].Factor, raked.Areas[1].Factor}, []float64{2000 / p.Areas[0].Total, 3500 / p.Areas[1].Total}, 1e-9)
	if raked.Areas[0].Intervals != nil {
		t.Error("a known total has an interval")
	}
	alone, _, err := predict(Known{Field: "name", Totals: districts(t, `,"total":"2 kt"`, "")})
	if err != nil {
		t.Fatal(err)
	}
	expect.Near(t, "one area known", []float64{alone.Areas[0].Total}, []float64{2000}, 1e-9)
	if !strings.Contains(strings.Join(alone.Notes, "\n"), "no total is known of East") {
		t.Errorf("notes %v", alone.Notes)
	}

	for _, c := range []struct {
		known Known
		want  string
	}{
		{Known{Totals: table}, "does not tell where its areas lie"},
		{Known{Total: "5"}, "has no unit"},
		{Known{Total: "5 Mt", Totals: table}, "contradict"},
		{Known{Field: "name"}, "without --areas"},
		{Known{Areas: path, Field: "name", Totals: table}, "Pick one with --year"},
	} {
		if _, _, err := predict(c.known); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.known, err, c.want)
		}
	}
	c.by.Unit = "proxy"
	if _, _, err := predict(Known{Total: "5 Mt"}); !fault.IsInput(err) || !strings.Contains(err.Error(), "proxy") {
		t.Errorf("a total of a proxy: %v", err)
	}
	if math.IsNaN(p.Areas[0].PerKM2) {
		t.Error("no density")
	}
}

// Only cells that the inventory lacks make the filled total of an area uncertain, also
// where the total of the whole is known.
func TestFilledAreas(t *testing.T) {
	c := guessed(t, town.Town{Rows: 20, Cols: 20})
	path := districts(t, "", "")
	truth := exp(c.truth)
	for i, at := range c.store.Cells() {
		if at.Col >= 10 && i%2 == 0 { // the West has its border column only in part
			truth[i] = math.NaN()
		}
	}
	for _, total := range []string{"", "1.5 kt"} {
		k, err := Known{Areas: path, Field: "name", Total: total}.Read(context.Background(), c.store, "tCO2/yr")
		if err != nil {
			t.Fatal(err)
		}
		p, x := &Predictions{Unit: "tCO2/yr"}, c.x
		_, _, sums := sumAll(c.sums, totals.At(c.store.Cells(), x.Ln), truth, k)
		if err := k.apply(p, &x); err != nil {
			t.Fatal(err)
		}
		k.sum(p, sums, truth, x)
		lacks := [2]float64{}
		for a, area := range k.parts {
			want := 0.0
			for j, i := range area.Cell {
				if v := truth[i]; v == v {
					want += area.Share[j] * v
				} else {
					v = x.amounts()[i]
					want, lacks[a] = want+area.Share[j]*v, lacks[a]+area.Share[j]*v
				}
			}
			got := p.Areas[a]
			expect.Near(t, got.Name, []float64{got.Filled}, []float64{want}, 1e-9)
			for l, i := range got.FilledIntervals {
				if low := want - lacks[a]; !(low < i.Low && i.Low < want && want < i.High) || !(i.High-i.Low < got.Intervals[l].High-got.Intervals[l].Low) {
					t.Errorf("total %q, %s: %v around %g, of which %g is known; %v where nothing is", total, got.Name, i, want, low, got.Intervals[l])
				}
			}
			if len(got.FilledIntervals) != 3 {
				t.Errorf("%s has %d intervals", got.Name, len(got.FilledIntervals))
			}
		}
		if !(lacks[0] < lacks[1]) || !(width(p.Areas[0].FilledIntervals[1]) < width(p.Areas[1].FilledIntervals[1])) {
			t.Errorf("total %q: West lacks %g and East %g, intervals %v and %v", total, lacks[0], lacks[1], p.Areas[0].FilledIntervals, p.Areas[1].FilledIntervals)
		}
		if text := p.AreaTable(); !strings.Contains(text, "filled") || strings.Count(text, "90% interval") != 2 {
			t.Error(text)
		}
	}
}

func width(i totals.Interval) float64 { return i.High - i.Low }

// People read the table: seven digits, no exponent for tonnes.
func TestDigits(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 2: "2", 1234567.891: "1234568", 123456789.5: "123456800", 2.0 / 3: "0.6666667", -1e-3 / 3: "-0.0003333333", 1e16: "1e+16", 2e-9: "2e-09"} {
		if got := digits(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
	if got := digits(math.NaN()); got != "" {
		t.Errorf("nothing is %q", got)
	}
}
