package train

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/scratch"
	"opencarbon/data/store"
	"opencarbon/train/output"
)

// MergeBlocks joins the results of a plan and writes what Predict writes. It
// refuses while a block has none, and checks that every cell is there once. Of o it
// takes where and what to write, areas and totals.
func MergeBlocks(ctx context.Context, dir string, o PredictOptions) (*output.Predictions, error) {
	p, err := ReadPlan(dir)
	if err != nil {
		return nil, err
	}
	if missing := p.Missing(); len(missing) > 0 {
		var names []string
		for _, b := range missing {
			names = append(names, b.String())
		}
		return nil, fault.New(dir, fmt.Sprintf("%d of %d blocks have no result yet: %s", len(missing), len(p.Blocks), label.Few(names, 20)),
			"Predict them: go run ./cmd/predict --work "+dir+" (blocks that are done are passed over)")
	}
	members, err := p.members()
	if err != nil {
		return nil, err
	}
	if err := o.output().Check(members[0].Header.TargetUnit); err != nil {
		return nil, err
	}
	outline, err := openPlanned(filepath.Join(dir, outlineDir))
	if err != nil {
		return nil, err
	}
	defer outline.Close()
	if m := outline.Meta(); m.ConfigHash != p.Outline || outline.Len() != p.Cells {
		return nil, fault.New(filepath.Join(dir, outlineDir), "is not what the plan was made of", "Plan again in another folder.")
	}
	all, err := p.gather(ctx, outline, len(members))
	if err != nil {
		return nil, err
	}
	if len(all.tiles) == 0 {
		return nil, fault.New("data.imagery.min_coverage", "the mosaic covers no cell of the region by that share", "Lower it, choose smaller cells, or bring a mosaic that covers the region.")
	}
	if err := os.MkdirAll(o.Out, 0o777); err != nil {
		return nil, fault.Wrap(err, o.Out, "the folder of the results cannot be made", "Give another one with --out.")
	}
	place, err := claim(o.Out)
	if err != nil {
		return nil, err
	}
	defer place.Close()
	s := outline
	if p.Image > 0 { // with the cells that have an image, as a store would have been built
		folder, err := scratch.Dir(filepath.Join(o.Out, "merged"))
		if err != nil {
			return nil, err
		}
		defer folder.Remove()
		at := filepath.Join(folder.Path, "store")
		if _, err := outline.Cut(ctx, at, store.Cut{Tiles: all.tiles, Hash: p.ID, Coverage: all.coverage, Passing: true}); err != nil {
			return nil, err
		}
		if s, err = store.Open(at); err != nil {
			return nil, err
		}
		defer s.Close()
	}
	known, err := o.Known.Read(ctx, s, members[0].Header.TargetUnit)
	if err != nil {
		return nil, err
	}
	o.changed = p.Newest
	q, err := members.write(s, all.ln, all.strange, known, o)
	if err != nil {
		return nil, err
	}
	q.Notes = append(append([]string(nil), p.Notes...), q.Notes...)
	if bare := p.Cells - len(all.tiles); bare > 0 {
		q.Notes = append(q.Notes, fmt.Sprintf("%d cells are not predicted: the mosaic covers them too little", bare))
	}
	return q, nil
}

// gathered are the results of all blocks, of n cells.
type gathered struct {
	tiles       []int       // [n] numbers in the outline, rising
	coverage    []float32   // [n]
	ln, strange [][]float64 // [members][n]; strange nil where a member has none
}

// gather reads all results and puts them in the outline's order.
func (p *BlockPlan) gather(ctx context.Context, outline *store.Store, members int) (*gathered, error) {
	n := outline.Len()
	at := make(map[store.Cell]int32, n)
	for i, c := range outline.Cells() {
		at[c] = int32(i)
	}
	const unseen, bare, predicted = 0, 1, 2
	state, coverage := make([]uint8, n), make([]float32, n)
	ln, strange := make([][]float64, members), make([][]float64, members)
	for m := range members {
		ln[m], strange[m] = make([]float64, n), make([]float64, n)
	}
	known := make([]bool, members)
	for m := range known {
		known[m] = true
	}
	for _, b := range p.Blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := p.readResult(b, members)
		if err != nil {
			return nil, err
		}
		take := func(c store.Cell, as uint8) (int32, error) {
			i, ok := at[c]
			if !ok {
				return 0, fault.New(p.result(b), fmt.Sprintf("tells of the cell %d_%d, which the region does not have", c.Col, c.Row), "Remove the file and predict the block again.")
			}
			if state[i] != unseen {
				return 0, fault.New(p.result(b), fmt.Sprintf("tells of the cell %d_%d, which was told of before", c.Col, c.Row), "Remove the file and predict the block again.")
			}
			state[i] = as
			return i, nil
		}
		for _, c := range r.bare {
			if _, err := take(c, bare); err != nil {
				return nil, err
			}
		}
		for k, c := range r.cells {
			i, err := take(c, predicted)
			if err != nil {
				return nil, err
			}
			coverage[i] = r.coverage[k]
			for m := range members {
				ln[m][i] = r.ln[m][k]
				if r.strange[m] == nil {
					known[m] = false
				} else {
					strange[m][i] = r.strange[m][k]
				}
			}
		}
	}
	g := &gathered{ln: make([][]float64, members), strange: make([][]float64, members)}
	var unknown []string
	for i, s := range state {
		switch s {
		case predicted:
			g.tiles, g.coverage = append(g.tiles, i), append(g.coverage, coverage[i])
		case unseen:
			unknown = append(unknown, fmt.Sprintf("%d_%d", outline.Cells()[i].Col, outline.Cells()[i].Row))
		}
	}
	if unknown != nil {
		return nil, fault.New(p.dir, fmt.Sprintf("no result tells of %d cells: %s", len(unknown), label.Few(unknown, 8)), "The folder is damaged: plan again in another one.")
	}
	for m := range members {
		pick := func(v []float64) []float64 {
			out := make([]float64, len(g.tiles))
			for k, i := range g.tiles {
				out[k] = v[i]
			}
			return out
		}
		if g.ln[m] = pick(ln[m]); known[m] {
			g.strange[m] = pick(strange[m])
		}
	}
	return g, nil
}
