package train

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/train/config"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir))
	}
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

// town is a small made-up store: cells on a grid, three POI categories, images
// whose brightness and POIs whose number say something of the target, the
// neighbors' included.
type town struct {
	rows, cols int
	image      int // image size; 0: none
	hash       string
	rasters    []store.Raster                                // whose numbers are of the cell and the name
	apart      int64                                         // columns between the western and the eastern half
	change     func(targets []float64, splits []store.Split) // before they are written
}

// townSize is the tiles' edge in pixels.
const townSize = 32

func (c town) grid() store.GridSpec {
	return store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01}
}

func (c town) write(dir string) error {
	n := c.rows * c.cols
	r := rand.New(rand.NewPCG(5, 5))
	w, err := store.Create(dir, store.Meta{Name: "Town", Grid: c.grid(),
		TargetUnit: "tCO2/yr", ConfigHash: "hash" + c.hash, Program: "test"}, n, c.image)
	if err != nil {
		return err
	}
	defer w.Abort()
	cells := make([]store.Cell, n)
	lonlat, area, coverage := make([]float64, 2*n), make([]float64, n), make([]float32, n)
	targets, splits := make([]float64, n), make([]store.Split, n)
	level := make([]float64, n)
	offsets := []int64{0}
	var p store.Points
	for i := range n {
		row, col := i/c.cols, i%c.cols
		cells[i] = store.Cell{Col: int64(col), Row: int64(row)}
		if col >= c.cols/2 {
			cells[i].Col += c.apart
		}
		lonlat[2*i], lonlat[2*i+1] = 10+0.01*float64(col), 50-0.01*float64(row)
		area[i], coverage[i] = 0.7, 1
		level[i] = r.Float64()
		if c.image > 0 {
			pixels := make([]uint8, 3*c.image*c.image)
			for k := range pixels {
				pixels[k] = uint8(40 + 150*level[i] + 60*r.Float64())
			}
			if err := w.SetImage(i, pixels); err != nil {
				return err
			}
		}
		for category := range 3 {
			for at := range townSize * townSize {
				if at%37 == category && r.Float64() < 0.1+level[i] {
					p.Category = append(p.Category, uint16(category))
					p.Row, p.Col = append(p.Row, uint16(at/townSize)), append(p.Col, uint16(at%townSize))
					p.Count = append(p.Count, float32(1+r.IntN(2)))
				}
			}
		}
		offsets = append(offsets, int64(p.Len()))
	}
	for i := range n {
		around := 0.0
		if i > 0 {
			around = level[i-1]
		}
		targets[i] = math.Exp(5 + 2*level[i] + around + 0.1*r.NormFloat64())
		switch col := i % c.cols; {
		case col < c.cols*6/10:
			splits[i] = store.Train
		case col < c.cols*8/10:
			splits[i] = store.Validation
		default:
			splits[i] = store.Test
		}
	}
	if c.change != nil {
		c.change(targets, splits)
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	if c.rasters != nil {
		var numbers []float32
		for i := range n {
			for _, r := range c.rasters {
				numbers = append(numbers, float32(len(r.Name)*i%17))
			}
		}
		w.SetRasters(c.rasters, numbers)
	}
	w.SetTargets(targets)
	w.SetSplits(splits)
	w.SetPOIs([]string{"shop", "school", "works"}, townSize, offsets, p)
	return w.Commit(context.Background())
}

// open writes the town and opens it as a learning problem.
func (c town) open(t *testing.T) *dataset {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if err := c.write(dir); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return newDataset(s)
}

// pois is a quick experiment: POIs and their neighborhood.
func pois() *config.Config {
	c := config.Defaults()
	c.Name = "town"
	c.Model.Modalities, c.Model.Contrastive = []string{"poi"}, false
	c.Model.Embedding = 8
	c.Model.Statistics, c.Model.LogCounts, c.Model.Wide = false, false, false // of the variant plus
	c.Train.Stack = nil
	c.Train.Epochs, c.Train.BatchSize, c.Train.ValidateEvery, c.Train.SaveEvery = 3, 7, 1, 1
	c.Train.Patience, c.Train.MinEpochs = 0, 0
	c.Train.Device, c.Train.Threads = "cpu", 1
	c.Output.TensorBoard, c.Output.Plots = false, false
	return &c
}

// both is the same with images and the contrastive loss from epoch 2 on.
func both() *config.Config {
	c := pois()
	c.Model.Modalities, c.Model.Contrastive = []string{"image", "poi"}, true
	c.Train.ContrastiveWarmupEpochs, c.Train.Alpha = 1, 0.05
	return c
}

// run executes f in the engine and fails the test on an error or a leak.
func run(t *testing.T, f func()) {
	t.Helper()
	before := torch.Live()
	if err := torch.Run(torch.Options{Threads: 1}, f); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != before {
		t.Fatalf("%d tensors were alive before, %d are after", before, n)
	}
}
