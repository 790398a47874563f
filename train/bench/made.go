package bench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"

	"opencarbon/data/store"
)

// storeName names a made store by what is in it.
func (s *Spec) storeName() string {
	return fmt.Sprintf("made-%d-cells-%d-px-%d-categories-%d-points", s.Cells, s.Size, s.Categories, s.Points)
}

// Make builds the tile store of s in folder dir, unless it is there, and puts
// its place into s. The numbers are random; what they are does not matter to
// the time, but every image differs and every cell has a target.
func (s *Spec) Make(ctx context.Context, dir string) error {
	s.Store = filepath.Join(dir, s.storeName())
	if store.UpToDate(s.Store, s.storeName()) {
		return nil
	}
	n := s.Cells
	w, err := store.Create(s.Store, store.Meta{Name: "made", Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01},
		TargetUnit: "tCO2/yr", ConfigHash: s.storeName(), Program: "bench"}, n, s.Size)
	if err != nil {
		return err
	}
	defer w.Abort()
	rng := rand.New(rand.NewPCG(1, uint64(n)))
	columns := int(math.Ceil(math.Sqrt(float64(n))))
	cells, lonlat, area, coverage := make([]store.Cell, n), make([]float64, 2*n), make([]float64, n), make([]float32, n)
	targets, splits := make([]float64, n), make([]store.Split, n)
	offsets := []int64{0}
	var p store.Points
	pixels := make([]uint8, 3*s.Size*s.Size)
	for i := range n {
		if err := ctx.Err(); err != nil {
			return err
		}
		cells[i] = store.Cell{Col: int64(18000 + i%columns), Row: int64(4000 + i/columns)} // from 0 E, 50 N
		lonlat[2*i], lonlat[2*i+1] = 0.01*(float64(i%columns)+0.5), 50-0.01*(float64(i/columns)+0.5)
		area[i], coverage[i], splits[i] = 1, 1, store.Train
		level := rng.Float64()
		targets[i] = math.Exp(8 + 2*level)
		for k := 0; k < len(pixels); k += 8 {
			bits := rng.Uint64()
			for j := k; j < min(k+8, len(pixels)); j++ {
				pixels[j] = uint8(150*level) + uint8(bits>>(8*(j-k))&63)
			}
		}
		if err := w.SetImage(i, pixels); err != nil {
			return err
		}
		per := s.Points / s.Categories
		for c := range s.Categories { // sorted by category, row, column, as a store wants them
			m := per
			if c < s.Points%s.Categories {
				m++
			}
			for k := range m {
				at := (k*s.Size*s.Size + rng.IntN(s.Size*s.Size)) / m
				p.Category = append(p.Category, uint16(c))
				p.Row, p.Col = append(p.Row, uint16(at/s.Size)), append(p.Col, uint16(at%s.Size))
				p.Count = append(p.Count, 1)
			}
		}
		offsets = append(offsets, int64(p.Len()))
	}
	names := make([]string, s.Categories)
	for c := range names {
		names[c] = fmt.Sprint("category ", c+1)
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	w.SetTargets(targets)
	w.SetSplits(splits)
	w.SetPOIs(names, s.Size, offsets, p)
	return w.Commit(ctx)
}
