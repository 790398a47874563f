package checkpoint

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
)

// made is a checkpoint of a model that there is not.
func made(path string) *Checkpoint {
	c := &Checkpoint{Path: path, Arrays: map[string]safetensors.Array{}}
	h := &c.Header
	h.Format, h.Checksum, h.Config, h.Categories, h.Store, h.TargetUnit = format, true, "name: x\n", []string{"shop", "works"}, "hash", "tCO2/yr"
	h.Model.Kind, h.Steps = "opencarbon", []int64{7, 7}
	for i, name := range []string{"model.a.weight", "model.a.bias", "optimizer.exp_avg.a.bias"} {
		x := make([]float32, 64)
		for k := range x {
			x[k] = float32(i) + float32(k)/64
		}
		c.Arrays[name] = float32Array(x, 8, 8)
	}
	c.Validated([]store.Cell{{Col: -3, Row: 5}, {Col: 4, Row: 1 << 40}}, []float64{1.5, -2}, []float32{0.25, -1})
	return c
}

// written is the path of one.
func written(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "last.safetensors")
	if err := made(path).Write(); err != nil {
		t.Fatal(err)
	}
	return path
}

func writeFile(path string, f safetensors.File) error {
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, f) })
}

// What is written is read back, and written again to the same bytes.
func TestWriteAndRead(t *testing.T) {
	path := written(t)
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := made(path); !reflect.DeepEqual(c, want) {
		t.Errorf("%+v, want %+v", c, want)
	}
	h, ok := c.Held()
	if !ok || !reflect.DeepEqual(h.Col, []int64{-3, 4}) || !reflect.DeepEqual(h.Row, []int64{5, 1 << 40}) ||
		!reflect.DeepEqual(h.Predicted, []float64{1.5, -2}) || !reflect.DeepEqual(h.True, []float64{1.25, -1}) {
		t.Errorf("validation cells %+v", h)
	}
	if err := c.Write(); err != nil {
		t.Fatal(err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(first, again) {
		t.Errorf("written again it is another file (%v)", err)
	}
}

func TestReadRefuses(t *testing.T) {
	path := written(t)
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
			Seal(f)
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
		{"newer", header(func(h map[string]any) { h["format"] = format + 1 }), "was written by a newer program (format 2, this one knows 1)"},
		{"newer, other fields", header(func(h map[string]any) { h["format"], h["state"] = 9, "elsewhere" }), "was written by a newer program"},
		{"no JSON", text("{"), "its header is damaged"},
		{"other JSON", text(`{"format": 1, "steps": "many"}`), "its header is damaged"},
		{"a list", text(`[]`), "its header is damaged"},
	} {
		if err := os.WriteFile(bad, c.data, 0o666); err != nil {
			t.Fatal(err)
		}
		_, err := Read(bad)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), bad) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Read(bad + ".none"); !fault.IsInput(err) || !strings.Contains(err.Error(), "there is no such checkpoint") {
		t.Errorf("missing: %v", err)
	}
	pipe := filepath.Join(t.TempDir(), "pipe")
	for _, end := range []string{".safetensors", ".pth"} {
		if err := unix.Mkfifo(pipe+end, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(pipe + end); !fault.IsInput(err) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("a pipe: %v", err)
		}
	}
	if _, err := Read(t.TempDir()); !fault.IsInput(err) {
		t.Errorf("a folder: %v", err)
	}
}
