package published

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/data/store"
	"opencarbon/torch/pickle"
)

// sparse is a POI matrix [256, 256, C] without its zeros.
type sparse struct {
	categories int
	keys       []uint64 // category, row, column in 16 bits each, rising
	counts     []float32
	rounded    int // counts that float32 cannot hold exactly
}

// readPOIs reads the POI file entry by entry.
func (b *build) readPOIs(ctx context.Context, path string) ([]grid.Cell, []*sparse, error) {
	s, err := open(path, "poi_distribution")
	if err != nil {
		return nil, nil, err
	}
	defer s.Close()
	return b.poisOf(ctx, s, path)
}

// poisOf reads an open POI file.
func (b *build) poisOf(ctx context.Context, s *source, path string) ([]grid.Cell, []*sparse, error) {
	dict, err := s.loadDict(func(d *pickle.Decoder, a *pickle.Array) error {
		if len(a.Shape) != 3 { // a key, or an old kind of number
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := thin(d, a)
		if err != nil {
			return err
		}
		a.Value = t
		d.Recycle(a.Data)
		a.Data = nil
		if s.size > 0 {
			b.out.Progress("POIs", int(d.Offset()*1000/s.size), 1000)
		}
		return nil
	})
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if err != nil {
		return nil, nil, bad(path, err)
	}
	var cells []grid.Cell
	var tiles []*sparse
	seen := make(map[grid.Cell]bool, len(dict.Entries))
	for _, e := range dict.Entries {
		cell, err := cellOf(e.Key)
		if err != nil {
			return nil, nil, bad(path, err)
		}
		var t *sparse
		if a, ok := e.Value.(*pickle.Array); ok {
			t, _ = a.Value.(*sparse)
		}
		if t == nil {
			return nil, nil, bad(path, fmt.Errorf("tile %s has %s, not a matrix [%d, %d, C]", cell, pickle.TypeName(e.Value), Size, Size))
		}
		if seen[cell] {
			return nil, nil, bad(path, fmt.Errorf("tile %s is there twice", cell))
		}
		if b.report.Categories == 0 {
			b.report.Categories = t.categories
		}
		if t.categories != b.report.Categories {
			return nil, nil, bad(path, fmt.Errorf("tile %s has %d categories, others %d", cell, t.categories, b.report.Categories))
		}
		seen[cell] = true
		cells, tiles = append(cells, cell), append(tiles, t)
	}
	return cells, tiles, nil
}

// readCounts reads the keys of the file of counts: the tiles that exist.
func (b *build) readCounts(path string) ([]grid.Cell, error) {
	s, err := open(path, "poi_count")
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return countsOf(s, path)
}

// countsOf reads an open file of counts.
func countsOf(s *source, path string) ([]grid.Cell, error) {
	dict, err := s.loadDict(nil)
	if err != nil {
		return nil, bad(path, err)
	}
	var cells []grid.Cell
	for _, e := range dict.Entries {
		cell, err := cellOf(e.Key)
		if err != nil {
			return nil, bad(path, err)
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// Len, Less and Swap implement sort.Interface, by key.
func (t *sparse) Len() int           { return len(t.keys) }
func (t *sparse) Less(i, j int) bool { return t.keys[i] < t.keys[j] }
func (t *sparse) Swap(i, j int) {
	t.keys[i], t.keys[j] = t.keys[j], t.keys[i]
	t.counts[i], t.counts[j] = t.counts[j], t.counts[i]
}

// thin drops the zeros of a dense matrix [256, 256, C] in C or Fortran order.
// The first axis is the row of a pixel, the second its column.
func thin(d *pickle.Decoder, a *pickle.Array) (*sparse, error) {
	rows, cols, n := a.Shape[0], a.Shape[1], a.Shape[2]
	if rows != Size || cols != Size || n < 1 || n > store.MaxCategories {
		return nil, fmt.Errorf("a POI matrix has the shape %v, not [%d, %d, C] with C from 1 to %d", a.Shape, Size, Size, store.MaxCategories)
	}
	es, data := a.DType.Size, a.Data.Data
	zero := func(i int) bool { // nearly all are: the short way
		return es == 8 && binary.LittleEndian.Uint64(data[8*i:]) == 0 || es == 4 && binary.LittleEndian.Uint32(data[4*i:]) == 0 || es == 1 && data[i] == 0
	}
	points := 0
	for i := range len(data) / es {
		if !zero(i) {
			points++
		}
	}
	if err := d.Take(12*int64(points) + 100); err != nil {
		return nil, err
	}
	t := &sparse{categories: n, keys: make([]uint64, 0, points), counts: make([]float32, 0, points)}
	for i := range len(data) / es {
		if zero(i) {
			continue
		}
		v := a.At(i)
		if v == 0 {
			continue // minus zero
		}
		if !(v > 0) || math.IsInf(float64(float32(v)), 0) || float32(v) == 0 {
			return nil, fmt.Errorf("a POI matrix holds %v; counts are positive and finite", v)
		}
		if float64(float32(v)) != v {
			t.rounded++
		}
		r, col, k := i/(cols*n), i/n%cols, i%n
		if a.Fortran {
			r, col, k = i%rows, i/rows%cols, i/(rows*cols)
		}
		t.keys, t.counts = append(t.keys, uint64(k)<<32|uint64(r)<<16|uint64(col)), append(t.counts, float32(v))
	}
	sort.Sort(t)
	return t, nil
}

// writePOIs joins the tiles' points.
func (b *build) writePOIs(w *store.Writer) {
	total := 0
	for _, t := range b.tiles {
		total += len(t.keys)
		b.report.Rounded += t.rounded
	}
	b.report.Points = total
	p := store.Points{Category: make([]uint16, 0, total), Row: make([]uint16, 0, total), Col: make([]uint16, 0, total), Count: make([]float32, 0, total)}
	offsets := make([]int64, 1, len(b.tiles)+1)
	for _, t := range b.tiles {
		for i, k := range t.keys {
			p.Category, p.Row, p.Col = append(p.Category, uint16(k>>32)), append(p.Row, uint16(k>>16)), append(p.Col, uint16(k))
			p.Count = append(p.Count, t.counts[i])
		}
		offsets = append(offsets, int64(len(p.Count)))
	}
	categories := make([]string, b.report.Categories)
	for i := range categories { // the files do not name them
		categories[i] = fmt.Sprintf("category %d", i)
	}
	w.SetPOIs(categories, Size, offsets, p)
}

// readTargets reads the emissions; tiles without one, or without a positive
// one, are no samples.
func (b *build) readTargets(path string) error {
	b.targets = make([]float64, len(b.cells))
	for i := range b.targets {
		b.targets[i] = math.NaN()
	}
	if path == "" {
		b.report.NoTarget = len(b.cells)
		return nil
	}
	s, err := open(path, "carbon")
	if err != nil {
		return err
	}
	defer s.Close()
	return b.targetsOf(s, path)
}

// targetsOf reads an open file of emissions into the targets, all NaN before.
func (b *build) targetsOf(s *source, path string) error {
	dict, err := s.loadDict(nil)
	if err != nil {
		return bad(path, err)
	}
	values := make(map[grid.Cell]float64, len(dict.Entries))
	for _, e := range dict.Entries {
		cell, err := cellOf(e.Key)
		if err != nil {
			return bad(path, err)
		}
		v, ok := pickle.Float(e.Value)
		if a, isArray := e.Value.(*pickle.Array); isArray && a.Data != nil && a.Len() == 1 {
			v, ok = a.At(0), true
		}
		if !ok {
			return bad(path, fmt.Errorf("tile %s has %s, not a number", cell, pickle.TypeName(e.Value)))
		}
		if b.spec.Target == "ln" {
			v = math.Exp(v)
		}
		if math.IsInf(v, 0) {
			return bad(path, fmt.Errorf("tile %s has an infinite emission", cell))
		}
		values[cell] = v
	}
	negative := 0
	for i, c := range b.cells {
		v, ok := values[c]
		if v < 0 {
			negative++
		}
		if ok && v > 0 {
			b.targets[i] = v
			b.report.Samples++
		}
	}
	b.report.NoTarget = len(b.cells) - b.report.Samples
	if b.report.Samples == 0 || negative > 0 {
		what := errors.New("no tile of the dataset has a positive emission in it")
		if negative > 0 {
			what = fmt.Errorf("%d tiles have a negative emission", negative)
		}
		return fault.Wrap(what, path, "cannot be used", "If the file holds logarithms, set data.published.target: ln.")
	}
	return nil
}
