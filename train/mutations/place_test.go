package mutations

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/config"
	"opencarbon/train/progress"
)

const edge = 32 // pixels of a tile

// write makes a small store: cells on a grid with images and three POI
// categories; targets that follow them.
func write(dir string, seed uint64) error {
	const rows, cols = 6, 12
	n := rows * cols
	r := rand.New(rand.NewPCG(seed, 5))
	w, err := store.Create(dir, store.Meta{Name: "Town", Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01},
		TargetUnit: "tCO2/yr", ConfigHash: "hash", Program: "test"}, n, edge)
	if err != nil {
		return err
	}
	defer w.Abort()
	cells, splits := make([]store.Cell, n), make([]store.Split, n)
	lonlat, area, targets, coverage := make([]float64, 2*n), make([]float64, n), make([]float64, n), make([]float32, n)
	offsets := []int64{0}
	var p store.Points
	for i := range n {
		row, col := i/cols, i%cols
		cells[i] = store.Cell{Col: int64(col), Row: int64(row)}
		lonlat[2*i], lonlat[2*i+1] = 10+0.01*float64(col), 50-0.01*float64(row)
		area[i], coverage[i] = 0.7, 1
		level := r.Float64()
		pixels := make([]uint8, 3*edge*edge)
		for k := range pixels {
			pixels[k] = uint8(40 + 150*level + 60*r.Float64())
		}
		if err := w.SetImage(i, pixels); err != nil {
			return err
		}
		for at := range 3 * edge * edge {
			if r.Float64() < 0.01*(0.1+level) {
				p.Category = append(p.Category, uint16(at/(edge*edge)))
				p.Row, p.Col = append(p.Row, uint16(at/edge%edge)), append(p.Col, uint16(at%edge))
				p.Count = append(p.Count, 1)
			}
		}
		offsets = append(offsets, int64(p.Len()))
		targets[i] = math.Exp(5 + 2*level)
		splits[i] = []store.Split{store.Train, store.Train, store.Train, store.Validation, store.Test}[col%5]
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	w.SetTargets(targets)
	w.SetSplits(splits)
	w.SetPOIs([]string{"shop", "school", "works"}, edge, offsets, p)
	return w.Commit(context.Background())
}

// place is a folder with a store and a finished run.
type place struct{ dir, store, run string }

// trained makes a place whose paths are relative to the current folder, so that a
// copy of it is complete.
func trained(t *testing.T, dir string) place {
	t.Helper()
	p := place{dir: dir, store: filepath.Join(dir, "store")}
	if err := write(p.store, 5); err != nil {
		t.Fatal(err)
	}
	c := config.Defaults()
	c.Name, c.Data.Store, c.Output.Dir = "town", p.store, filepath.Join(dir, "runs")
	c.Model.Modalities, c.Model.Contrastive = []string{"poi"}, false
	c.Model.Statistics, c.Model.LogCounts, c.Model.Wide = false, false, false // of the variant plus
	c.Train.Stack = nil
	c.Model.Embedding = 8
	c.Train.Epochs, c.Train.BatchSize, c.Train.ValidateEvery, c.Train.SaveEvery = 2, 16, 1, 1
	c.Train.Patience, c.Train.MinEpochs = 0, 0
	c.Train.Device, c.Train.Threads = "cpu", 1
	c.Output.TensorBoard, c.Output.Plots = false, false
	r, err := train.Run(context.Background(), &c, train.Options{Progress: progress.Options{Quiet: true}})
	if err != nil {
		t.Fatal(err)
	}
	p.run = r.Dir
	return p
}

// restore makes dir/now, a copy of what was there at first, anew.
func (p place) restore(t *testing.T, first string) {
	t.Helper()
	for _, d := range []string{p.store, p.run} {
		if err := os.RemoveAll(d); err != nil {
			t.Fatal(err)
		}
		rel, err := filepath.Rel(p.dir, d)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(d, os.DirFS(filepath.Join(first, rel))); err != nil {
			t.Fatal(err)
		}
	}
}
