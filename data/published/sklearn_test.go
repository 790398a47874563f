package published

import (
	"encoding/json"
	"math"
	"os"
	"strconv"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/store"
)

// TestRandomSplit: a dataset without a split file is split as scikit-learn does,
// over all tiles; those without a target are no samples.
func TestRandomSplit(t *testing.T) {
	text, err := os.ReadFile("testdata/split.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden map[string]string
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden) < 8 {
		t.Fatalf("%d numbers of tiles", len(golden))
	}
	for text, want := range golden {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		b := &build{report: &Report{}, cells: make([]grid.Cell, n), targets: make([]float64, n)}
		for i := range b.targets {
			b.targets[i] = 1
			if i%7 == 5 {
				b.targets[i] = math.NaN()
			} else {
				b.report.Samples++
			}
		}
		if err := b.split(""); err != nil {
			t.Fatal(err)
		}
		for i, s := range b.splits {
			w := map[byte]store.Split{'0': store.Train, '1': store.Validation, '2': store.Test}[want[i]]
			if i%7 == 5 {
				w = store.None
			}
			if s != w {
				t.Errorf("of %d tiles number %d is in %s, want %s", n, i, s, w)
			}
		}
	}
}
