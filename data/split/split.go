// Package split says which cells train, which validate and which test.
//
// Cells are near each other and alike, and the model looks at a cell's
// neighborhood, so a random draw of cells would let the test leak into the
// training. The methods here draw whole districts or whole blocks, can drop
// training cells near the others (buffer), and always say how much overlap is
// left. Nothing here knows images, POIs or the size of emissions: only where
// cells lie and whether they have a target.
package split

import (
	"context"
	"fmt"
	"math"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
)

// Spec says how to split. It mirrors the data.split section of the
// configuration, whose keys the error messages name.
type Spec struct {
	Method                  string // attribute | blocks | list | none
	File                    string // attribute: polygons; list: CSV
	Layer                   string // attribute: layer of File; default the first
	Field                   string // attribute: the column of the district's name
	Train, Validation, Test []string
	Block                   int       // blocks: edge in cells
	Fractions               []float64 // blocks: of train, validation, test; they add up to 1
	Seed                    int64     // blocks
	Buffer                  int       // cells; see Report.Buffered
}

// Input is the cells to be split.
type Input struct {
	Cells     []store.Cell // [N], each once
	LonLat    []float64    // [N, 2] centers in degrees (WGS84); only attribute needs them
	HasTarget []bool       // [N]; cells without a target get no split
	Columns   int64        // columns round the globe where the grid closes on itself, else 0
}

// Report is what a split came to, in cells.
type Report struct {
	Method     string `json:"method"`
	Text       string `json:"text"` // one sentence for people and the store's metadata
	Train      int    `json:"train"`
	Validation int    `json:"validation"`
	Test       int    `json:"test"`
	Unused     int    `json:"unused"`    // cells with a target in no split, the buffered ones among them
	NoTarget   int    `json:"no_target"` // cells without a target
	// Buffered is the number of cells taken from training because a test or
	// validation cell lies within the buffer (Chebyshev distance: a neighbor
	// across a corner is as near as one across an edge).
	Buffered int       `json:"buffered"`
	Overlap  []Overlap `json:"overlap"` // what is left after the buffer
	Groups   []Group   `json:"groups"`  // attribute: districts; empty else
	Foreign  int       `json:"foreign"` // list: lines that name no cell of this region
}

// Overlap counts the training cells whose M x M neighborhood holds a cell of
// another split: what they see in training is what the other is judged on.
type Overlap struct {
	M          int `json:"m"`
	Test       int `json:"test"`       // training cells that see a test cell
	Validation int `json:"validation"` // training cells that see a validation cell
}

// Group is a district and its split.
type Group struct {
	Name  string `json:"name"`
	Split string `json:"split"`
	Cells int    `json:"cells"` // with a target, before the buffer
}

// Make splits the cells, [N]. Cells without a target are None. Errors that the
// user can mend are *fault.Input; a cancelled context ends it.
func Make(ctx context.Context, spec Spec, in Input) ([]store.Split, *Report, error) {
	if len(in.HasTarget) != len(in.Cells) {
		return nil, nil, fmt.Errorf("split: %d cells, %d flags", len(in.Cells), len(in.HasTarget))
	}
	if spec.Buffer < 0 {
		return nil, nil, fault.New("data.split.buffer", fmt.Sprintf("is %d", spec.Buffer), "Give a number of cells, 0 for none.")
	}
	r := &Report{Method: spec.Method}
	var splits []store.Split
	var err error
	switch spec.Method {
	case "attribute":
		splits, err = byAttribute(ctx, spec, in, r)
	case "blocks":
		splits, err = byBlocks(spec, in, r)
	case "list":
		splits, err = byList(spec, in, r)
	case "none":
		splits, r.Text = make([]store.Split, len(in.Cells)), "no split"
	default:
		err = fault.New("data.split.method", fmt.Sprintf("%q is no method", spec.Method), "Choose attribute, blocks, list or none.")
	}
	if err != nil {
		return nil, nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	near := newNearness(in, splits)
	trained := count(splits, store.Train)
	r.Buffered = near.buffer(splits, spec.Buffer)
	if spec.Method != "none" && count(splits, store.Train) == 0 {
		if trained > 0 {
			return nil, nil, fault.New("data.split.buffer", fmt.Sprintf("all %d training cells lie within %d cells of a test or validation cell", trained, spec.Buffer),
				"Make data.split.buffer smaller, or data.split.block bigger.")
		}
		return nil, nil, fault.New("data.split", "no cell with a target is left for training", "Check data.split against the region and its emissions.")
	}
	if spec.Buffer > 0 && spec.Method != "none" {
		r.Text += fmt.Sprintf("; %d training cells within %d of a validation or test cell left out", r.Buffered, spec.Buffer)
	}
	r.Train, r.Validation, r.Test = count(splits, store.Train), count(splits, store.Validation), count(splits, store.Test)
	for i, s := range splits {
		if !in.HasTarget[i] {
			r.NoTarget++
		} else if s == store.None {
			r.Unused++
		}
	}
	r.Overlap = near.overlap(splits)
	return splits, r, nil
}

func count(splits []store.Split, which store.Split) int {
	n := 0
	for _, s := range splits {
		if s == which {
			n++
		}
	}
	return n
}

// checkFractions checks the shares of train, validation and test.
func checkFractions(f []float64) error {
	sum := 0.0
	ok := len(f) == 3 && f[0] > 0
	for _, v := range f {
		ok = ok && v >= 0 && v <= 1
		sum += v
	}
	if !ok || math.Abs(sum-1) > 1e-6 {
		return fault.New("data.split.fractions", fmt.Sprintf("%v are not the shares of train, validation and test", f),
			"Give three numbers that add up to 1, the first above 0, e.g. [0.6, 0.2, 0.2].")
	}
	return nil
}

// some lists the first names of a list, for messages.
func some(names []string) string {
	const most = 60
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
