package checkpoint

import (
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/train/config"
)

// withPOIs writes a store of four cells with these points and opens it.
func withPOIs(t *testing.T, categories []string, perCell [4]store.Points) *store.Store {
	t.Helper()
	var all store.Points
	offsets := []int64{0}
	for _, p := range perCell {
		all.Category, all.Row, all.Col = append(all.Category, p.Category...), append(all.Row, p.Row...), append(all.Col, p.Col...)
		all.Count = append(all.Count, p.Count...)
		offsets = append(offsets, int64(all.Len()))
	}
	return regionWith(t, store.Meta{}, 1, func(w *store.Writer) { w.SetPOIs(categories, 8, offsets, all) })
}

// A region's categories become the model's: what it lacks has no points, what the
// model does not know is for the user to decide, the order is the model's.
func TestCategories(t *testing.T) {
	c := &Checkpoint{Path: "c", Header: Header{Model: layers.ModelConfig{Kind: layers.KindOpenCarbon, POI: true, ImageSize: 8, POISize: 8, Categories: 3},
		Categories: []string{"shop", "food", "caf\u00e9"}, Store: "training"}}
	cells := [4]store.Points{
		{Category: []uint16{0, 1, 2, 2}, Row: []uint16{1, 1, 1, 2}, Col: []uint16{3, 3, 3, 0}, Count: []float32{1, 2, 4, 8}},
		{Category: []uint16{1}, Row: []uint16{7}, Col: []uint16{7}, Count: []float32{5}},
	}
	type want struct {
		category []uint16
		count    []float32
	}
	for _, test := range []struct {
		name       string
		categories []string
		surplus    string
		cells      [2]want
		says       string // of the refusal
		note       string
	}{
		{"the same", []string{"shop", "food", "caf\u00e9"}, "", [2]want{{[]uint16{0, 1, 2, 2}, []float32{1, 2, 4, 8}}, {[]uint16{1}, []float32{5}}}, "", ""},
		{"another order and another accent", []string{"cafe\u0301", "shop", "food"}, "", [2]want{{[]uint16{0, 1, 1, 2}, []float32{2, 4, 8, 1}}, {[]uint16{0}, []float32{5}}}, "", ""},
		{"undecided", []string{"food", "bakery", "shop"}, "", [2]want{}, "bakery (7)", ""},
		{"dropped", []string{"food", "bakery", "shop"}, SurplusDrop, [2]want{{[]uint16{0, 0, 1}, []float32{4, 8, 1}}, {}}, "", "no points of 1 of the model's 3 categories: caf\u00e9"},
		{"counted as another", []string{"food", "bakery", "shop"}, "food", [2]want{{[]uint16{0, 0, 1}, []float32{4, 8, 3}}, {[]uint16{1}, []float32{5}}}, "", "counted as food: bakery (7)"},
		{"as what is none", []string{"food", "bakery", "shop"}, "fod", [2]want{}, `no category "fod"`, ""},
		{"nothing in common", []string{"a", "b", "c"}, SurplusDrop, [2]want{}, "none of its POI categories", ""},
		{"a surplus without points", []string{"food", "shop", "caf\u00e9", "bakery"}, "", [2]want{{[]uint16{0, 1, 2, 2}, []float32{2, 1, 4, 8}}, {[]uint16{0}, []float32{5}}}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := withPOIs(t, test.categories, cells)
			read, notes, err := c.Reads(s, test.surplus)
			if test.says != "" {
				if !fault.IsInput(err) || !strings.Contains(err.Error(), test.says) {
					t.Fatal(err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Fits(read); err != nil {
				t.Error(err)
			}
			for i, w := range test.cells {
				if p := read.POIs(i); !slices.Equal(p.Category, w.category) || !slices.Equal(p.Count, w.count) {
					t.Errorf("cell %d: %v %v", i, p.Category, p.Count)
				}
			}
			if text := strings.Join(notes, "\n"); test.note == "" && text != "" || !strings.Contains(text, test.note) {
				t.Errorf("notes %q", text)
			}
			if read != s && read.Identity() == s.Identity() {
				t.Error("embeddings of one view would be taken for another's")
			}
		})
	}
	// The same for a model that starts from these weights and for one that goes on.
	s := withPOIs(t, []string{"food", "bakery", "shop"}, cells)
	cfg := &config.Config{}
	if _, _, err := Reading(cfg, s, c); !fault.IsInput(err) || !strings.Contains(err.Error(), "model.surplus") {
		t.Errorf("undecided: %v", err)
	}
	cfg.Model.Surplus = SurplusDrop
	if read, _, err := Reading(cfg, s, c); err != nil || len(read.Categories()) != 3 || read.POIs(0).Len() != 3 {
		t.Errorf("%v", err)
	}
}
