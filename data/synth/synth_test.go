package synth

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

func small(seed int64) Config { return Config{Rows: 9, Cols: 13, Size: 32, Seed: seed} }

func write(t *testing.T, cfg Config) (string, []*City) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	cities, err := Write(t.Context(), dir, cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return dir, cities
}

// files reads every file below dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestSameSeedSameBytes(t *testing.T) {
	a, _ := write(t, small(5))
	b, _ := write(t, small(5))
	c, _ := write(t, small(6))
	fa, fb, fc := files(t, a), files(t, b), files(t, c)
	if len(fa) != 12+5 {
		t.Errorf("%d files, want 12 monthly rasters and 5 others", len(fa))
	}
	for name, content := range fa {
		if fb[name] != content {
			t.Errorf("%s differs between two runs with the same seed", name)
		}
		if fc[name] == content && name != ExperimentFile("demo") {
			t.Errorf("%s is the same for two seeds", name)
		}
	}
}

func TestFilesHoldTheTruth(t *testing.T) {
	dir, cities := write(t, small(3))
	c := cities[0]
	n := c.Rows * c.Cols

	// Emissions: the twelve files add up to exactly what truth.json says.
	sum, buf := make([]float64, n), make([]float64, n)
	for m := 1; m <= 12; m++ {
		d, err := raster.Open(filepath.Join(dir, MonthsFolder, MonthFile(18, m)), raster.Options{})
		if err != nil {
			t.Fatal(err)
		}
		gt, _ := d.GeoTransform()
		if gt[0] != c.West || gt[3] != c.North || gt[1] != CellDegrees || d.Width() != c.Cols || d.Height() != c.Rows {
			t.Errorf("month %d: geotransform %v, %d x %d", m, gt, d.Width(), d.Height())
		}
		if k := (gt[0] + 180) / CellDegrees; math.Abs(k-math.Round(k)) > 1e-6 {
			t.Errorf("west border is not on ODIAC's grid: %v cells", k)
		}
		if err := d.Read(1, 0, 0, c.Cols, c.Rows, buf); err != nil {
			t.Fatal(err)
		}
		for i, v := range buf {
			sum[i] += v
		}
		d.Close()
	}
	var truth Truth
	b, err := os.ReadFile(filepath.Join(dir, TruthFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &truth); err != nil {
		t.Fatal(err)
	}
	total := 0.0
	for i, v := range sum {
		total += v
		seen := float64(truth.Cells.LnSeen[i])
		if v == 0 != math.IsNaN(seen) || v > 0 && math.Abs(math.Log(v*44/12)-seen) > 1e-12 {
			t.Fatalf("cell %d: files hold %v tC, truth says ln %v", i, v, seen)
		}
	}
	if total != truth.TotalC {
		t.Errorf("files hold %v tC, truth says %v", total, truth.TotalC)
	}

	// POIs: cleaned of repeated ids and of points outside, the counts per cell
	// are those the emissions were made with.
	f, err := os.Open(filepath.Join(dir, POIFile))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	count := make([][numCategories]int, n)
	seen := map[string]bool{}
	doubles, outside := 0, 0
	for _, r := range rows[1:] {
		var lon, lat float64
		if err := json.Unmarshal([]byte("["+r[1]+","+r[2]+"]"), &[]*float64{&lon, &lat}); err != nil {
			t.Fatal(err)
		}
		col, row := math.Floor((lon-c.West)/CellDegrees), math.Floor((c.North-lat)/CellDegrees)
		switch {
		case seen[r[0]]:
			doubles++
		case col < 0 || row < 0 || int(col) >= c.Cols || int(row) >= c.Rows:
			outside++
		default:
			count[int(row)*c.Cols+int(col)][slices.Index(Categories, r[3])]++
		}
		seen[r[0]] = true
	}
	if doubles != c.Duplicates || outside != c.Outside || doubles == 0 || outside == 0 {
		t.Errorf("%d repeated and %d outside rows, want %d and %d", doubles, outside, c.Duplicates, c.Outside)
	}
	for i := range count {
		if count[i] != c.Count[i] {
			t.Fatalf("cell %d: the table has %v, the emissions were made with %v", i, count[i], c.Count[i])
		}
	}

	// The mosaic lies on the cells and shows the plan's pixels.
	d, err := raster.Open(filepath.Join(dir, MosaicFile), raster.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if d.Width() != c.Cols*32 || d.Height() != c.Rows*32 || d.Bands() != 3 || d.DType() != raster.Byte {
		t.Fatalf("mosaic of %d x %d, %d bands of %s", d.Width(), d.Height(), d.Bands(), d.DType())
	}
	px := make([]uint8, 3)
	for _, at := range [][2]int{{0, 0}, {100, 37}, {c.Cols*32 - 1, c.Rows*32 - 1}} {
		if err := d.ReadBytes([]int{1, 2, 3}, at[0], at[1], 1, 1, px); err != nil {
			t.Fatal(err)
		}
		r, g, b := c.plan.pixel((float64(at[0])+0.5)/32, (float64(at[1])+0.5)/32, at[0], at[1])
		if px[0] != r || px[1] != g || px[2] != b {
			t.Errorf("pixel %v is %v, want %v %v %v", at, px, r, g, b)
		}
	}
}

// TestDistricts reads the borders back: every cell's centre lies in its own
// district and in no other, and all polygons are valid.
func TestDistricts(t *testing.T) {
	dir, cities := write(t, Config{Rows: 17, Cols: 21, Size: 16, Seed: 2})
	c := cities[0]
	l, err := raster.OpenVector(filepath.Join(dir, DistrictsFile), "", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	type district struct {
		name, split string
		shape       raster.Geometry
	}
	var all []district
	err = l.Each(t.Context(), func(f *raster.Feature) error {
		name, _ := f.Text("name")
		split, _ := f.Text("split")
		if !f.Geometry.Valid() {
			t.Errorf("district %s is not a valid polygon", name)
		}
		all = append(all, district{name, split, f.Geometry})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range c.District {
		lon := c.West + (float64(i%c.Cols)+0.5)*CellDegrees
		lat := c.North - (float64(i/c.Cols)+0.5)*CellDegrees
		var in []string
		for _, a := range all {
			if a.shape.Contains(lon, lat) {
				in = append(in, a.name)
				if a.split != c.Districts[d].Split {
					t.Errorf("cell %d is in a district of %s, want %s", i, a.split, c.Districts[d].Split)
				}
			}
		}
		if len(in) != 1 || in[0] != c.Districts[d].Name {
			t.Fatalf("cell %d lies in %v, want %s", i, in, c.Districts[d].Name)
		}
	}
}

// TestBounds checks what the issue of the made city is: the noise has the size
// that is claimed, the bound follows from it, and each source of knowledge is
// worth something that the others cannot replace.
func TestBounds(t *testing.T) {
	for seed := int64(1); seed <= 4; seed++ {
		c, err := Make(Config{Rows: 40, Cols: 40, Seed: seed, Noise: 0.4}, 0)
		if err != nil {
			t.Fatal(err)
		}
		var noise, n, sum, squares float64
		for i, y := range c.LnSeen {
			if !math.IsNaN(y) {
				noise += (y - c.LnTrue[i]) * (y - c.LnTrue[i])
				n, sum, squares = n+1, sum+y, squares+y*y
			}
		}
		if sigma := math.Sqrt(noise / n); math.Abs(sigma-0.4) > 0.03 { // about four standard errors
			t.Errorf("seed %d: noise %v, want 0.4", seed, sigma)
		}
		all, splits := c.Bounds()
		if want := 1 - 0.16/(squares/n-sum*sum/n/n); math.Abs(all.BestR2-want) > 1e-9 {
			t.Errorf("seed %d: best R2 %v, want %v", seed, all.BestR2, want)
		}
		if math.Abs(all.BestR2-all.OracleR2) > 0.02 {
			t.Errorf("seed %d: best R2 %v, the oracle reaches %v", seed, all.BestR2, all.OracleR2)
		}
		if splits.Train.Cells+splits.Validation.Cells+splits.Test.Cells != all.Cells ||
			splits.Train.Cells < all.Cells*2/5 || splits.Validation.Cells < all.Cells/12 || splits.Test.Cells < all.Cells/12 {
			t.Errorf("seed %d: splits %+v of %d cells", seed, splits, all.Cells)
		}
		l := c.Ladder()
		if l.Everything < all.BestR2-0.02 || l.Everything-l.Own < 0.15 || l.Own-l.Image < 0.05 || l.Own-l.POI < 0.1 ||
			l.Everything-l.ImagesAround < 0.05 || l.Everything-l.POIsAround < 0.15 {
			t.Errorf("seed %d: %+v", seed, l)
		}
	}
}

// TestCitiesShareAndDiffer: further cities have the same categories, other
// factors and another place.
func TestCitiesShareAndDiffer(t *testing.T) {
	dir, cities := write(t, Config{Rows: 8, Cols: 8, Size: 16, Cities: 3, Shift: 0.5})
	if cities[0].Factors != baseFactors() {
		t.Error("the first city's factors are shifted")
	}
	for i, c := range cities {
		if _, err := os.Stat(filepath.Join(dir, c.Name, ExperimentFile(c.Name))); err != nil {
			t.Error(err)
		}
		for _, o := range cities[:i] {
			if c.Factors == o.Factors || c.West == o.West || slices.Equal(c.LnTrue, o.LnTrue) {
				t.Errorf("%s and %s are alike", c.Name, o.Name)
			}
		}
	}
	same, err := Make(Config{Rows: 8, Cols: 8, Cities: 3, Shift: 0, Seed: 1}, 1)
	if err != nil || same.Factors != baseFactors() {
		t.Errorf("without a shift the factors differ (%v)", err)
	}
}

func TestMonthly(t *testing.T) {
	total := 0
	for _, s := range months {
		total += s
	}
	if total != 4096 {
		t.Errorf("monthly shares add up to %d / 4096", total)
	}
	for _, year := range []float64{1e-3, 0.7, 1234.5678, 3e6} {
		m, sum := monthly(year)
		got := 0.0
		for _, v := range m {
			got += float64(v)
		}
		if got != sum || math.Abs(got/year-1) > 1e-7 {
			t.Errorf("%v a year: months add up to %v, claimed %v", year, got, sum)
		}
	}
}

func TestRefusals(t *testing.T) {
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "thesis.txt"), []byte("dear"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, dir string
		cfg       Config
		want      string
	}{
		{"too few cells", "", Config{Rows: 7, Cols: 9}, "--cells: 7x9 is out of range"},
		{"too many cells", "", Config{Rows: 201, Cols: 9}, "8x8 to 200x200"},
		{"size", "", Config{Size: 8}, "--size: 8"},
		{"noise", "", Config{Noise: math.NaN()}, "--noise"},
		{"cities", "", Config{Cities: 21}, "--cities"},
		{"shift", "", Config{Shift: -1}, "--shift"},
		{"year", "", Config{Year: 118}, "--year"},
		{"foreign folder", full, Config{}, "not empty"},
	} {
		dir := c.dir
		if dir == "" {
			dir = filepath.Join(t.TempDir(), "x")
		}
		_, err := Write(t.Context(), dir, c.cfg, nil)
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if b, err := os.ReadFile(filepath.Join(full, "thesis.txt")); err != nil || string(b) != "dear" {
		t.Error("a foreign folder was touched")
	}
	for _, s := range []string{"", "24", "24x", "x24", "24x24x24", "a24x24", "24x24b"} {
		if _, _, err := ParseCells(s); err == nil {
			t.Errorf("%q was taken for a size", s)
		}
	}
	if r, c, err := ParseCells("8x12"); err != nil || r != 8 || c != 12 {
		t.Errorf("8x12 became %d, %d, %v", r, c, err)
	}
}

// TestCancelled leaves what was there and nothing else.
func TestCancelled(t *testing.T) {
	dir, _ := write(t, small(1))
	before := files(t, filepath.Dir(dir))
	ctx, cancel := context.WithCancel(t.Context())
	cfg := small(2)
	_, err := Write(ctx, dir, cfg, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	after := files(t, filepath.Dir(dir))
	if len(before) != len(after) {
		t.Errorf("%d files, %d before", len(after), len(before))
	}
	for name, b := range before {
		if after[name] != b {
			t.Errorf("%s changed", name)
		}
	}
	if _, err := Write(t.Context(), dir, cfg, nil); err != nil {
		t.Errorf("over an older city: %v", err)
	}
}

func FuzzParseCells(f *testing.F) {
	for _, s := range []string{"24x24", "8X200", "", "x", "-1x5", "1e3x2", "99999999999999999999x1", "8x8\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		rows, cols, err := ParseCells(s)
		if err != nil {
			if !fault.IsInput(err) || rows != 0 || cols != 0 {
				t.Errorf("%q: %d x %d, %v", s, rows, cols, err)
			}
			return
		}
		if _, err := (Config{Rows: rows, Cols: cols}).withDefaults(); err == nil && (rows != 0 && rows < 8 || cols > 200) {
			t.Errorf("%q became %d x %d", s, rows, cols)
		}
	})
}
