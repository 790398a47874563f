package checkpoint

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/imagery"
	"opencarbon/data/store"
)

// Differences that a user may accept, where the program cannot know whether a
// model fits.
const (
	AcceptCells = "cells" // another grid scheme, or cells of another area
	AcceptBands = "bands" // other bands, or pixels of another type
	AcceptUnit  = "unit"  // targets in another unit

	// AcceptStretch is another stretch of the images. It is for model.weights and
	// transfer; predict has --stretch own.
	AcceptStretch = "stretch"
)

// Acceptable lists them.
func Acceptable() []string { return []string{AcceptCells, AcceptBands, AcceptUnit, AcceptStretch} }

// How the numbers of a new region's images become bytes.
const (
	StretchCheckpoint = "checkpoint" // as those that the model was trained on; the default
	StretchOwn        = "own"        // as the region's own images say
)

// areaTolerance is how far the mean area of a region's cells may lie from that of
// the training cells. A model predicts the emission of a whole cell and sees
// nothing of its area, so the prediction is wrong by about this share.
const areaTolerance = 0.2

// Suits says how a region differs from the one that the checkpoint was trained
// on in what Fits cannot see, since the model would run all the same and be
// silently wrong: the cells' scheme and area, the bands, type and stretch of the
// images, and the unit of targets. accept names differences that do not matter
// (Acceptable); stretch is StretchCheckpoint, StretchOwn or empty. Errors are
// *fault.Input. Checkpoints of PyTorch tell none of this and suit every store.
func (c *Checkpoint) Suits(s *store.Store, accept []string, stretch string) error {
	for _, a := range accept {
		if !slices.Contains(Acceptable(), a) {
			return fault.New("--accept", fmt.Sprintf("%q is unknown", a), "Use some of "+strings.Join(Acceptable(), ", ")+".")
		}
	}
	if err := checkStretch(stretch); err != nil {
		return err
	}
	h, meta := c.Header, s.Meta()
	if c.foreign != nil || h.Store == meta.ConfigHash {
		return nil
	}
	if what := otherCells(h, s); what != "" && !slices.Contains(accept, AcceptCells) {
		return fault.New(s.Dir(), what, "Give the region the training cells' data.grid, or a checkpoint trained on such cells; to predict all the same: --accept cells.")
	}
	if h.TargetUnit != "" && meta.TargetUnit != "" && h.TargetUnit != meta.TargetUnit && !slices.Contains(accept, AcceptUnit) {
		return fault.New(s.Dir(), fmt.Sprintf("its targets are in %s, the checkpoint predicts %s", meta.TargetUnit, h.TargetUnit),
			"Use a checkpoint of this unit; where the targets do not matter: --accept unit.")
	}
	was, is := imagery.DecodeNormalization(h.Normalization), imagery.DecodeNormalization(meta.Normalization)
	if !h.Model.Image || was == nil || is == nil {
		return nil
	}
	if !slices.Contains(accept, AcceptBands) {
		const remedy = "Give an image with the training image's bands, in data.imagery.bands; if these are the same colors of the same kind of sensor: --accept bands."
		if same := slices.Equal(was.Names, is.Names); len(was.Names) > 0 && len(is.Names) > 0 {
			if !same {
				return fault.New(s.Dir(), fmt.Sprintf("its images are made of the bands %v, the checkpoint's of %v", is.Names, was.Names), remedy)
			}
		} else if !slices.Equal(was.Bands, is.Bands) {
			return fault.New(s.Dir(), fmt.Sprintf("its images are made of the bands %v, the checkpoint's of %v", is.Bands, was.Bands), remedy)
		}
		if was.Code != is.Code {
			return fault.New(s.Dir(), fmt.Sprintf("its image has data.imagery.code %q, the checkpoint's %q", is.Code, was.Code), remedy)
		}
		if was.DType != is.DType {
			return fault.New(s.Dir(), fmt.Sprintf("its image has pixels of type %s, the checkpoint's %s", is.DType, was.DType), remedy)
		}
	}
	if was.Balanced != is.Balanced && !slices.Contains(accept, AcceptStretch) {
		what := "its images' two sources were given one mean and spread of color (data.imagery.sources), the checkpoint's were taken as they are"
		if was.Balanced {
			what = "its images are taken as they are, the checkpoint's two sources were given one mean and spread of color (data.imagery.sources)"
		}
		return fault.New(s.Dir(), what, "Do here as there; to go on all the same: --accept stretch.")
	}
	if stretch != StretchOwn && !slices.Contains(accept, AcceptStretch) && !sameStretch(was, is) {
		return fault.New(s.Dir(), fmt.Sprintf("its images were stretched otherwise than the checkpoint's: %s here, %s there", limits(is), limits(was)),
			"Build the store with data.imagery.scale: range and data.imagery.range: "+list(stretchRange(was))+
				" (predict --config does so by itself); or keep the region's own stretch with --stretch own (--accept stretch).")
	}
	return nil
}

// StretchFor returns the data.imagery.range that gives new images the stretch
// that the checkpoint's images had: low and high of each band. It is
// nil where there is nothing to prescribe: no images, bytes taken as they are, or
// a checkpoint that does not tell.
func (c *Checkpoint) StretchFor() []float64 {
	n := imagery.DecodeNormalization(c.Header.Normalization)
	if c.foreign != nil || !c.Header.Model.Image || n == nil || n.Scale == imagery.ScaleNone {
		return nil
	}
	for i := range n.Low {
		if !(n.Low[i] < n.High[i]) {
			return nil // a band of one color cannot be prescribed
		}
	}
	return stretchRange(n)
}

// SameStore refuses a store that was built anew since the checkpoint was trained
// on it: the splits and cells of a study would be other ones. It is a
// *fault.Input error, as for a run that is to be resumed.
func (c *Checkpoint) SameStore(s *store.Store) error {
	if c.foreign != nil {
		return nil
	}
	if c.Header.Store != s.Meta().ConfigHash {
		return fault.New(s.Dir(), "was built anew since the checkpoint was trained on it, from other data or other keys",
			"Put the old data back and build it again, use a checkpoint of a new run, or build the new store in another folder and name it.")
	}
	return nil
}

func checkStretch(stretch string) error {
	if stretch != "" && stretch != StretchCheckpoint && stretch != StretchOwn {
		return fault.New("--stretch", fmt.Sprintf("%q is unknown", stretch), "Use checkpoint or own.")
	}
	return nil
}

// otherCells says how the cells differ, or "". A checkpoint of an older program
// does not know its cells' area; cells of one scheme and size are then alike.
func otherCells(h Header, s *store.Store) string {
	g := s.Meta().Grid
	if h.Grid.Scheme == "" || g.Scheme == "" {
		return ""
	}
	if h.Grid.Scheme != g.Scheme {
		return fmt.Sprintf("its grid is %s, the checkpoint was trained on a %s grid", g.Scheme, h.Grid.Scheme)
	}
	was, is := h.CellArea, meanArea(s)
	if was <= 0 {
		was = is * math.Pow(h.Grid.CellSize/g.CellSize, 2)
	}
	if ratio := is / was; ratio > 1+areaTolerance || ratio < 1/(1+areaTolerance) {
		return fmt.Sprintf("its cells have %.3g km2 on average, the checkpoint's had %.3g km2: a model predicts the emission of a cell as large as those that trained it", is, was)
	}
	return ""
}

// meanArea is the mean area of a store's cells in km2; NaN of an empty one.
func meanArea(s *store.Store) float64 {
	sum := 0.0
	for _, a := range s.AreaKM2() {
		sum += a
	}
	return sum / float64(s.Len())
}

// sameStretch compares the numbers that become 0 and 255, whatever way they were
// found. Half a step of a byte changes no picture.
func sameStretch(a, b *imagery.Normalization) bool {
	if len(a.Low) != len(b.Low) {
		return false
	}
	for i := range a.Low {
		step := (a.High[i] - a.Low[i]) / 255 / 2
		if math.Abs(a.Low[i]-b.Low[i]) > step || math.Abs(a.High[i]-b.High[i]) > step {
			return false
		}
	}
	return true
}

func stretchRange(n *imagery.Normalization) []float64 {
	out := make([]float64, 0, 2*len(n.Low))
	for i := range n.Low {
		out = append(out, n.Low[i], n.High[i])
	}
	return out
}

func limits(n *imagery.Normalization) string {
	names := []string{"red", "green", "blue"}
	var parts []string
	for i := range n.Low {
		name := fmt.Sprintf("band %d", n.Bands[i])
		if len(n.Low) == len(names) {
			name = names[i]
		}
		if i == 8 && len(n.Low) > 9 {
			parts = append(parts, fmt.Sprintf("and %d more", len(n.Low)-i))
			break
		}
		parts = append(parts, fmt.Sprintf("%s %g to %g", name, n.Low[i], n.High[i]))
	}
	return strings.Join(parts, ", ")
}

// list writes numbers as YAML has them.
func list(v []float64) string {
	parts := make([]string, len(v))
	for i, x := range v {
		parts[i] = fmt.Sprint(x)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}
