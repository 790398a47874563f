package compare

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Folds for a region beside the labeled cells: every cell is predicted once, W is
// said beside that of blocks and of a random draw, and another region is another
// comparison.
func TestFoldsForARegion(t *testing.T) {
	s := city(t, 144)
	west, north, east, south := math.Inf(1), math.Inf(-1), math.Inf(-1), math.Inf(1)
	for i := range s.Len() {
		lon, lat := s.LonLat()[2*i], s.LonLat()[2*i+1]
		west, east, south, north = min(west, lon), max(east, lon), min(south, lat), max(north, lat)
	}
	region := func(widths float64) string {
		return fmt.Sprintf("%f,%f,%f,%f", west, south, east+widths*(east-west), north)
	}
	var fits int
	var said bytes.Buffer
	entries := []Entry{{Name: "near", Key: "1", Method: guess{t, 0.1, &fits, nil}}, {Name: "mean", Key: "mean", Method: mean{}, Fixed: true}}
	o := Options{Seeds: 1, Folds: 4, Block: 3, Draw: 42, Out: t.TempDir(), Report: &said, Dealt: KNNDM, For: region(0.5)}
	table, err := Run(context.Background(), s, entries, o)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(table.Split, "by kNNDM for the cells within "+o.For+" (W ") || !strings.Contains(table.Split, "each of 144 cells") {
		t.Error(table.Split)
	}
	for _, want := range []string{"these folds (", "blocks of 3 x 3 W ", "a random draw W "} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("no %q in\n%s", want, said.String())
		}
	}
	for n, region := range []string{o.For, region(0.6)} {
		if o.For = region; n == 0 {
			continue
		}
		if _, err := Run(context.Background(), s, entries, o); err != nil || fits != 8 {
			t.Errorf("%v; %d trainings, want 4 for each region", err, fits)
		}
	}
	for want, bad := range map[string]Options{
		"nothing is left to predict": {Folds: 4, Block: 3, Dealt: KNNDM},
		"Add --folds 5":              {Dealt: KNNDM},
		"is unknown":                 {Folds: 4, Block: 3, Dealt: "nndm"},
		"add --folds-method knndm":   {Folds: 4, Block: 3, For: o.For},
		"neither a store nor":        {Folds: 4, Block: 3, Dealt: KNNDM, For: "nowhere"},
		"is no region":               {Folds: 4, Block: 3, Dealt: KNNDM, For: "1,2,3"},
		"from a labeled one":         {Folds: 4, Block: 3, Dealt: KNNDM, For: fmt.Sprintf("%f,%f,%f,%f", west+3, south, west+3.1, north)},
	} {
		bad.Seeds, bad.Out, bad.Report = 1, t.TempDir(), new(bytes.Buffer)
		_, err := Run(context.Background(), s, entries, bad)
		if !fault.IsInput(err) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(want)) {
			t.Errorf("%+v: %v; want %s", bad, err, want)
		}
	}
}
