package train

import (
	"fmt"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
)

// batch is what one step needs, as Go slices, so that another goroutine can
// assemble the next one while libtorch works on this one. Each distinct tile
// of the B cells' neighborhoods appears once.
type batch struct {
	cells  []int32   // [B] tile ids of the target cells
	tiles  []int32   // [U] distinct tile ids of their neighborhoods
	index  []int64   // [B, M, M] places in tiles; U = no such cell
	target []float32 // [B] ln emission
	images []uint8   // [U, 3, H, W]; empty without images
	points points    // POIs of the U tiles
}

// points are sparse POIs of several tiles: one entry a (tile, category, row,
// col).
type points struct {
	tile               []int32
	category, row, col []uint16
	count              []float32
}

// assembler makes batches from a store. It is used by one goroutine at a time.
type assembler struct {
	store     *store.Store
	m         int     // neighborhood width
	neighbors []int32 // [N, m*m]
	ln        []float64
	image     bool
	poi       bool
	place     []int32 // [N] place in the batch's tiles + 1, 0 = not in it
}

func newAssembler(s *store.Store, c layers.ModelConfig, ln []float64) (*assembler, error) {
	neighbors, err := s.Neighbors(c.Neighborhood)
	if err != nil {
		return nil, err
	}
	if c.Reference {
		neighbors = referenceNeighbors(neighbors, c.Neighborhood)
	}
	return &assembler{store: s, m: c.Neighborhood, neighbors: neighbors, ln: ln, image: c.Image, poi: c.POI,
		place: make([]int32, s.Len())}, nil
}

// referenceNeighbors gives the published program's index: a missing neighbor is
// tile 0, and the first axis is the offset in x, the second that in y.
func referenceNeighbors(neighbors []int32, m int) []int32 {
	out := make([]int32, len(neighbors))
	for at := 0; at < len(neighbors); at += m * m {
		for row := range m {
			for col := range m {
				out[at+col*m+row] = max(0, neighbors[at+row*m+col])
			}
		}
	}
	return out
}

// assemble fills b, whose slices are used again, with the given cells.
func (a *assembler) assemble(b *batch, cells []int32) {
	b.cells = append(b.cells[:0], cells...)
	b.tiles, b.index, b.target = b.tiles[:0], b.index[:0], b.target[:0]
	mm := a.m * a.m
	for _, c := range cells {
		b.target = append(b.target, float32(a.ln[c]))
		for _, n := range a.neighbors[int(c)*mm : (int(c)+1)*mm] {
			if n < 0 {
				b.index = append(b.index, -1)
				continue
			}
			if a.place[n] == 0 {
				b.tiles = append(b.tiles, n)
				a.place[n] = int32(len(b.tiles))
			}
			b.index = append(b.index, int64(a.place[n]-1))
		}
	}
	for i, p := range b.index {
		if p < 0 {
			b.index[i] = int64(len(b.tiles)) // the row of zeros behind the embeddings
		}
	}
	for _, t := range b.tiles {
		a.place[t] = 0
	}
	a.load(b)
}

// load reads the inputs of b.tiles.
func (a *assembler) load(b *batch) {
	b.images = b.images[:0]
	if a.image {
		for _, t := range b.tiles {
			b.images = append(b.images, a.store.Image(int(t))...)
		}
	}
	p := &b.points
	p.tile, p.category, p.row, p.col, p.count = p.tile[:0], p.category[:0], p.row[:0], p.col[:0], p.count[:0]
	if a.poi {
		for i, t := range b.tiles {
			q := a.store.POIs(int(t))
			for range q.Len() {
				p.tile = append(p.tile, int32(i))
			}
			p.category = append(p.category, q.Category...)
			p.row, p.col = append(p.row, q.Row...), append(p.col, q.Col...)
			p.count = append(p.count, q.Count...)
		}
	}
}

// inputs moves a batch's tiles to the device, and the index [B, M, M] of its
// cells' neighborhoods (nil for a batch without cells).
func (b *batch) inputs(c layers.ModelConfig, d torch.Device) (t layers.Tiles, index *torch.Tensor) {
	u := len(b.tiles)
	if c.Image {
		t.Images = torch.FromSlice(b.images, u, 3, c.ImageSize, c.ImageSize).To(d) // [U, 3, H, W] uint8
	}
	if c.POI {
		p := b.points
		t.Points = torch.NewPoints(p.tile, p.category, p.row, p.col, p.count, u, c.Categories, c.POISize, c.POISize, torch.Float32, d)
	}
	if m := c.Neighborhood; len(b.cells) > 0 {
		index = torch.FromSlice(b.index, len(b.cells), m, m).To(d)
	}
	return t, index
}

// describe names a batch's cells for messages.
func (b *batch) describe(s *store.Store) string {
	cells := s.Cells()
	text := ""
	for i, c := range b.cells {
		if i == 4 {
			return fmt.Sprintf("%s and %d more", text, len(b.cells)-4)
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d (col %d, row %d)", c, cells[c].Col, cells[c].Row)
	}
	return text
}
