package data

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"opencarbon/data/imagery"
	"opencarbon/data/raster"
	"opencarbon/data/split"
)

// account is a region with every imperfection of a real one: cells of 1/120
// degree around 10 E, 50 N.
//
//	column   0    1    2    3     4    5
//	row 0    10   20   -    40    0    60
//	row 1    10   20   -    40    0    60     tonnes of carbon, December alone
//	row 2    10   20   -    40    0    60     -: no sample
//	row 3    10   20   -    40    0    60     beyond the mosaic but for 0.95 of
//	row 4    10   20   -    40    0    60     row 3 and 0.25 of row 4
//
// The region is the columns 1 to 5: column 0 lies outside of it. Two points lie
// in cell (1, 0), one in the row without a mosaic, one outside.
func account(t *testing.T) Config {
	t.Helper()
	const step = 1.0 / 120
	dir := t.TempDir()
	write := func(name string, s raster.Spec, at func(band, col, row int) float64) string {
		path := filepath.Join(dir, name)
		crs, err := raster.ParseCRS("EPSG:4326")
		if err != nil {
			t.Fatal(err)
		}
		s.CRS = crs
		w, err := raster.Create(path, s)
		if err != nil {
			t.Fatal(err)
		}
		for b := 1; b <= max(1, s.Bands); b++ {
			values := make([]float64, s.Width*s.Height)
			for i := range values {
				values[i] = at(b, i%s.Width, i/s.Width)
			}
			if err := raster.Write(w, b, 0, 0, s.Width, s.Height, values); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gap := -9999.0
	inventory := write("odiac2022_1km_excl_intl_2112.tif", raster.Spec{Width: 6, Height: 5, DType: raster.Float32, Nodata: &gap, GeoTransform: raster.North(10, 50, step, step)},
		func(_, col, _ int) float64 { return []float64{10, 20, gap, 40, 0, 60}[col] })
	// 40 pixels a cell; four rows of cells but for a twentieth of the fourth, then
	// a stripe without a value, then the upper quarter of the fifth.
	mosaic := write("mosaic.tif", raster.Spec{Width: 240, Height: 170, Bands: 3, DType: raster.Byte, Nodata: new(float64), GeoTransform: raster.North(10, 50, step/40, step/40)},
		func(band, col, row int) float64 {
			if row >= 158 && row < 160 {
				return 0
			}
			return float64(1 + (band*31+col+row)%250)
		})
	points := filepath.Join(dir, "poi.csv")
	text := "lon,lat,category\n10.0125,49.9958,cafe\n10.0126,49.9958,school\n10.0125,49.9625,cafe\n10.0042,49.9958,cafe\n"
	if err := os.WriteFile(points, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return Config{
		Store:     filepath.Join(dir, "store"),
		Grid:      Grid{Scheme: "degrees"},
		Region:    Region{BBox: []float64{10 + step, 50 - 5*step, 10 + 6*step, 50}},
		Imagery:   Imagery{Path: mosaic, Size: 40, Resampling: "near"},
		Emissions: Emissions{Path: inventory, Units: "tC", Period: "month", MissingMonths: "scale"},
		POI:       POI{Path: points},
		Split:     Split{Method: "blocks", Block: 1},
	}
}

// The account of a region says what is unknown, what is cut, what lies outside
// and what was told to be a year, and its sums close.
func TestAccount(t *testing.T) {
	c := account(t)
	r := mustBuild(t, &c, Options{Name: "small"})
	k, e := r.Cells, r.Emissions
	if k.Region != 25 || k.Coverage != 5 || k.NoImage != 0 || k.Stored != 20 || k.Cut != 5 || k.Samples != 12 || k.NoTarget != 4 || k.Zero != 4 || k.Sliver != 0 {
		t.Errorf("%+v", k)
	}
	const year = 12 * 44.0 / 12
	near := func(what string, got, want float64) {
		t.Helper()
		if !(math.Abs(got-want) <= 1e-6*want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	near("the file as it stands", e.FileSum, 5*130)
	near("the file's year", e.FileYear, 5*130*year)
	near("the region", e.InRegion, 5*120*year)
	near("after regridding", e.Regridded, 5*120*year)
	near("dropped cells", e.Dropped, 120*year)
	near("samples", e.Samples, 4*120*year)
	near("the account closes", e.Samples+e.NoSample+e.Dropped, e.Regridded)
	// Cells in one row are of one size: a fifth of the ground has no sample.
	near("area not covered", e.UnknownKM2, e.StoredKM2/5)
	if !e.FileSummed || r.POI.Outside != 1 || r.POI.Dropped != 1 || r.POI.Stored != 2 {
		t.Errorf("whole file added up: %v; %d points outside, %v dropped, %v stored", e.FileSummed, r.POI.Outside, r.POI.Dropped, r.POI.Stored)
	}
	expectLines(t, r,
		`dropped, cut +5 +the mosaic's edge, or a gap in it`,
		`cut a little +5 +the mosaic's edge, or a gap in it: kept`,
		`without a target +4 +unknown, not zero`,
		`with zero emission +4 +the inventory says zero`,
		`whole file +28600 +tCO2/yr, before any cut; 650\.0 tC in it as it stands`,
		`source in the region +26400 +tCO2/yr, before regridding; 92\.3% of the whole file`,
		`in dropped cells +5280 +tCO2/yr, known, but the mosaic does not cover the cells`,
		`samples +21120 +tCO2/yr`,
		`area not covered +[0-9.]+ +km2 of [0-9.]+ km2 stored have no sample: unknown, not zero`,
		`scaled to a year +1 of 12 months +as data\.emissions\.missing_months: scale allows; .*missing: 2021-01, 2021-02, `,
		`outside the region +1 +in none of its cells; not counted`,
		`in dropped cells +1 +the mosaic does not cover them; not counted`)
	// The world's file is not read to the end for a city.
	r.Emissions.FileSummed, r.Emissions.FileNumbers = false, 12*43200*21600
	expectLines(t, r, `whole file +not added up +11197440000 numbers`, `source in the region +26400 +tCO2/yr, before regridding\n`)
}

// One cell of 21 x 21 holds a power plant: it is named. Cells of even emission,
// and few cells, name none.
func TestAccountNamesOutliers(t *testing.T) {
	for _, k := range []struct {
		what  string
		edge  int
		plant float64
		named int
	}{{"a plant", 21, 60000, 1}, {"even", 21, 100, 0}, {"ten times the others", 21, 1000, 0}, {"few cells", 4, 150, 0}} {
		n := k.edge * k.edge
		b := &build{place: &place{lon: make([]float64, n), lat: make([]float64, n)}, report: &Report{Emissions: &Inventory{}, Split: &split.Report{}}}
		values, keep, sum := make([]float64, n), make([]int, n), 0.0
		for i := range values {
			values[i], keep[i] = 100, i
			b.place.lon[i], b.place.lat[i] = 10+float64(i%k.edge)/100, 50-float64(i/k.edge)/100
		}
		values[3], values[7] = k.plant, math.NaN()
		for _, v := range values {
			if v > 0 {
				sum += v
			}
		}
		list := b.large(values, keep, n-1, sum)
		if len(list) != k.named || k.named > 0 && (math.Abs(list[0].Lon-10.03) > 1e-9 || list[0].Lat != 50 || math.Abs(list[0].Share-k.plant/sum) > 1e-12) {
			t.Errorf("%s: %+v", k.what, list)
		}
		var out strings.Builder
		b.report.Emissions.Large = list
		if err := b.report.Print(&out); err != nil {
			t.Fatal(err)
		}
		if want := `large single cells +1 +57\.7% of the samples' sum, at longitude, latitude 10\.0300, 50\.0000 \(57\.7%\): outliers`; regexp.MustCompile(want).MatchString(out.String()) != (k.named > 0) {
			t.Errorf("%s:\n%s", k.what, out.String())
		}
	}
}

// A complete region's account keeps silent about what does not happen; one month
// becomes a year only where the configuration says so.
func TestAccountOfWholeRegions(t *testing.T) {
	c, city := cityConfig(t, 8, 8)
	r := mustBuild(t, &c, Options{})
	total := 0.0
	for _, months := range city.Month {
		for _, v := range months {
			total += float64(v)
		}
	}
	if e := r.Emissions; !e.FileSummed || math.Abs(e.FileSum/total-1) > 1e-9 || e.Dropped != 0 || r.Cells.Cut != 0 {
		t.Errorf("%v in the files, want %v; %v dropped, %d cut", e.FileSum, total, e.Dropped, r.Cells.Cut)
	}
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, no := range []string{"dropped", "cut a little", "area not covered", "scaled to a year", "in no sample", "large single"} {
		if strings.Contains(out.String(), no) {
			t.Errorf("%q in the account of a whole region:\n%s", no, out.String())
		}
	}
	c = account(t)
	c.Emissions.MissingMonths = ""
	if _, err := Build(t.Context(), &c, Options{Name: "small"}); err == nil || !strings.Contains(err.Error(), "1 of 12 months") {
		t.Errorf("one month of twelve: %v", err)
	}
	c.Emissions.Units, c.Emissions.Period = "proxy", "year"
	if e := mustBuild(t, &c, Options{Name: "small"}).Emissions; e.FileSummed || e.FileNumbers != 0 || e.Dropped != 0 {
		t.Errorf("amounts of a proxy: %+v", e)
	}
}

// expectLines looks for patterns in the printed account.
func expectLines(t *testing.T, r *Report, patterns ...string) {
	t.Helper()
	var out strings.Builder
	if err := r.Print(&out); err != nil {
		t.Fatal(err)
	}
	for _, p := range patterns {
		if !regexp.MustCompile(p).MatchString(out.String()) {
			t.Errorf("no line %q in\n%s", p, out.String())
		}
	}
}

// Undeclared gaps are said with the key that declares them.
func TestAccountNamesBlankPixels(t *testing.T) {
	r := &Report{Split: &split.Report{}, Blank: &imagery.Blank{Value: 0, Pixels: 30, Of: 400, Cells: 3}}
	expectLines(t, r, `with blank pixels +3 +exactly 0 in all bands, 7\.5% of all pixels.*data\.imagery\.nodata: 0`)
}

// A part of a split with next to no cells is said before anything is trained on it.
func TestAccountNamesFewCells(t *testing.T) {
	r := &Report{Cells: Cells{Samples: 309}, Split: &split.Report{Method: "attribute", Train: 258, Validation: 50, Test: 1}}
	expectLines(t, r, `note: few test cells +1 +too few.*data\.split\.method: blocks`)
	var out strings.Builder
	if err := r.Print(&out); err != nil || strings.Contains(out.String(), "few validation cells") {
		t.Errorf("%v; fifty cells are called few:\n%s", err, out.String())
	}
}

// TestGrouped: totals are read at a glance.
func TestGrouped(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 999999: "999999", 1e6: "1,000,000", 29060143.4: "29,060,143", -1234567: "-1,234,567", 1e15: "1e+15", 45031.7: "45031.7"} {
		if got := grouped(v); got != want {
			t.Errorf("%g is %q, want %q", v, got, want)
		}
	}
	if got := mega(29060143); got != " (29.06 Mt)" || mega(999) != "" {
		t.Errorf("%q", got)
	}
}
