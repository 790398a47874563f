package train

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/learn"
)

// saved trains a little and returns a checkpoint's path.
func saved(t *testing.T) (path string, d *dataset) {
	t.Helper()
	d = town{rows: 4, cols: 10}.open(t)
	c := pois()
	c.Train.Epochs = 1
	w := &witness{dir: t.TempDir()}
	if _, err := training(t, context.Background(), c, d, w, ""); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(w.dir, LastFile), d
}

// A checkpoint says all that is needed to use it without the YAML it came from.
func TestCheckpointHeader(t *testing.T) {
	path, d := saved(t)
	c, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	h := c.Header
	if h.Format != 1 || h.Store != "hash" || h.TargetUnit != "tCO2/yr" || h.Grid.CellSize != 0.01 ||
		fmt.Sprint(h.Categories) != "[shop school works]" || !reflect.DeepEqual(h.Model, d.modelConfig(pois())) || h.Optimizer != "adam" ||
		h.State.Epoch != 1 || h.Libtorch == "" || h.Threads != 1 || !strings.Contains(h.Config, "embedding: 8") {
		t.Errorf("%+v", h)
	}
	batches := int64(len((&learn.Sampler{Cells: d.train, Place: d.store.Cells(), Batch: 7}).Epoch(0)))
	for i, n := range h.Steps {
		if n != batches {
			t.Errorf("parameter %d has seen %d steps of %d", i, n, batches)
		}
	}
	if c.Arrays["rng.cpu"].DType != "U8" || len(c.Arrays["optimizer.exp_avg.regressor.0.weight"].Data) != 4*8*16 {
		t.Error("the random state or the moments are missing")
	}
}

// What can be read, but does not fit its own header.
func TestCheckpointThatDoesNotFit(t *testing.T) {
	path, d := saved(t)
	const header = "opencarbon"
	bad := filepath.Join(t.TempDir(), "bad.safetensors")
	for _, c := range []struct {
		name   string
		change func(f *safetensors.File)
		want   string
	}{
		{"weights missing", func(f *safetensors.File) { delete(f.Arrays, "model.regressor.0.weight") }, "missing regressor.0.weight"},
		{"weights surplus", func(f *safetensors.File) { f.Arrays["model.more"] = f.Arrays["model.regressor.0.weight"] }, "surplus more"},
		{"another shape", func(f *safetensors.File) {
			f.Arrays["model.regressor.0.weight"] = f.Arrays["model.regressor.0.bias"]
		}, "regressor.0.weight is [8], [8 16] is needed"},
		{"moments missing", func(f *safetensors.File) { delete(f.Arrays, "optimizer.exp_avg.regressor.0.weight") }, "adam"},
		{"moments of another shape", func(f *safetensors.File) {
			f.Arrays["optimizer.exp_avg.regressor.0.weight"] = f.Arrays["model.regressor.0.bias"]
		}, "exp_avg of parameter"},
		{"too large a model", func(f *safetensors.File) {
			f.Metadata[header] = strings.Replace(f.Metadata[header], `"Embedding":8`, `"Embedding":30000`, 1)
		}, "its model cannot be built"},
		{"counts missing", func(f *safetensors.File) {
			f.Metadata[header] = strings.Replace(f.Metadata[header], `"steps":[`, `"steps":[7,`, 1)
		}, "the saved state is for"},
	} {
		f, err := safetensors.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c.change(&f)
		checkpoint.Seal(f)
		if err := writeArrays(bad, f); err != nil {
			t.Fatal(err)
		}
		k, err := checkpoint.Read(bad)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		run(t, func() {
			m, err := k.Network(torch.CPU)
			if err == nil {
				m.Params().Close()
				tr, e := newTrainer(t.Context(), pois(), d, nil)
				if e != nil {
					t.Fatal(e)
				}
				defer tr.close()
				err = tr.resume(k)
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) {
				t.Errorf("%s: %v, want %q", c.name, err, c.want)
			}
		})
	}
}

// A disk that fails leaves the old checkpoint as it was.
func TestSaveKeepsTheOldOne(t *testing.T) {
	path, d := saved(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	run(t, func() {
		tr, err := newTrainer(t.Context(), pois(), d, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tr.close()
		if err := tr.save(filepath.Join(path, "below", LastFile)); err == nil || !strings.Contains(err.Error(), "could not be written") {
			t.Error(err)
		}
		torch.NoGrad(func() {
			tr.model.Params().Get("regressor.0.bias").FillInPlace(0).DivInPlace(torch.Zeros(torch.Float32, torch.CPU, 8))
		})
		if err := tr.save(path); err == nil || !strings.Contains(err.Error(), "regressor.0.bias is not finite") {
			t.Error(err)
		}
	})
	after, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(after, good) {
		t.Error("the old checkpoint is not what it was", err)
	}
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 2 {
		t.Error(entries, err)
	}
}

// Resuming makes nothing that the checkpoint's config asks for beyond what its
// arrays hold.
func TestResumeOfTooLargeAModel(t *testing.T) {
	path, d := saved(t)
	c, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	large := pois()
	large.Model.Embedding = 30000
	run(t, func() {
		if _, err := newTrainerFor(t.Context(), large, d, nil, c); !fault.IsInput(err) || !strings.Contains(err.Error(), path) {
			t.Error(err)
		}
		if m, err := c.Network(torch.CPU); err != nil {
			t.Error(err)
		} else {
			m.Params().Close()
		}
	})
}
