package train

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
	"opencarbon/train/progress"
)

// One flipped bit of a store's images or points ends every command that computes
// with it, and no result is left.
func TestDamagedStore(t *testing.T) {
	d := town{rows: 4, cols: 20, image: townSize}.open(t)
	c := pois()
	c.Train.Epochs, c.Data.Store, c.Output.Dir = 1, d.store.Dir(), t.TempDir()
	r, err := Run(context.Background(), c, quiet())
	if err != nil {
		t.Fatal(err)
	}
	k, err := checkpoint.Read(filepath.Join(r.Dir, BestFile))
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(filepath.Join(d.store.Dir(), "tiles.ocs"))
	if err != nil {
		t.Fatal(err)
	}
	point := strings.Index(string(whole[:4096]), "poi_count") // its entry: offset at 32
	if point < 0 {
		t.Fatal("no points")
	}
	at := 0
	for i := 7; i >= 0; i-- {
		at = at<<8 | int(whole[point+32+i])
	}
	for name, byteAt := range map[string]int{"images": 4096 + 50, "poi_count": at + 1} {
		dir := t.TempDir()
		damaged := append([]byte(nil), whole...)
		damaged[byteAt] ^= 16
		if err := os.WriteFile(filepath.Join(dir, "tiles.ocs"), damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		out := t.TempDir()
		refused := func(what string, err error) {
			t.Helper()
			if !fault.IsInput(err) || !strings.Contains(err.Error(), `section "`+name+`" is damaged`) || !strings.Contains(err.Error(), dir) {
				t.Errorf("%s: %s: %v", name, what, err)
			}
		}
		_, err = Predict(context.Background(), k, s, PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
		refused("predict", err)
		if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
			t.Errorf("%s: predict left %v %v", name, left, err)
		}
		refused("any use of its model", WithModel(context.Background(), k, s, "cpu", 1, func(e *learn.Encoder) error {
			_, err := e.Evaluate(context.Background(), []int32{1, 2}, nil, nil)
			return err
		}))
		c.Data.Store, c.Output.Dir = dir, out
		_, err = Run(context.Background(), c, quiet())
		refused("train", err)
		if best, _ := filepath.Glob(filepath.Join(out, "*", "*", BestFile)); len(best) > 0 {
			t.Errorf("%s: train left %v", name, best)
		}
	}
}
