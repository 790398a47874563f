// Package store keeps a prepared region as one memory-mapped dataset: images,
// sparse POIs, targets, neighbors and splits of N tiles, with their metadata.
//
// A store is a folder with two files. tiles.ocs holds everything (layout in
// header.go); it is mapped shared and read-only, so that any number of
// processes share one copy in memory and nothing is decoded or copied on the
// way to the trainer. meta.json is a copy of the metadata for people.
//
// A store is made by Create, whose Writer commits it whole or not at all, and read by
// Open:
//
//	s, err := store.Open(dir)
//	if err != nil {
//		panic(err)
//	}
//	defer s.Close()
//	fmt.Println(s.Len(), s.Targets(), s.POIs(0).Count)
//
// What may not enter: reading of users' inputs (the packages beside this one do
// that), tensors, and logarithms or other transforms of the target, which are
// the trainer's.
package store

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// Names of the files in a store's folder.
const (
	tilesFile = "tiles.ocs"
	metaFile  = "meta.json"
)

// MaxNeighborhood is the widest neighborhood M that is stored; narrower ones
// are cut from it.
const MaxNeighborhood = 7

// Cell is a tile's place in its grid. Col counts eastward and Row southward, as
// XYZ tiles do.
type Cell struct {
	Col, Row int64
}

// Block is the block of edge x edge cells that holds the cell, counted in blocks.
// Blocks lie where columns and rows are multiples of edge, left and above of 0 too;
// edge is above 0.
func (c Cell) Block(edge int64) Cell {
	down := func(a int64) int64 {
		q := a / edge
		if a%edge < 0 {
			q--
		}
		return q
	}
	return Cell{down(c.Col), down(c.Row)}
}

// Points are the POIs of one tile (or of all of them), sparse and sorted by
// category, row, column without repetition. All four slices have one length.
// Row and Col are pixels of the tile's own frame of POISize x POISize, row 0 in
// the north and column 0 in the west.
type Points struct {
	Category, Row, Col []uint16
	Count              []float32
}

// Len is the number of (category, row, col) entries.
func (p Points) Len() int { return len(p.Category) }

// Split says what a tile is used for.
type Split uint8

// The values of Split. None is a tile that is only a neighbor of others, or one
// that a buffer took from training.
const (
	None Split = iota
	Train
	Validation
	Test
)

// String is the split's name as files and reports spell it.
func (s Split) String() string {
	switch s {
	case None:
		return "none"
	case Train:
		return "train"
	case Validation:
		return "validation"
	case Test:
		return "test"
	}
	return fmt.Sprintf("split(%d)", uint8(s))
}

// Store is an open tile store. All slices it hands out lie in the mapped file:
// they must not be written to, and not be used after Close. Its methods may be
// called from several goroutines.
type Store struct {
	dir  string
	file *os.File // tiles.ocs
	data []byte   // the mapped file
	head header
	meta Meta

	images    []uint8
	imagesAt  int64 // where they begin in the file
	cells     []Cell
	lonlat    []float64
	area      []float64
	coverage  []float32
	targets   []float64
	neighbors []int32
	splits    []Split
	offsets   []int64
	points    Points
	rasters   []float32

	translated *translation // of a view with other categories (Recategorized); nil: the file's own
}

// Close unmaps the store. Slices taken from it must not be touched afterwards.
func (s *Store) Close() error {
	if s.translated != nil {
		return s.translated.of.Close()
	}
	if s.data == nil {
		return nil
	}
	data, file := s.data, s.file
	*s = Store{dir: s.dir}
	file.Close()
	return unix.Munmap(data)
}

// Dir is the folder that the store was opened from.
func (s *Store) Dir() string { return s.dir }

// Len is N, the number of tiles.
func (s *Store) Len() int { return s.head.tiles }

// Meta is the store's metadata. It must not be changed.
func (s *Store) Meta() *Meta { return &s.meta }

// HasPOIs says whether the store has the POI modality.
func (s *Store) HasPOIs() bool { return s.head.poiSize > 0 }

// POISize is the edge in pixels of the frame that POIs are counted in (256 in
// the paper), 0 without POIs.
func (s *Store) POISize() int { return s.head.poiSize }

// Categories are the POI categories' names, [C]; Points.Category counts into it.
func (s *Store) Categories() []string { return s.meta.Categories }

// POIs are tile i's points; empty without POIs.
func (s *Store) POIs(i int) Points {
	if !s.HasPOIs() {
		return Points{}
	}
	a, b := s.offsets[i], s.offsets[i+1]
	p := Points{
		Category: s.points.Category[a:b:b],
		Row:      s.points.Row[a:b:b],
		Col:      s.points.Col[a:b:b],
		Count:    s.points.Count[a:b:b],
	}
	if s.translated != nil {
		return s.translated.points(p)
	}
	return p
}

// Rasters is the numbers of every tile that further rasters have given it, [N, K]
// with K = len(Meta().Rasters); NaN where a raster has no value. Nil without such
// rasters.
func (s *Store) Rasters() []float32 { return s.rasters }

// Targets is the yearly emission of every tile in Meta().TargetUnit, [N]; NaN
// where the tile is no sample (no data, or zero, whose logarithm is not finite).
func (s *Store) Targets() []float64 { return s.targets }

// Neighbors is the tiles of the M x M neighborhood around every tile, [N, M*M]
// row-major from north to south and west to east, the tile itself in the
// middle; -1 where there is no tile. M is 1, 3, 5 or 7; M = 7 lies in the file,
// the narrower ones are new slices cut from it.
func (s *Store) Neighbors(m int) ([]int32, error) {
	if m < 1 || m > MaxNeighborhood || m%2 == 0 {
		return nil, fault.New("neighborhood", fmt.Sprintf("width M = %d is not stored", m), "Choose M = 1, 3, 5 or 7.")
	}
	if m == MaxNeighborhood {
		return s.neighbors, nil
	}
	const w = MaxNeighborhood
	first := (w - m) / 2
	out := make([]int32, 0, s.Len()*m*m)
	for i := range s.Len() {
		full := s.neighbors[i*w*w : (i+1)*w*w]
		for r := first; r < first+m; r++ {
			out = append(out, full[r*w+first:r*w+first+m]...)
		}
	}
	return out, nil
}

// Splits is every tile's split, [N].
func (s *Store) Splits() []Split { return s.splits }

// Cells is every tile's place in the grid, [N].
func (s *Store) Cells() []Cell { return s.cells }

// LonLat is every tile's center in degrees (WGS84), [N, 2], longitude first.
func (s *Store) LonLat() []float64 { return s.lonlat }

// AreaKM2 is every tile's geodesic area in square kilometers, [N].
func (s *Store) AreaKM2() []float64 { return s.area }

// Coverage is the share of valid pixels in every tile's image, 0 to 1, [N]; 1
// without images.
func (s *Store) Coverage() []float32 { return s.coverage }

// Bytes is the size of the store's file.
func (s *Store) Bytes() int64 { return int64(len(s.data)) }

// DenseBytesPerTile is what one tile's POIs take in the published program: a
// dense float64 [256, 256, C] array (8.9 MB for C = 17).
func (s *Store) DenseBytesPerTile() int64 {
	return int64(s.head.poiSize) * int64(s.head.poiSize) * int64(s.head.categories) * 8
}
