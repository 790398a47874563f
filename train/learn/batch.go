package learn

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/tint"
)

// Batch is what one step needs, as Go slices, so that another goroutine can
// assemble the next one while libtorch works on this one. Each distinct tile
// of the B cells' neighborhoods appears once, the cells' own tiles first.
type Batch struct {
	Cells    []int32   // [B] tile ids of the target cells
	Tiles    []int32   // [U] distinct tile ids of their neighborhoods
	Index    []int64   // [B, M, M] places in Tiles; U = no such cell
	Target   []float32 // [B] ln emission
	Images   []byte    // [E, B, H, W] of the E tiles that this process encodes, as the store has them; empty without images
	Points   Points    // their POIs
	Features []float32 // [E, F]; empty without
	Turns    []uint8   // [E] elements of D4 that they are turned by in training; empty: none
	Tints    []uint8   // [E] tints that their images are seen through in training, 0: none; empty: none at all
	Partners []int64   // [R, Width] places in Tiles of tiles that are compared, of a Partnered network; U = none
	Width    int
	err      error   // of reading the images
	encoded  int     // tiles that the step encodes: U, or B where neighbors come from history
	from, to int     // those of them that this process encodes; E = to-from, but 1 where it is left without
	here     []int32 // [E] their ids
}

// Points are sparse POIs of several tiles: one entry a (tile, category, row,
// col).
type Points struct {
	Tile               []int32
	Category, Row, Col []uint16
	Count              []float32
}

// Features are hand-made numbers of a store's cells. They may be asked by several
// goroutines at once.
type Features interface {
	Width() int                      // F
	Of(tiles []int32, out []float32) // writes those of some tiles, [len(tiles), F]
}

// Assembler makes batches from a store. It is used by one goroutine at a time.
type Assembler struct {
	Store     *store.Store
	M         int         // neighborhood width
	Neighbors []int32     // [N, M*M]
	Ln        []float64   // [N] ln emission
	Features  Features    // of the tiles as cells; nil where the network has none
	Tints     []tint.Tint // that the images of a step are seen through, one of them or none; empty: none
	Tinted    []Features  // of the images through each of Tints; empty: as Features
	image     bool
	poi       bool
	own       bool                                        // load the inputs of a batch's own cells alone
	resident  bool                                        // the images are on the device already
	place     []int32                                     // [N] place in the batch's tiles + 1, 0 = not in it
	draw      func(cells []int32, r *rand.Rand) [][]int32 // of a Partnered network; nil: none
	seed      uint64                                      // of draw
	rank      int                                         // of processes that share the work
	world     int                                         // how many; 0: one
}

// NewAssembler makes an assembler of batches for a network that wants these inputs
// (Inputs) and looks at these tiles around a cell. ln is the target of every tile,
// [N]; features are the tiles' where the network has any, else nil.
func NewAssembler(s *store.Store, c layers.ModelConfig, around layers.Around, ln []float64, features Features) (*Assembler, error) {
	switch {
	case c.Features == 0:
		features = nil
	case features == nil:
		return nil, fmt.Errorf("the network wants %d features of a cell, and there are none", c.Features)
	case features.Width() != c.Features:
		return nil, fmt.Errorf("the network wants %d features of a cell, and there are %d", c.Features, features.Width())
	}
	neighbors, err := s.Neighbors(around.M)
	if err != nil {
		return nil, err
	}
	return &Assembler{Store: s, M: around.M, Neighbors: arrange(neighbors, around), Ln: ln, Features: features, image: c.Image, poi: c.POI,
		place: make([]int32, s.Len())}, nil
}

// arrange lays the neighborhoods [N, M*M], rows first and -1 for a cell that is
// missing, out as a network wants them.
func arrange(neighbors []int32, a layers.Around) []int32 {
	if !a.XFirst && !a.Missing {
		return neighbors
	}
	m := a.M
	out := make([]int32, len(neighbors))
	for at := 0; at < len(neighbors); at += m * m {
		for row := range m {
			for col := range m {
				n := neighbors[at+row*m+col]
				if a.Missing {
					n = max(0, n)
				}
				if a.XFirst {
					out[at+col*m+row] = n
				} else {
					out[at+row*m+col] = n
				}
			}
		}
	}
	return out
}

// Assemble fills b, whose slices are used again, with the given cells.
func (a *Assembler) Assemble(b *Batch, cells []int32) { a.assemble(b, cells, 0) }

// assemble is Assemble in an epoch, on which the draw of a Partnered network
// depends.
func (a *Assembler) assemble(b *Batch, cells []int32, epoch int) {
	b.Cells = append(b.Cells[:0], cells...)
	b.Tiles, b.Index, b.Target = b.Tiles[:0], b.Index[:0], b.Target[:0]
	add := func(t int32) int64 {
		if a.place[t] == 0 {
			b.Tiles = append(b.Tiles, t)
			a.place[t] = int32(len(b.Tiles))
		}
		return int64(a.place[t] - 1)
	}
	for _, c := range cells {
		add(c)
	}
	n := len(b.Tiles)
	mm := a.M * a.M
	for _, c := range cells {
		b.Target = append(b.Target, float32(a.Ln[c]))
		for _, n := range a.Neighbors[int(c)*mm : (int(c)+1)*mm] {
			if n < 0 {
				b.Index = append(b.Index, -1)
			} else {
				b.Index = append(b.Index, add(n))
			}
		}
	}
	a.addPartners(b, epoch, add)
	for _, index := range [][]int64{b.Index, b.Partners} {
		for i, p := range index {
			if p < 0 {
				index[i] = int64(len(b.Tiles)) // the row of zeros behind the embeddings
			}
		}
	}
	for _, t := range b.Tiles {
		a.place[t] = 0
	}
	if !a.own {
		n = len(b.Tiles)
	}
	b.encoded = n
	a.load(b, a.rank, a.world)
}

// Load makes b a batch of tiles without cells, to be encoded by this process, or
// says why an image cannot be read.
func (a *Assembler) Load(b *Batch, tiles []int32) error { return a.loadTiles(b, tiles, 0, 1) }

// loadShare is Load of the tiles that are this process's among those that share
// the work.
func (a *Assembler) loadShare(b *Batch, tiles []int32) error {
	return a.loadTiles(b, tiles, a.rank, a.world)
}

func (a *Assembler) loadTiles(b *Batch, tiles []int32, rank, world int) error {
	b.Cells, b.Index, b.Target, b.Partners = nil, nil, nil, nil
	b.Tiles = append(b.Tiles[:0], tiles...)
	b.encoded = len(tiles)
	a.load(b, rank, world)
	return b.err
}

// share is the part of n tiles that a rank encodes: about as many as every other.
func share(n, rank, world int) (from, to int) {
	world = max(1, world)
	return n * rank / world, n * (rank + 1) / world
}

// load reads the inputs of a rank's share of the tiles that b encodes. A rank that
// is left without loads the first tile: encoding nothing is no part of a network,
// and the others wait for it there.
func (a *Assembler) load(b *Batch, rank, world int) {
	b.from, b.to = share(b.encoded, rank, world)
	b.here = b.Tiles[b.from:b.to]
	if b.from == b.to && b.encoded > 0 {
		b.here = b.Tiles[:1]
	}
	n := len(b.here)
	b.Turns, b.Tints = b.Turns[:0], b.Tints[:0]
	b.Images = b.Images[:0]
	b.err = nil
	if a.image && !a.resident {
		size := int(a.Store.Shape().Bytes())
		b.Images = slices.Grow(b.Images, n*size)[:n*size]
		for i, t := range b.here {
			if err := a.Store.ReadImage(int(t), b.Images[i*size:(i+1)*size]); err != nil {
				b.err = err
			}
		}
	}
	b.Features = b.Features[:0]
	if a.Features != nil {
		size := n * a.Features.Width()
		b.Features = slices.Grow(b.Features, size)[:size]
		a.Features.Of(b.here, b.Features)
	}
	p := &b.Points
	p.Tile, p.Category, p.Row, p.Col, p.Count = p.Tile[:0], p.Category[:0], p.Row[:0], p.Col[:0], p.Count[:0]
	if a.poi {
		for i, t := range b.here {
			q := a.Store.POIs(int(t))
			for range q.Len() {
				p.Tile = append(p.Tile, int32(i))
			}
			p.Category = append(p.Category, q.Category...)
			p.Row, p.Col = append(p.Row, q.Row...), append(p.Col, q.Col...)
			p.Count = append(p.Count, q.Count...)
		}
	}
}

// Inputs moves the inputs of the tiles that this process encodes to the device.
func (b *Batch) Inputs(c layers.ModelConfig, d torch.Device) layers.Tiles {
	return b.inputs(c, d, torch.Float32)
}

// inputs is Inputs for a network that computes in that type.
func (b *Batch) inputs(c layers.ModelConfig, d torch.Device, points torch.DType) (t layers.Tiles) {
	u := len(b.here)
	if c.Image {
		t.Images = images(c, b.Images, u).To(d)
	}
	if c.POI {
		p := b.Points
		t.Points = torch.NewPoints(p.Tile, p.Category, p.Row, p.Col, p.Count, u, c.Categories, c.POISize, c.POISize, points, d)
	}
	if c.Features > 0 {
		t.Features = torch.FromSlice(b.Features, u, c.Features).To(d)
	}
	return t
}

// images are n images as a store has them, [n, B, H, W] of the type that a network of
// this architecture takes.
func images(c layers.ModelConfig, bytes []byte, n int) *torch.Tensor {
	return torch.FromBytes(bytes, pixelTypes[c.Pixels], n, c.ImageInput().Bands, c.ImageSize, c.ImageSize)
}

// pixelTypes are the types of images, by ModelConfig.Pixels.
var pixelTypes = map[string]torch.DType{"": torch.UInt8, "float16": torch.Float16, "float32": torch.Float32}

// Places is the index of the cells' neighborhoods on the device, [B, M, M]
// int64.
func (b *Batch) Places(m int, d torch.Device) *torch.Tensor {
	return torch.FromSlice(b.Index, len(b.Cells), m, m).To(d)
}

// Encoded is how many of the batch's tiles a step encodes, each once.
func (b *Batch) Encoded() int { return b.encoded }

// Describe names a batch's cells for messages.
func (b *Batch) Describe(s *store.Store) string { return describe(s, b.Cells) }

func describe(s *store.Store, batch []int32) string {
	cells := s.Cells()
	text := ""
	for i, c := range batch {
		if i == 4 {
			return fmt.Sprintf("%s and %d more", text, len(batch)-4)
		}
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%d (col %d, row %d)", c, cells[c].Col, cells[c].Row)
	}
	return text
}

// Without leaves a category's points out.
func (p Points) Without(category uint16) Points {
	var q Points
	for i, c := range p.Category {
		if c != category {
			q.Tile, q.Category = append(q.Tile, p.Tile[i]), append(q.Category, c)
			q.Row, q.Col, q.Count = append(q.Row, p.Row[i]), append(q.Col, p.Col[i]), append(q.Count, p.Count[i])
		}
	}
	return q
}

// NeededTiles lists the distinct tiles of cells' neighborhoods, cells first.
func (a *Assembler) NeededTiles(cells []int32) []int32 {
	seen := make([]bool, len(a.place))
	tiles := make([]int32, 0, len(cells))
	add := func(t int32) {
		if t >= 0 && !seen[t] {
			seen[t] = true
			tiles = append(tiles, t)
		}
	}
	for _, c := range cells {
		add(c)
	}
	mm := a.M * a.M
	for _, c := range cells {
		for _, n := range a.Neighbors[int(c)*mm : (int(c)+1)*mm] {
			add(n)
		}
	}
	return slices.Clip(tiles)
}
