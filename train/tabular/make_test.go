package tabular

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"opencarbon/data/store"
)

// village is a small made store: cells side by side, images of one edge, POIs.
type village struct {
	rows, cols int
	size       int                              // of images; 0: none
	pixel      store.Pixel                      // of images
	categories []string                         // none: no POIs
	image      func(cell int, pixels []uint8)   // [3, size, size] of pixel
	counts     func(cell int, counts []float32) // of each category
	rasters    []store.Raster                   // further rasters, and their numbers
	numbers    func(cell int) []float32         // [len(rasters)]
	missing    func(row, col int) bool          // no such cell; nil: all are there
	cells      map[[2]int]int                   // (row, col) -> tile, set by open
}

func (v *village) open(t *testing.T) *store.Store {
	t.Helper()
	v.cells = map[[2]int]int{}
	var cells []store.Cell
	for r := range v.rows {
		for c := range v.cols {
			if v.missing == nil || !v.missing(r, c) {
				v.cells[[2]int{r, c}] = len(cells)
				cells = append(cells, store.Cell{Col: int64(c), Row: int64(r)})
			}
		}
	}
	n := len(cells)
	dir := filepath.Join(t.TempDir(), "store")
	shape := store.RGB(v.size)
	shape.Pixel = v.pixel
	w, err := store.CreateAs(dir, store.Meta{Name: "village", Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01}, ConfigHash: "x", Program: "test"}, n, shape)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	offsets := []int64{0}
	var p store.Points
	for i := range n {
		if v.size > 0 {
			pixels := make([]uint8, shape.Bytes())
			v.image(i, pixels)
			if err := w.SetImage(i, pixels); err != nil {
				t.Fatal(err)
			}
		}
		counts := make([]float32, len(v.categories))
		if v.counts != nil {
			v.counts(i, counts)
		}
		for c, k := range counts {
			if k > 0 {
				p.Category, p.Row, p.Col = append(p.Category, uint16(c)), append(p.Row, 0), append(p.Col, 1)
				p.Count = append(p.Count, k)
			}
		}
		offsets = append(offsets, int64(p.Len()))
	}
	w.SetCells(cells)
	lonlat, area, coverage := make([]float64, 2*n), make([]float64, n), make([]float32, n)
	targets, splits := make([]float64, n), make([]store.Split, n)
	for i, c := range cells {
		lonlat[2*i], lonlat[2*i+1] = 0.01*float64(c.Col), -0.01*float64(c.Row)
		area[i], coverage[i], targets[i] = 1, 1, 1
	}
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	w.SetTargets(targets)
	if v.rasters != nil {
		var numbers []float32
		for i := range n {
			numbers = append(numbers, v.numbers(i)...)
		}
		w.SetRasters(v.rasters, numbers)
	}
	w.SetSplits(splits)
	if len(v.categories) > 0 {
		w.SetPOIs(v.categories, 4, offsets, p)
	}
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// noise makes features of n cells without neighbors, d columns of which the
// target needs the first two: ln = 3 + sin(2 a) + b/2 + a little noise.
func noise(n, d int) Task {
	r := rand.New(rand.NewPCG(3, 4))
	f := &Features{own: make([]float32, n*d), images: d, cells: n, about: "made numbers"}
	for _, w := range []string{"own", "3 x 3", "5 x 5"} {
		for j := range d {
			f.names = append(f.names, string(rune('a'+j))+", "+w)
		}
	}
	const m = store.MaxNeighborhood
	f.neighbors = make([]int32, n*m*m)
	t := Task{Features: f, Ln: make([]float64, n)}
	for i := range n {
		f.at = append(f.at, store.Cell{Col: int64(i % 30), Row: int64(i / 30)})
	}
	for i := range n {
		for k := range m * m {
			f.neighbors[i*m*m+k] = -1
		}
		f.neighbors[i*m*m+m*m/2] = int32(i)
		row := f.own[i*d : (i+1)*d]
		for j := range row {
			row[j] = float32(r.NormFloat64())
		}
		t.Ln[i] = 3 + math.Sin(2*float64(row[0])) + float64(row[1])/2 + 0.05*r.NormFloat64()
		switch {
		case i%5 == 3:
			t.Validation = append(t.Validation, int32(i))
		case i%5 != 4:
			t.Train = append(t.Train, int32(i))
		}
	}
	return t
}

// held are the cells of noise that are neither training nor validation.
func held(t Task) []int32 {
	var cells []int32
	for i := 4; i < len(t.Ln); i += 5 {
		cells = append(cells, int32(i))
	}
	return cells
}

func r2(y, predicted []float64) float64 {
	mean, residual, total := 0.0, 0.0, 0.0
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for i, v := range y {
		residual += (v - predicted[i]) * (v - predicted[i])
		total += (v - mean) * (v - mean)
	}
	return 1 - residual/total
}
