package data

import (
	"cmp"
	"context"
	"math"
	"slices"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/imagery"
	"opencarbon/data/raster"
	"opencarbon/data/remote"
	"opencarbon/data/store"
)

// Outline builds what is known of a region before its images are read: a store
// of its cells with targets, points, further rasters and the limits of the images'
// stretch, but without the images. What of it depends on the whole region (which
// points are listed twice, which categories there are, percentiles of the mosaic)
// is so decided once, and pieces of the region that are worked on apart
// (Pieces, Painter) cannot differ in it. Otherwise it is Build.
func Outline(ctx context.Context, c *Config, o Options) (*Report, error) {
	if c.Published.Dir != "" {
		return nil, fault.New("data.published.dir", "a published dataset is one city and is not worked on in blocks", "Predict it in one piece.")
	}
	if remote.IsServer(c.Imagery.Path) {
		return nil, fault.New("data.imagery.path", "names a tile server, which every machine would ask for the whole region",
			"Predict the region in one piece, which fetches and keeps the tiles; or name a mosaic file.")
	}
	if c.Imagery.Sources != "" {
		return nil, fault.New("data.imagery.sources", "needs the colors of the whole region, which blocks do not see", "Predict the region in one piece.")
	}
	o.outline = true
	return Build(ctx, c, o)
}

// BlockEdge is how many cells a block has at most along either side.
const BlockEdge = 64

// Block is the place of a block among those of a Blocking: columns count from west,
// rows from north.
type Block struct{ Col, Row int64 }

// String writes a block as "col_row".
func (b Block) String() string { return grid.Cell(b).String() }

// Blocking lays blocks over a region, the first one in its north-western corner. So
// a city that fits in a block is one, without a halo to be read twice, wherever
// it lies in the grid.
type Blocking struct {
	West   int64 `json:"west"`  // column of the first block's first cell
	North  int64 `json:"north"` // row of it
	Width  int64 `json:"width"` // of a block in cells
	Height int64 `json:"height"`
}

// BlockingOf is for cells, of which there is at least one, in blocks of at most
// edge x edge cells. They are made as even as whole cells allow: memory and work
// are that of the largest.
func BlockingOf(cells []store.Cell, edge int64) Blocking {
	west, east, north, south := cells[0].Col, cells[0].Col, cells[0].Row, cells[0].Row
	for _, c := range cells {
		west, east, north, south = min(west, c.Col), max(east, c.Col), min(north, c.Row), max(south, c.Row)
	}
	even := func(n int64) int64 {
		blocks := (n + edge - 1) / edge
		return (n + blocks - 1) / blocks
	}
	return Blocking{West: west, North: north, Width: even(east - west + 1), Height: even(south - north + 1)}
}

// Of is the block that a cell lies in.
func (k Blocking) Of(c store.Cell) Block {
	down := func(v, edge int64) int64 { return int64(math.Floor(float64(v) / float64(edge))) }
	return Block{down(c.Col-k.West, k.Width), down(c.Row-k.North, k.Height)}
}

// Piece is the part of a region that lies in one block, with a halo of cells
// around it that the block's cells look at.
type Piece struct {
	Block Block
	Tiles []int // numbers of the store's tiles, rising, the halo's among them
	Own   int   // how many of them lie in the block
}

// Pieces cuts a store's cells into blocks, each with a halo of so many cells, in
// the order of the blocks: from north to south and from west to east.
func (k Blocking) Pieces(s *store.Store, halo int) []Piece {
	columns := s.Meta().Grid.Columns
	wrap := func(c store.Cell) store.Cell {
		if columns > 0 {
			c.Col = (c.Col%columns + columns) % columns
		}
		return c
	}
	at := map[Block]int{}
	var out []Piece
	piece := func(b Block) *Piece {
		i, ok := at[b]
		if !ok {
			i = len(out)
			at[b], out = i, append(out, Piece{Block: b})
		}
		return &out[i]
	}
	for _, c := range s.Cells() {
		piece(k.Of(c)).Own++
	}
	owned := len(out) // blocks that have cells of their own
	h := int64(halo)
	for i, c := range s.Cells() { // rising, so that every list is
		own := k.Of(c)
		near := []Block{own}
		for _, d := range [8][2]int64{{-1, -1}, {0, -1}, {1, -1}, {-1, 0}, {1, 0}, {-1, 1}, {0, 1}, {1, 1}} {
			b := k.Of(wrap(store.Cell{Col: c.Col + d[0]*h, Row: c.Row + d[1]*h}))
			if _, ok := at[b]; ok && !slices.Contains(near, b) {
				near = append(near, b)
			}
		}
		for _, b := range near {
			p := piece(b)
			p.Tiles = append(p.Tiles, i)
		}
	}
	out = out[:owned]
	slices.SortFunc(out, func(a, b Piece) int {
		return cmp.Or(cmp.Compare(a.Block.Row, b.Block.Row), cmp.Compare(a.Block.Col, b.Block.Col))
	})
	return out
}

// Means are the means of a store's further rasters over the tiles that have a
// number, [K]: what stands for those that have none. Zero where none has.
func Means(s *store.Store) []float32 {
	k := len(s.Meta().Rasters)
	sum, n := make([]float64, k), make([]float64, k)
	for i, v := range s.Rasters() {
		if v == v {
			sum[i%k] += float64(v)
			n[i%k]++
		}
	}
	out := make([]float32, k)
	for j := range out {
		out[j] = float32(sum[j] / max(n[j], 1))
	}
	return out
}

// Painter gives pieces of an outline their images.
type Painter struct {
	c      *Config
	grid   *grid.Grid
	mosaic *imagery.Mosaic
	n      *imagery.Normalization
}

// NewPainter opens the mosaic that c names, of which n is known from the outline.
// It refuses one that is not the file that the outline was made of.
func NewPainter(ctx context.Context, c *Config, o Options, outline *store.Meta, n *imagery.Normalization) (*Painter, error) {
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	local, err := c.fetch(ctx, o)
	if err != nil {
		return nil, err
	}
	raster.Trust(local.Trust)
	p := &Painter{c: local.Config, n: n}
	if p.grid, err = GridOf(outline.Grid); err != nil {
		return nil, err
	}
	if p.mosaic, err = local.openMosaic(); err != nil {
		return nil, local.told(err)
	}
	now, err := p.mosaic.Source()
	if err != nil {
		return nil, local.told(err)
	}
	if now.Fingerprint != n.Source.Fingerprint {
		return nil, fault.New("data.imagery.path", local.shown(local.Imagery.Path)+" is not the mosaic any more that the plan was made of", "Put the old one back, or plan again in another folder.")
	}
	return p, nil
}

// Paint writes a piece with images into a passing store in folder dir, less the cells
// that the mosaic covers too little. Where that leaves none, kept is 0 and there is no
// store.
func (p *Painter) Paint(ctx context.Context, piece *store.Store, dir string) (kept int, err error) {
	all := make([]int, piece.Len())
	cells := make([]grid.Cell, piece.Len())
	for i, c := range piece.Cells() {
		all[i], cells[i] = i, grid.Cell(c)
	}
	return piece.Cut(ctx, dir, store.Cut{Tiles: all, Hash: piece.Meta().ConfigHash, Image: ImageShape(p.n), Passing: true, Paint: func(w *store.Writer) ([]int, []float32, error) {
		warped, err := p.mosaic.Warp(ctx, p.grid, cells, p.n, imagery.Options{Workers: p.c.Workers, Sparse: true},
			func(i int, _ float64, pixels []byte) error { return w.SetImage(i, pixels) })
		if err != nil {
			return nil, nil, named(err, "data.imagery")
		}
		var keep []int
		var coverage []float32
		for i, ok := range warped.Kept {
			if ok {
				keep, coverage = append(keep, i), append(coverage, warped.Coverage[i])
			}
		}
		return keep, coverage, nil
	}})
}
