package checkpoint

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/imagery"
	"opencarbon/data/store"
	"opencarbon/layers"
)

// region writes a store of four cells without images or points, which is all
// that Suits looks at, and opens it.
func region(t *testing.T, meta store.Meta, area float64) *store.Store {
	t.Helper()
	return regionWith(t, meta, area, func(w *store.Writer) { w.SetPOIs([]string{"shop"}, 8, make([]int64, 5), store.Points{}) })
}

// regionWith is region with points.
func regionWith(t *testing.T, meta store.Meta, area float64, points func(w *store.Writer)) *store.Store {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	meta.Program, meta.Name, meta.ConfigHash = "test", "Region", "another"
	w, err := store.Create(dir, meta, 4, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	w.SetCells([]store.Cell{{Col: 0}, {Col: 1}, {Col: 2}, {Col: 3}})
	w.SetLonLat(make([]float64, 8))
	w.SetAreaKM2([]float64{area * 0.9, area * 1.1, area, area})
	w.SetCoverage([]float32{1, 1, 1, 1})
	w.SetTargets([]float64{1, 2, 3, 4})
	w.SetSplits(make([]store.Split, 4))
	points(w)
	if err := w.Commit(context.Background()); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// A model is refused where it would run and be silently wrong, and goes where
// the user accepts the difference.
func TestSuits(t *testing.T) {
	projected := store.GridSpec{Scheme: "projected", EPSG: 32650, CellSize: 500}
	kilometers := store.GridSpec{Scheme: "projected", EPSG: 32633, CellSize: 1000}
	images := func(change func(n *imagery.Normalization)) json.RawMessage {
		n := imagery.Normalization{DType: "UInt16", Bands: []int{4, 3, 2}, Scale: imagery.ScalePercentile,
			Low: []float64{100, 200, 300}, High: []float64{2000, 2500, 3000}}
		change(&n)
		raw, err := json.Marshal(n)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	same := images(func(*imagery.Normalization) {})
	c := &Checkpoint{Path: "c", Header: Header{Model: layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true}, Normalization: same,
		Grid: projected, CellArea: 0.25, TargetUnit: "tCO2/yr", Store: "training"}}
	old := &Checkpoint{Path: "c", Header: c.Header}
	old.Header.CellArea = 0
	named := &Checkpoint{Path: "c", Header: c.Header}
	named.Header.Normalization = images(func(n *imagery.Normalization) { n.Names = []string{"B04", "B03", "B02"} })
	meta := func(change func(m *store.Meta)) store.Meta {
		m := store.Meta{Grid: projected, Normalization: same, TargetUnit: "tCO2/yr"}
		change(&m)
		return m
	}
	for _, test := range []struct {
		name   string
		of     *Checkpoint
		meta   store.Meta
		area   float64
		says   string // of the refusal; empty: it suits
		accept string // what lets it pass
	}{
		{"alike", c, meta(func(*store.Meta) {}), 0.25, "", ""},
		{"a little larger", c, meta(func(*store.Meta) {}), 0.29, "", ""},
		{"another zone", c, meta(func(m *store.Meta) { m.Grid.EPSG = 32633 }), 0.25, "", ""},
		{"larger", c, meta(func(*store.Meta) {}), 0.31, "km2", AcceptCells},
		{"smaller", c, meta(func(*store.Meta) {}), 0.2, "km2", AcceptCells},
		{"1 km on 500 m", c, meta(func(m *store.Meta) { m.Grid = kilometers }), 1, "km2", AcceptCells},
		{"1 km on 500 m, older checkpoint", old, meta(func(m *store.Meta) { m.Grid = kilometers }), 1, "km2", AcceptCells},
		{"older checkpoint", old, meta(func(*store.Meta) {}), 0.25, "", ""},
		{"scheme", c, meta(func(m *store.Meta) { m.Grid.Scheme = "xyz" }), 0.25, "grid", AcceptCells},
		{"unit", c, meta(func(m *store.Meta) { m.TargetUnit = "proxy" }), 0.25, "proxy", AcceptUnit},
		{"bands", c, meta(func(m *store.Meta) {
			m.Normalization = images(func(n *imagery.Normalization) { n.Bands = []int{2, 3, 4} })
		}), 0.25, "bands", AcceptBands},
		{"the same bands by name, elsewhere in the file", named, meta(func(m *store.Meta) {
			m.Normalization = images(func(n *imagery.Normalization) { n.Bands, n.Names = []int{1, 2, 3}, []string{"B04", "B03", "B02"} })
		}), 0.25, "", ""},
		{"other bands by name", named, meta(func(m *store.Meta) {
			m.Normalization = images(func(n *imagery.Normalization) { n.Names = []string{"B08", "B03", "B02"} })
		}), 0.25, "B08", AcceptBands},
		{"a code", c, meta(func(m *store.Meta) {
			m.Normalization = images(func(n *imagery.Normalization) { n.Code = imagery.CodeQuadratic })
		}), 0.25, "quadratic", AcceptBands},
		{"type", c, meta(func(m *store.Meta) { m.Normalization = images(func(n *imagery.Normalization) { n.DType = "Byte" }) }), 0.25, "Byte", AcceptBands},
		{"balance", c, meta(func(m *store.Meta) { m.Normalization = images(func(n *imagery.Normalization) { n.Balanced = true }) }), 0.25, "data.imagery.sources", AcceptStretch},
		{"stretch", c, meta(func(m *store.Meta) { m.Normalization = images(func(n *imagery.Normalization) { n.High[1] = 2600 }) }), 0.25, "--stretch own", StretchOwn},
		{"prescribed stretch", c, meta(func(m *store.Meta) {
			m.Normalization = images(func(n *imagery.Normalization) { n.Scale = imagery.ScaleRange })
		}), 0.25, "", ""},
		{"no images", c, meta(func(m *store.Meta) { m.Normalization = nil }), 0.25, "", ""},
	} {
		s := region(t, test.meta, test.area)
		err := test.of.Suits(s, nil, "")
		if test.says == "" {
			if err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if !fault.IsInput(err) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v", test.name, err)
		}
		accept, stretch := []string{test.accept}, ""
		if test.accept == StretchOwn {
			accept, stretch = nil, StretchOwn
		}
		if err := test.of.Suits(s, accept, stretch); err != nil {
			t.Errorf("%s, accepted: %v", test.name, err)
		}
	}
	s := region(t, meta(func(*store.Meta) {}), 0.25)
	if err := c.Suits(s, []string{"all"}, ""); !fault.IsInput(err) {
		t.Errorf("--accept all: %v", err)
	}
	if err := c.Suits(s, nil, "none"); !fault.IsInput(err) {
		t.Errorf("--stretch none: %v", err)
	}
	if got := list(c.StretchFor()); got != "[100, 2000, 200, 2500, 300, 3000]" {
		t.Errorf("prescribes %s", got)
	}
	if err := c.SameStore(s); !fault.IsInput(err) || !strings.Contains(err.Error(), "anew") {
		t.Errorf("a store built anew: %v", err)
	}
	c.Header.Store = "another"
	if err := c.SameStore(s); err != nil {
		t.Error(err)
	}
}

// Images of other bands or another type are refused, whatever their size.
func TestShapeOfImages(t *testing.T) {
	s := region(t, store.Meta{}, 1)
	for _, test := range []struct {
		model  layers.ModelConfig
		images store.Shape
		says   string
	}{
		{layers.ModelConfig{Image: true, ImageSize: 64}, store.RGB(64), ""},
		{layers.ModelConfig{Image: true, ImageSize: 64, Bands: 4, Pixels: "float16"}, store.Shape{Size: 64, Bands: 4, Pixel: store.Float16}, ""},
		{layers.ModelConfig{Image: true, ImageSize: 64}, store.Shape{Size: 64, Bands: 4}, "4 bands, the checkpoint was trained on 3"},
		{layers.ModelConfig{Image: true, ImageSize: 64, Bands: 4}, store.RGB(64), "3 bands, the checkpoint was trained on 4"},
		{layers.ModelConfig{Image: true, ImageSize: 64}, store.Shape{Size: 64, Bands: 3, Pixel: store.Float32}, "data.imagery.type: uint8"},
		{layers.ModelConfig{Image: true, ImageSize: 64, Pixels: "float32"}, store.Shape{Size: 64, Bands: 3, Pixel: store.Float16}, "data.imagery.type: float32"},
		{layers.ModelConfig{Image: true, ImageSize: 64}, store.RGB(32), "data.imagery.size: 64"},
	} {
		c := &Checkpoint{Header: Header{Model: test.model}}
		err := c.sizesOf(s, test.images)
		if test.says == "" && err != nil || test.says != "" && (!fault.IsInput(err) || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%+v on %+v: %v, want %q", test.images, test.model, err, test.says)
		}
	}
}
