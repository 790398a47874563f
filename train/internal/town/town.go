// Package town makes a small town of numbers and quick experiments on it, for the
// tests of train and of the rooms about it.
package town

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train/config"
)

// Town is a small made-up store: cells on a grid, three POI categories, images
// whose brightness and POIs whose number say something of the target, the
// neighbors' included.
type Town struct {
	Rows, Cols int
	Image      int // image size; 0: none
	Hash       string
	Rasters    []store.Raster                                // whose numbers are of the cell and the name
	Apart      int64                                         // columns between the western and the eastern half
	Change     func(targets []float64, splits []store.Split) // before they are written
}

// Grid is that of every town.
func Grid() store.GridSpec {
	return store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01}
}

// Size is the tiles' edge in pixels.
const Size = 32

// Write makes the store in a folder.
func (c Town) Write(dir string) error {
	n := c.Rows * c.Cols
	r := rand.New(rand.NewPCG(5, 5))
	w, err := store.Create(dir, store.Meta{Name: "Town", Grid: Grid(),
		TargetUnit: "tCO2/yr", ConfigHash: "hash" + c.Hash, Program: "test"}, n, c.Image)
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
		row, col := i/c.Cols, i%c.Cols
		cells[i] = store.Cell{Col: int64(col), Row: int64(row)}
		if col >= c.Cols/2 {
			cells[i].Col += c.Apart
		}
		lonlat[2*i], lonlat[2*i+1] = 10+0.01*float64(col), 50-0.01*float64(row)
		area[i], coverage[i] = 0.7, 1
		level[i] = r.Float64()
		if c.Image > 0 {
			pixels := make([]uint8, 3*c.Image*c.Image)
			for k := range pixels {
				pixels[k] = uint8(40 + 150*level[i] + 60*r.Float64())
			}
			if err := w.SetImage(i, pixels); err != nil {
				return err
			}
		}
		for category := range 3 {
			for at := range Size * Size {
				if at%37 == category && r.Float64() < 0.1+level[i] {
					p.Category = append(p.Category, uint16(category))
					p.Row, p.Col = append(p.Row, uint16(at/Size)), append(p.Col, uint16(at%Size))
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
		switch col := i % c.Cols; {
		case col < c.Cols*6/10:
			splits[i] = store.Train
		case col < c.Cols*8/10:
			splits[i] = store.Validation
		default:
			splits[i] = store.Test
		}
	}
	if c.Change != nil {
		c.Change(targets, splits)
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	if c.Rasters != nil {
		var numbers []float32
		for i := range n {
			for _, r := range c.Rasters {
				numbers = append(numbers, float32(len(r.Name)*i%17))
			}
		}
		w.SetRasters(c.Rasters, numbers)
	}
	w.SetTargets(targets)
	w.SetSplits(splits)
	w.SetPOIs([]string{"shop", "school", "works"}, Size, offsets, p)
	return w.Commit(context.Background())
}

// Open writes the town into a folder of the test and opens it.
func (c Town) Open(t *testing.T) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	if err := c.Write(dir); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// POIs is a quick experiment: POIs and their neighborhood.
func POIs() *config.Config {
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

// Both is the same with images and the contrastive loss from epoch 2 on.
func Both() *config.Config {
	c := POIs()
	c.Model.Modalities, c.Model.Contrastive = []string{"image", "poi"}, true
	c.Train.ContrastiveWarmupEpochs, c.Train.Alpha = 1, 0.05
	return c
}

// Rival is a quick experiment with a rival.
func Rival(name string, modalities ...string) *config.Config {
	c := Both()
	c.SetVariant(name)
	c.Model.Modalities = modalities
	c.Train.Epochs, c.Train.MinEpochs, c.Train.ValidateEvery, c.Train.Patience, c.Train.BatchSize = 1, 0, 1, 0, 7
	return c
}
