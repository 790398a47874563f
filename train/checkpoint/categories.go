package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/store"
	"opencarbon/train/config"
)

// SurplusDrop leaves points of categories out that a checkpoint does not know.
const SurplusDrop = "drop"

// Reads returns the store as the checkpoint's model reads it, and notes about what
// differs: POI categories in the checkpoint's order, a category that the region
// lacks with no points, and those that the checkpoint does not know as surplus
// says: SurplusDrop, or the checkpoint's category that they count as. Where it is
// empty, they are an error that lists them with their points: whether bakeries
// are food or nothing is for the user to say. Errors, those of sizes and
// modalities among them, are *fault.Input. Closing the result closes s.
func (c *Checkpoint) Reads(s *store.Store, surplus string) (*store.Store, []string, error) {
	return c.ReadsImages(s, s.Shape(), surplus)
}

// ReadsImages is Reads of a store with images of that shape, see sizesOf.
func (c *Checkpoint) ReadsImages(s *store.Store, images store.Shape, surplus string) (*store.Store, []string, error) {
	if err := c.sizesOf(s, images); err != nil {
		return nil, nil, err
	}
	if !c.Header.Model.POI {
		return s, nil, nil
	}
	if surplus == "" && c.Header.Store == s.Meta().ConfigHash && c.Header.Config != "" { // its own region, as it read that in training
		if cfg, err := c.Experiment(); err == nil {
			surplus = cfg.Model.Surplus
		}
	}
	return inCategories(c.Header.Categories, s, surplus)
}

// inCategories is Reads for a model of these POI categories.
func inCategories(want []string, s *store.Store, surplus string) (*store.Store, []string, error) {
	have := s.Categories()
	if slices.Equal(want, have) {
		return s, nil, nil
	}
	const key = "--surplus, model.surplus"
	rest := int32(-1)
	if surplus != "" && surplus != SurplusDrop {
		if rest = int32(slices.Index(want, surplus)); rest < 0 {
			return nil, nil, fault.New(key, fmt.Sprintf("the checkpoint has no category %q", surplus),
				"Use drop, or one of its categories: "+label.Few(want, 20)+".")
		}
	}
	to, known := make([]int32, len(have)), 0
	for k, name := range have {
		if to[k] = int32(slices.IndexFunc(want, func(w string) bool { return label.Of(w) == label.Of(name) })); to[k] >= 0 {
			known++
		}
	}
	if known == 0 {
		return nil, nil, fault.New(s.Dir(), "none of its POI categories is one of the checkpoint's: "+categoryDifference(want, have),
			"Map its raw values with a table in data.poi.categories to: "+strings.Join(want, ", ")+".")
	}
	var others []string
	points := 0.0
	for k, n := range pointsOf(s) {
		if to[k] >= 0 {
			continue
		}
		to[k] = rest
		if n > 0 {
			others = append(others, fmt.Sprintf("%s (%.0f)", have[k], n))
			points += n
		}
	}
	if len(others) > 0 && surplus == "" {
		return nil, nil, fault.New(s.Dir(), fmt.Sprintf("%.0f of its points are of categories that the checkpoint does not know: %s", points, label.Few(others, 20)),
			"Map them in the table data.poi.categories to the checkpoint's ("+label.Few(want, 20)+"); or decide with "+key+": drop leaves them out, the name of a category of the checkpoint counts them as that.")
	}
	var notes []string
	var missing []string
	for i, name := range want {
		if !slices.Contains(to, int32(i)) {
			missing = append(missing, name)
		}
	}
	if missing != nil {
		notes = append(notes, fmt.Sprintf("the region has no points of %d of the model's %d categories: %s", len(missing), len(want), label.Few(missing, 8)))
	}
	if others != nil {
		as := "left out"
		if rest >= 0 {
			as = "counted as " + surplus
		}
		notes = append(notes, fmt.Sprintf("%.0f points of categories that the model does not know are %s: %s", points, as, label.Few(others, 8)))
	}
	v, err := s.Recategorized(want, to)
	return v, notes, err
}

// Reading is the store as an experiment's model reads it: in the categories of the
// checkpoint that it goes on from, or of the one whose weights it starts from.
func Reading(c *config.Config, s *store.Store, from *Checkpoint) (*store.Store, []string, error) {
	if from == nil && c.Model.Weights != "" && c.Model.HasPOI() {
		var err error
		if from, err = Read(c.Model.Weights); err != nil {
			return nil, nil, fault.Wrap(err, "model.weights", "cannot be used", "Give another checkpoint, or leave the key empty.")
		}
	}
	if from == nil || from.foreign != nil || !from.Header.Model.POI || !s.HasPOIs() {
		return s, nil, nil
	}
	return inCategories(from.Header.Categories, s, c.Model.Surplus)
}

// pointsOf is the number of points of each category, [C].
func pointsOf(s *store.Store) []float64 {
	n := make([]float64, len(s.Categories()))
	for i := range s.Len() {
		p := s.POIs(i)
		for k, c := range p.Category {
			n[c] += float64(p.Count[k])
		}
	}
	return n
}

// WeightsTable is the text of the category table of the checkpoint that an
// experiment's training starts from, for data.Options.CategoryTable; empty where
// there is none.
func WeightsTable(c *config.Config) (string, error) {
	if c.Model.Weights == "" || c.Data.POI.Path == "" || c.Data.POI.Categories != "" {
		return "", nil
	}
	from, err := Read(c.Model.Weights)
	if err != nil {
		return "", fault.Wrap(err, "model.weights", "cannot be used", "Give another checkpoint, or leave the key empty.")
	}
	return from.Header.CategoryTable, nil
}
