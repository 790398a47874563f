package compare

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/fleet"
)

// Shards make each training once, whatever their number, also when that changes on
// the way; the table then trains nothing and is that of a comparison in one piece.
func TestWork(t *testing.T) {
	s := city(t, 144)
	entries := func(fits *int) []Entry {
		return []Entry{
			{Name: "near", Key: "1", Method: guess{t, 0.1, fits, nil}},
			{Name: "none", Method: guess{t, 0, new(int), fault.New("store", "has no images", "Give some.")}},
			{Name: "far", Key: "1", Method: guess{t, 0.5, fits, nil}, Fixed: true},
		}
	}
	options := func() Options {
		return Options{Seeds: 2, Folds: 4, Block: 3, Buffer: 1, Out: t.TempDir(), Report: new(bytes.Buffer)}
	}
	ctx := context.Background()
	one, whole := options(), 0
	if _, err := Run(ctx, s, entries(&whole), one); err != nil {
		t.Fatal(err)
	}
	o, fits := options(), 0
	run := func(shard fleet.Shard) *fleet.Deal {
		t.Helper()
		d, err := Work(ctx, s, entries(&fits), o, shard)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	if d := run(fleet.Shard{I: 1, N: 2}); d.Pieces != 20 || d.Made+d.Failed != 10 || d.Before != 0 {
		t.Errorf("half: %+v", d)
	}
	half := fits
	made := 0
	for i := range 3 {
		made += run(fleet.Shard{I: i, N: 3}).Made
	}
	if fits != 12 || made != 12-half {
		t.Errorf("%d trainings, %d of them by thirds after %d by a half; 12 in one piece", fits, made, half)
	}
	if _, err := Run(ctx, s, entries(&fits), o); err != nil {
		t.Fatal(err)
	}
	if fits != 12 || whole != 12 {
		t.Errorf("the table trained: %d, in one piece %d", fits, whole)
	}
	for _, name := range []string{"cells.csv"} {
		a, err1 := os.ReadFile(filepath.Join(one.Out, name))
		b, err2 := os.ReadFile(filepath.Join(o.Out, name))
		if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
			t.Errorf("%s: %v, %v, or other bytes", name, err1, err2)
		}
	}
	broken := []Entry{{Name: "broken", Key: "1", Method: guess{t, 0, new(int), fmt.Errorf("a disk failed")}}}
	if _, err := Work(ctx, s, broken, o, fleet.Whole); err == nil || fault.IsInput(err) {
		t.Errorf("a failure: %v", err)
	}
}
