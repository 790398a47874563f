package train

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/train/checkpoint"
	"opencarbon/train/encoded"
	"opencarbon/train/progress"
)

// countdown is a context that ends when it has been asked n times.
type countdown struct {
	context.Context
	n *int
}

func (c countdown) Err() error {
	if *c.n--; *c.n < 0 {
		return context.Canceled
	}
	return nil
}

// A prediction that was interrupted anywhere, its kept file torn at any byte, is
// to the last digit the one that was not: the tiles of a batch are the same ones,
// and a batch of another size could round otherwise.
func TestInterruptedPredictionIsTheSame(t *testing.T) {
	d := town{rows: 10, cols: 20}.open(t) // four batches
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
	predict := func(ctx context.Context, out string) error {
		_, err := Predict(ctx, k, d.store, PredictOptions{Out: out, Formats: []string{"csv"}, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
		return err
	}
	table := func(out string) []byte {
		b, err := os.ReadFile(filepath.Join(out, "predictions.csv"))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	whole := t.TempDir()
	if err := predict(context.Background(), whole); err != nil {
		t.Fatal(err)
	}
	want := table(whole)
	interrupted := 0
	for n := range 14 {
		out := t.TempDir()
		left := n
		err := predict(countdown{context.Background(), &left}, out)
		if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err != nil {
			interrupted++
			partial := filepath.Join(out, encoded.Name(0))
			if st, e := os.Stat(partial); e == nil && st.Size() > 100 {
				if e := os.Truncate(partial, st.Size()-int64(7*n)); e != nil {
					t.Fatal(e)
				}
			}
			if err := predict(context.Background(), out); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(table(out), want) {
			t.Errorf("interrupted at question %d: another map", n)
		}
	}
	if interrupted < 5 {
		t.Errorf("only %d of 14 predictions were interrupted", interrupted)
	}
}
