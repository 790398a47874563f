package tabular

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"gonum.org/v1/gonum/mat"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/tint"
)

// Widths of the surroundings that a row describes: the cell itself (1), and the
// neighborhoods of 3 x 3 and 5 x 5 cells, the cell included.
var Widths = []int{1, 3, 5}

// Reach is the widest of Widths: a row says nothing of cells beyond it.
func Reach() int { return slices.Max(Widths) }

// Features are the numbers of every cell of a store, N cells. What a cell says
// of itself is kept; its row, with the surroundings, is put together where it is
// asked for, since a large region's rows would not fit in memory.
type Features struct {
	own       []float32 // [N, d] image statistics, then POI counts
	images    int       // of the d columns: statistics, those of More, and rasters'
	poi       int
	cells     int
	neighbors []int32      // [N, 7*7] as the store keeps them
	at        []store.Cell // [N] places in the grid
	names     []string
	about     string
	given     []float32                     // [N, len(names)] rows as they are, in the place of all else; nil: none
	without   int                           // 1 + the POI category that is taken away; 0: none
	tinted    []*Features                   // of the same images in other colors, for training; nil: none
	extra     func(cell int, out []float64) // writes the columns behind those of Widths; nil: there are none
}

// Inputs say what a row may tell of. A store without one of them gives features
// of the other.
type Inputs struct {
	Images, POIs bool
	More         *More    // further numbers of a cell; nil: none
	Rasters      []string // names of the store's rasters whose numbers are in a row, in this order
	Tint         float64  // spread of the tints (tint.Draw) of which Tinted is made besides; 0: none
}

// More are further numbers of every cell of a store, which a row has of the cell
// and as means of its surroundings, like image statistics.
type More struct {
	Names  []string    // [d]
	Values []float32   // [N, d]
	Tinted [][]float32 // [tint.Draws][N, d] of the images in other colors; nil: as Values
	About  string      // what they are, for tables
	Key    string      // tells apart what they are made of, for the same store
}

// Key tells inputs apart, for the same store.
func (in Inputs) Key() string {
	key := fmt.Sprintf("images %v, POIs %v", in.Images, in.POIs)
	if in.More != nil {
		key += ", " + in.More.Key
	}
	if len(in.Rasters) > 0 {
		key += fmt.Sprintf(", rasters %q", in.Rasters)
	}
	if in.Tint > 0 {
		key += fmt.Sprintf(", tints of %g", in.Tint)
	}
	return key
}

// New computes the features of a store, on all cores; where it has nothing that
// is asked for, a *fault.Input error. Equal stores give equal features, whatever
// the number of cores.
func New(ctx context.Context, s *store.Store, in Inputs) (*Features, error) {
	f := &Features{cells: s.Len()}
	var own, seen []string
	var image int
	own, image, f.images = ownNames(s, in)
	f.poi = len(own) - f.images
	if len(own) == 0 {
		return nil, fault.New(s.Dir(), "the store has neither images nor POIs nor rasters that the features could be made of",
			"Give data.imagery.path or data.poi.path, and name them in model.modalities; or data.rasters.")
	}
	if m := in.More; m != nil && len(m.Values) != f.cells*len(m.Names) {
		return nil, fmt.Errorf("tabular: %d further numbers are no %d of %d cells", len(m.Values), len(m.Names), f.cells)
	}
	if in.Images && s.HasImages() {
		seen = append(seen, "image statistics")
	}
	if in.More != nil {
		seen = append(seen, in.More.About)
	}
	rasters, err := rasterColumns(s, in.Rasters)
	if err != nil {
		return nil, err
	}
	if len(in.Rasters) > 0 {
		seen = append(seen, strings.Join(in.Rasters, ", "))
	}
	if f.poi > 0 {
		seen = append(seen, "ln(1 + POI counts)")
	}
	rings := make([]string, len(Widths))
	for k, w := range Widths {
		rings[k] = "own"
		if w > 1 {
			rings[k] = fmt.Sprintf("%d x %d", w, w)
		}
		for _, name := range own {
			f.names = append(f.names, name+", "+rings[k])
		}
	}
	f.about = strings.Join(seen, ", ")
	if n := len(seen); n > 1 {
		f.about = strings.Join(seen[:n-1], ", ") + " and " + seen[n-1]
	}
	f.about += ", " + strings.Join(rings, " + ")
	if f.neighbors, err = s.Neighbors(store.MaxNeighborhood); err != nil {
		return nil, err
	}
	f.at = slices.Clone(s.Cells()) // features outlive the store
	f.neighbors = slices.Clone(f.neighbors)
	f.own = make([]float32, f.cells*f.width())
	if err := f.fill(ctx, s, in, tint.Tint{}, image, rasters); err != nil {
		return nil, err
	}
	return f, f.tint(ctx, s, in, image, rasters)
}

// tint makes the features of the same images in other colors, where in asks for them.
func (f *Features) tint(ctx context.Context, s *store.Store, in Inputs, image int, rasters []float32) error {
	if in.Tint == 0 || !in.Images || !s.HasImages() {
		return nil
	}
	if err := Tintable(s); err != nil {
		return err
	}
	for k := range tint.Draws {
		g, other := *f, in
		g.own = make([]float32, len(f.own))
		if in.More != nil && in.More.Tinted != nil {
			more := *in.More
			more.Values = more.Tinted[k]
			other.More = &more
		}
		if err := g.fill(ctx, s, other, tint.Draw(k+1, s.Shape().Bands, in.Tint), image, rasters); err != nil {
			return err
		}
		f.tinted = append(f.tinted, &g)
	}
	return nil
}

// Tintable says why the images of a store cannot be seen in other colors, a *fault.Input
// error; nil where they can.
func Tintable(s *store.Store) error {
	if s.Shape().Pixel == store.UInt8 {
		return nil
	}
	return fault.New("train.augment_color", "the store's images are floats, whose colors have no range that could be kept to",
		"Leave it out, or prepare the images as bytes (data.imagery.type).")
}

// Tinted are the features of the same cells with their images in other colors, to be
// trained on besides; empty where Inputs.Tint is 0.
func (f *Features) Tinted() []*Features { return f.tinted }

// Width is how many columns the features of a store will have.
func Width(s *store.Store, in Inputs) int {
	own, _, _ := ownNames(s, in)
	return len(own) * len(Widths)
}

// ImageWidth is how many of the first columns are the cell's own image's.
func ImageWidth(s *store.Store, in Inputs) int {
	_, image, _ := ownNames(s, in)
	return image
}

// ownNames are what a cell says of itself: the image's numbers, those of rasters,
// and the counts of points behind them.
func ownNames(s *store.Store, in Inputs) (names []string, image, counts int) {
	if in.Images && s.HasImages() {
		names = imageNames(s.Shape().Bands)
	}
	if in.More != nil {
		names = append(names, in.More.Names...)
	}
	image = len(names)
	names = append(names, rasterNames(in.Rasters)...)
	counts = len(names)
	if in.POIs && s.HasPOIs() && len(s.Categories()) > 0 {
		for _, c := range s.Categories() {
			names = append(names, "ln(1 + "+c+")")
		}
		names = append(names, "ln(1 + all POIs)")
	}
	return names, image, counts
}

// fill computes every cell's own columns, of which the first image are the image's
// and rasters [N, d] come next; images are seen through a tint. Cells are independent of each
// other, so cores take them in turn.
func (f *Features) fill(ctx context.Context, s *store.Store, in Inputs, colors tint.Tint, image int, rasters []float32) error {
	const step = 64
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make([]error, min(runtime.GOMAXPROCS(0), f.cells/step+1))
	for k := range errs {
		group.Go(func() {
			pixels := make([]byte, s.Shape().Bytes())
			for {
				first := int(next.Add(step)) - step
				if first >= f.cells || ctx.Err() != nil {
					return
				}
				for i := first; i < min(first+step, f.cells); i++ {
					row := f.own[i*f.width() : (i+1)*f.width()]
					if in.More != nil {
						d := len(in.More.Names)
						copy(row[image-d:image], in.More.Values[i*d:(i+1)*d])
					}
					d := f.images - image
					copy(row[image:f.images], rasters[i*d:(i+1)*d])
					if in.Images && s.HasImages() {
						if errs[k] = s.ReadImage(i, pixels); errs[k] != nil {
							return
						}
						colors.Apply(pixels)
						imageStatistics(pixels, s.Shape(), row)
					}
					if f.poi > 0 {
						p, counts := s.POIs(i), row[f.images:]
						for e, category := range p.Category {
							if int(category) >= f.poi-1 {
								errs[k] = fault.New(s.Dir(), fmt.Sprintf("tile %d has a POI of category %d of %d: the store is damaged", i, category, f.poi-1),
									"Build it again with: go run ./cmd/prepare --config YOUR.yaml --force")
								return
							}
							counts[category] += p.Count[e]
							counts[f.poi-1] += p.Count[e]
						}
					}
				}
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (f *Features) width() int { return f.images + f.poi }

// Names are the columns of Rows: the cell's own, then the same of its surroundings.
func (f *Features) Names() []string { return f.names }

// About says in words what a row holds, for tables.
func (f *Features) About() string { return f.about }

// Cells is N, the number of the store's cells.
func (f *Features) Cells() int { return f.cells }

// Width is the number of columns, len(Names()).
func (f *Features) Width() int { return len(f.names) }

// Of writes the rows of some cells to out, [len(cells), Width()], as Rows has
// them.
func (f *Features) Of(cells []int32, out []float32) {
	row, d := make([]float64, len(f.names)), len(f.names)
	for i, cell := range cells {
		clear(row)
		f.row(int(cell), row)
		for k, v := range row {
			out[i*d+k] = float32(v)
		}
	}
}

// Without is f as it would be without the points of a category anywhere.
func (f *Features) Without(category int) *Features {
	g := *f
	g.without = category + 1
	return &g
}

// Rows puts together the rows of some cells, [len(cells), len(Names())]. Image
// statistics of a neighborhood are the mean of those of its cells, counts are
// ln(1 + mean count of its cells): cells that do not exist (the region's edge)
// are left out of both means.
func (f *Features) Rows(cells []int32) *mat.Dense {
	if len(cells) == 0 {
		return &mat.Dense{}
	}
	x := mat.NewDense(len(cells), len(f.names), nil)
	for i, cell := range cells {
		f.row(int(cell), x.RawRowView(i))
	}
	return x
}

// FromRows are features that somebody has put together: x is [N, len(names)]. They
// know nothing of neighbors.
func FromRows(names []string, x []float32) (*Features, error) {
	if len(names) == 0 || len(x)%len(names) != 0 {
		return nil, fmt.Errorf("tabular: %d numbers are no rows of %d features", len(x), len(names))
	}
	return &Features{given: x, cells: len(x) / len(names), names: names}, nil
}

// row writes a cell's row to out, which is zero.
func (f *Features) row(cell int, out []float64) {
	if f.given != nil {
		for k, v := range f.given[cell*len(out) : (cell+1)*len(out)] {
			out[k] = float64(v)
		}
		return
	}
	d := f.width()
	for k, w := range Widths {
		f.around(cell, w, out[k*d:(k+1)*d])
	}
	if f.extra != nil {
		f.extra(cell, out[d*len(Widths):])
	}
}

// around writes the means over the w x w neighborhood of a cell to out [d].
func (f *Features) around(cell, w int, out []float64) {
	d, n := f.width(), 0.0
	f.ring(cell, w, func(j int) {
		n++
		for k, v := range f.own[j*d : (j+1)*d] {
			out[k] += float64(v)
		}
	})
	if f.without > 0 && f.poi > 0 {
		gone := &out[f.images+f.without-1]
		out[d-1] -= *gone // the last column counts all
		*gone = 0
	}
	for k := range out {
		out[k] /= n
		if k >= f.images {
			out[k] = math.Log1p(out[k])
		}
	}
}

// ring calls visit for the cells of the w x w neighborhood that exist, the cell
// included.
func (f *Features) ring(cell, w int, visit func(j int)) {
	const m = store.MaxNeighborhood
	first := (m - w) / 2
	for r := first; r < first+w; r++ {
		for c := first; c < first+w; c++ {
			if j := f.neighbors[cell*m*m+r*m+c]; j >= 0 {
				visit(int(j))
			}
		}
	}
}
