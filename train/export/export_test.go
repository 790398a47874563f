package export

import (
	"bytes"
	"encoding/csv"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"opencarbon/data/fault"
)

// table is that of testdata/generate.py: gaps, negative numbers, a large column.
func table() *Table {
	const n, d = 11, 3
	t := &Table{D: d}
	for i := range n {
		cell := int64(7*i - 3)
		if i == 4 {
			cell += 1 << 40
		}
		ln, predicted := float64(i)-1e-9, float64(i)*1e5+0.1
		if i%4 == 1 {
			ln = math.NaN()
		}
		if i == 10 {
			predicted = math.NaN()
		}
		t.Col, t.Row = append(t.Col, cell), append(t.Row, int64(5-i))
		t.Split = append(t.Split, []string{"train", "validation", "test", "none"}[i%4])
		t.Lon = append(t.Lon, 139.5+float64(i)/3)
		t.Lat = append(t.Lat, -35+float64(i)/7)
		t.LnTrue = append(t.LnTrue, ln)
		t.LnPredicted = append(t.LnPredicted, predicted)
		for k := range d {
			t.Embedding = append(t.Embedding, (float32(i)-2.5)/float32(k+3))
		}
	}
	return t
}

// numpy.save writes the same bytes (testdata/generate.py).
func TestGolden(t *testing.T) {
	dir := t.TempDir()
	for name, write := range map[string]func(path string) error{
		"table.npy": table().WriteNPY,
	} {
		path := filepath.Join(dir, name)
		if err := write(path); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes differ from the %d of the golden file\n%q", name, len(got), len(want), got)
		}
	}
}

func TestCSV(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.csv")
	x := table()
	if err := x.WriteCSV(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil || len(rows) != 1+x.N() {
		t.Fatal(len(rows), err)
	}
	if strings.Join(rows[0], ",") != "cell,col,row,lon,lat,split,ln_true,ln_predicted,e0,e1,e2" {
		t.Error(rows[0])
	}
	for i, row := range rows[1:] {
		col, line := strconv.FormatInt(x.Col[i], 10), strconv.FormatInt(x.Row[i], 10)
		if row[0] != col+"_"+line || row[1] != col || row[2] != line || row[5] != x.Split[i] {
			t.Errorf("row %d: %v", i, row[:6])
		}
		row = slices.Delete(row[3:], 2, 3)
		names := []string{"lon", "lat", "ln_true", "ln_predicted", "e0", "e1", "e2"}
		want := []float64{x.Lon[i], x.Lat[i], x.LnTrue[i], x.LnPredicted[i]}
		for _, e := range x.Embedding[i*3 : i*3+3] {
			want = append(want, float64(e))
		}
		for k, w := range want {
			field := row[k]
			if math.IsNaN(w) {
				if field != "" {
					t.Errorf("row %d, %s: %q where there is none", i, names[k], field)
				}
				continue
			}
			bits := 64
			if k >= 4 {
				bits = 32
			}
			if v, err := strconv.ParseFloat(field, bits); err != nil || v != w {
				t.Errorf("row %d, %s: %q for %v", i, names[k], field, w)
			}
		}
	}
}

func TestProjector(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "projector")
	if err := table().WriteProjector(dir, `X_g "odd"`); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatal(entries, err)
	}
	for name, want := range map[string]string{
		TensorsFile: "-0.8333333\t-0.625\t-0.5\n-0.5\t-0.375\t-0.3\n",
		MetadataFile: "cell\tcol\trow\tlon\tlat\tsplit\tln_true\tln_predicted\n-3_5\t-3\t5\t139.5\t-35\ttrain\t-1e-09\t0.1\n" +
			"4_4\t4\t4\t139.83333333333334\t-34.857142857142854\tvalidation\t\t100000.1\n",
		ProjectorFile: "embeddings {\n  tensor_name: \"X_g \\\"odd\\\"\"\n  tensor_path: \"tensors.tsv\"\n  metadata_path: \"metadata.tsv\"\n}\n",
	} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
	}
}

// The Parquet file holds the same columns in the same order and, digit for digit,
// the same numbers; what is missing is null, in the two columns that may lack it.
// (pyarrow says so too: testdata/generate.py FOLDER.)
func TestParquet(t *testing.T) {
	x := table()
	path := filepath.Join(t.TempDir(), "e.parquet")
	if err := x.WriteParquet(path); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := parquet.OpenFile(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range in.Schema().Fields() {
		if name := x.Columns()[i]; f.Name() != name || f.Optional() != strings.HasPrefix(name, "ln_") {
			t.Errorf("column %d is %s, null allowed %v", i, f.Name(), f.Optional())
		}
	}
	rows := make([]parquet.Row, x.N()+1)
	if n, err := parquet.NewReader(in).ReadRows(rows); n != x.N() || err != nil && err != io.EOF {
		t.Fatal(n, err)
	}
	for i, row := range rows[:x.N()] {
		if row[0].String() != x.cell(i) || row[1].Int64() != x.Col[i] || row[2].Int64() != x.Row[i] || row[5].String() != x.Split[i] {
			t.Errorf("row %d: %v", i, row)
		}
		for k, w := range map[int]float64{3: x.Lon[i], 4: x.Lat[i], 6: x.LnTrue[i], 7: x.LnPredicted[i]} {
			if math.IsNaN(w) != row[k].IsNull() || !math.IsNaN(w) && row[k].Double() != w {
				t.Errorf("row %d, column %d: %v for %v", i, k, row[k], w)
			}
		}
		for k := range x.D {
			if row[labels+k].Float() != x.Embedding[i*x.D+k] {
				t.Errorf("row %d, e%d: %v", i, k, row[labels+k])
			}
		}
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		spoil func(x *Table)
		want  string
	}{
		{"nothing", func(x *Table) { *x = Table{D: 3} }, "nothing to write"},
		{"no features", func(x *Table) { x.D = 0 }, "nothing to write"},
		{"short", func(x *Table) { x.Lat = x.Lat[:10] }, "10 values of lat do not fit 11 cells"},
		{"dimension", func(x *Table) { x.D = 4 }, "33 values of embeddings do not fit 11 cells with 4 features"},
		{"NaN", func(x *Table) { x.Embedding[4] = float32(math.NaN()) }, "feature e1 of cell 4_4 is NaN"},
		{"no place", func(x *Table) { x.Lon[2] = math.Inf(1) }, "cell 11_3 lies at +Inf"},
		{"ln 0", func(x *Table) { x.LnTrue[0] = math.Inf(-1) }, "cell -3_5 has ln emission -Inf"},
	} {
		x := table()
		c.spoil(x)
		for format, write := range map[string]func(path string) error{
			"csv": x.WriteCSV, "npy": x.WriteNPY, "parquet": x.WriteParquet,
			"projector": func(path string) error { return x.WriteProjector(path, "X_g") },
		} {
			err := write(filepath.Join(dir, format))
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v, want %q", c.name, format, err, c.want)
			}
		}
	}
	wide := &Table{Col: []int64{1}, Row: []int64{1}, Lon: []float64{0}, Lat: []float64{0}, Split: []string{"none"}, LnTrue: []float64{0}, LnPredicted: []float64{0}, D: 5000, Embedding: make([]float32, 5000)}
	if err := wide.WriteNPY(filepath.Join(dir, "w")); !fault.IsInput(err) {
		t.Error(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 0 {
		t.Errorf("refused tables left %v, %v", entries, err)
	}
}

// A folder that is not there is named, with what to do, and nothing is left.
func TestNoFolder(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "none", "e")
	x := table()
	for format, write := range map[string]func() error{
		"csv":       func() error { return x.WriteCSV(path) },
		"npy":       func() error { return x.WriteNPY(path) },
		"parquet":   func() error { return x.WriteParquet(path) },
		"projector": func() error { return x.WriteProjector(file, "X_g") },
	} {
		if err := write(); !fault.IsInput(err) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", format, err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("left %v, %v", entries, err)
	}
}

func TestColumns(t *testing.T) {
	got := (&Table{D: 32}).Columns()
	if len(got) != 40 || got[39] != "e31" || slices.Index(got, "e0") != 8 {
		t.Error(got)
	}
}
