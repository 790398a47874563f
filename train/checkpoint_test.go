package train

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
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
	c, err := ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	h := c.Header
	if h.Format != checkpointFormat || h.Store != "hash" || h.TargetUnit != "tCO2/yr" || h.Grid.CellSize != 0.01 ||
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
	if c.arrays["rng.cpu"].DType != "U8" || len(c.arrays["optimizer.exp_avg.regressor.0.weight"].Data) != 4*8*16 {
		t.Error("the random state or the moments are missing")
	}
}

func TestReadCheckpointRefuses(t *testing.T) {
	path, d := saved(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(change func(f *safetensors.File)) []byte {
		f, err := safetensors.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		change(&f)
		if f.Metadata != nil {
			f.Metadata[checksumKey] = digest(f)
		}
		var b bytes.Buffer
		if err := safetensors.Write(&b, f); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	header := func(change func(h map[string]any)) []byte {
		return rewrite(func(f *safetensors.File) {
			var h map[string]any
			if err := json.Unmarshal([]byte(f.Metadata[headerKey]), &h); err != nil {
				t.Fatal(err)
			}
			change(h)
			text, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			f.Metadata[headerKey] = string(text)
		})
	}
	text := func(s string) []byte {
		return rewrite(func(f *safetensors.File) { f.Metadata[headerKey] = s })
	}
	bad := filepath.Join(t.TempDir(), "bad.safetensors")
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"cut short", good[:len(good)-1], "is not a checkpoint that can be read"},
		{"half", good[:len(good)/2], "is not a checkpoint that can be read"},
		{"header only", good[:300], "is not a checkpoint that can be read"},
		{"empty", nil, "is not a checkpoint that can be read"},
		{"an image", []byte("\x89PNG\r\n\x1a\n0123456789abcdef"), "is not a checkpoint that can be read"},
		{"other safetensors", rewrite(func(f *safetensors.File) { f.Metadata = nil }), "not a checkpoint of this program"},
		{"other metadata", rewrite(func(f *safetensors.File) { f.Metadata = map[string]string{"format": "pt"} }), "not a checkpoint of this program"},
		{"newer", header(func(h map[string]any) { h["format"] = checkpointFormat + 1 }), "was written by a newer program (format 2, this one knows 1)"},
		{"newer, other fields", header(func(h map[string]any) { h["format"], h["state"] = 9, "elsewhere" }), "was written by a newer program"},
		{"no JSON", text("{"), "its header is damaged"},
		{"other JSON", text(`{"format": 1, "steps": "many"}`), "its header is damaged"},
		{"a list", text(`[]`), "its header is damaged"},
	} {
		if err := os.WriteFile(bad, c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := ReadCheckpoint(bad)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := ReadCheckpoint(bad + ".none"); !fault.IsInput(err) || !strings.Contains(err.Error(), "there is no such checkpoint") {
		t.Errorf("missing: %v", err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	for _, end := range []string{".safetensors", ".pth"} {
		if err := unix.Mkfifo(pipe+end, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadCheckpoint(pipe + end); !fault.IsInput(err) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("a pipe: %v", err)
		}
	}
	if _, err := ReadCheckpoint(t.TempDir()); !fault.IsInput(err) {
		t.Errorf("a folder: %v", err)
	}

	// What can be read, but does not fit its own header.
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
			f.Metadata[headerKey] = strings.Replace(f.Metadata[headerKey], `"Embedding":8`, `"Embedding":30000`, 1)
		}, "its model cannot be built"},
		{"counts missing", func(f *safetensors.File) {
			f.Metadata[headerKey] = strings.Replace(f.Metadata[headerKey], `"steps":[`, `"steps":[7,`, 1)
		}, "the saved state is for"},
	} {
		if err := os.WriteFile(bad, rewrite(c.change), 0o666); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := ReadCheckpoint(bad)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		run(t, func() {
			m, err := checkpoint.network(torch.CPU)
			if err == nil {
				m.Params().Close()
				tr, e := newTrainer(t.Context(), pois(), d, nil)
				if e != nil {
					t.Fatal(e)
				}
				defer tr.close()
				err = tr.resume(checkpoint)
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
