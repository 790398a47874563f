package store

import (
	"context"
	"fmt"
)

// Cut says which tiles of a store become a store of their own.
type Cut struct {
	Tiles    []int     // numbers, rising
	Hash     string    // ConfigHash of the new store
	Coverage []float32 // of the tiles, [len(Tiles)]; nil: as it was
	Fill     []float32 // [K] numbers of further rasters for tiles that have none; nil: they keep NaN
	Image    Shape     // of images that Paint gives, zero without
	Paint    func(w *Writer) (keep []int, coverage []float32, err error)
	Passing  bool // the store is thrown away again: the disk is not waited for
}

// Cut writes some tiles of s into a store in folder dir, without their images.
// Where c.Paint is given it makes others: it is called with a writer of
// len(c.Tiles) tiles, and returns which of them stay, rising, and their coverage
// [len(keep)]. A store that keeps no tile is not written: kept is 0 then.
func (s *Store) Cut(ctx context.Context, dir string, c Cut) (kept int, err error) {
	if s.translated != nil {
		return 0, fmt.Errorf("store: a view with other categories cannot be cut")
	}
	for k, i := range c.Tiles {
		if i < 0 || i >= s.Len() || k > 0 && i <= c.Tiles[k-1] {
			return 0, fmt.Errorf("store: tiles to cut must rise within 0 to %d, got %d at place %d", s.Len()-1, i, k)
		}
	}
	meta := s.meta
	meta.ConfigHash = c.Hash
	w, err := CreateAs(dir, meta, len(c.Tiles), c.Image)
	if err != nil {
		return 0, err
	}
	defer w.Abort()
	w.passing = c.Passing
	tiles, coverage := c.Tiles, c.Coverage
	if c.Paint != nil {
		keep, painted, err := c.Paint(w)
		if err != nil || len(keep) == 0 {
			return 0, err
		}
		if err := w.Select(keep); err != nil {
			return 0, err
		}
		tiles, coverage = make([]int, len(keep)), painted
		for k, i := range keep {
			tiles[k] = c.Tiles[i]
		}
	}
	var cells []Cell
	var lonlat, area, targets []float64
	var splits []Split
	var rasters, covered []float32
	var points Points
	offsets := []int64{0}
	k := len(s.meta.Rasters)
	for _, i := range tiles {
		cells, lonlat, area = append(cells, s.cells[i]), append(lonlat, s.lonlat[2*i:2*i+2]...), append(area, s.area[i])
		targets, splits, covered = append(targets, s.targets[i]), append(splits, s.splits[i]), append(covered, s.coverage[i])
		for j, v := range s.rasters[i*k : (i+1)*k] {
			if v != v && c.Fill != nil {
				v = c.Fill[j]
			}
			rasters = append(rasters, v)
		}
		p := s.POIs(i)
		points.Category, points.Row, points.Col = append(points.Category, p.Category...), append(points.Row, p.Row...), append(points.Col, p.Col...)
		points.Count = append(points.Count, p.Count...)
		offsets = append(offsets, int64(points.Len()))
	}
	if coverage == nil {
		coverage = covered
	}
	w.SetCells(cells)
	w.SetLonLat(lonlat)
	w.SetAreaKM2(area)
	w.SetCoverage(coverage)
	w.SetTargets(targets)
	w.SetSplits(splits)
	if s.HasPOIs() {
		w.SetPOIs(s.meta.Categories, s.POISize(), offsets, points)
	}
	if k > 0 {
		w.SetRasters(s.meta.Rasters, rasters)
	}
	return len(tiles), w.Commit(ctx)
}
