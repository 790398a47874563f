package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/imagery"
	"opencarbon/layers"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

// A region's images get the training images' stretch, in a store of its own;
// with --stretch own nothing is prescribed.
func TestStretch(t *testing.T) {
	raw, err := json.Marshal(imagery.Normalization{DType: "UInt16", Bands: []int{1, 2, 3}, Scale: imagery.ScalePercentile,
		Low: []float64{1, 2, 3}, High: []float64{10, 20, 30}})
	if err != nil {
		t.Fatal(err)
	}
	c := &checkpoint.Checkpoint{Header: checkpoint.Header{Model: layers.ModelConfig{Image: true}, Normalization: raw}}
	region := func() *config.Config {
		k := config.Defaults()
		k.Data.Imagery.Path, k.Data.Store = "city.tif", filepath.Join(t.TempDir(), "city")
		return &k
	}
	k := region()
	before := k.Data.Store
	stretch(k, c, "")
	if k.Data.Imagery.Scale != "range" || !slices.Equal(k.Data.Imagery.Range, []float64{1, 10, 2, 20, 3, 30}) || k.Data.Store == before {
		t.Errorf("%+v in %s", k.Data.Imagery, k.Data.Store)
	}
	if err := k.Data.Normalize("city", ""); err != nil && strings.Contains(err.Error(), "imagery") {
		t.Error(err)
	}
	k = region()
	before = k.Data.Store
	stretch(k, c, checkpoint.StretchOwn)
	if k.Data.Imagery.Scale == "range" || k.Data.Store != before {
		t.Errorf("own: %+v in %s", k.Data.Imagery, k.Data.Store)
	}
}
