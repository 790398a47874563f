package pth

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"opencarbon/torch/pickle"
)

// flatten writes a tree as testdata/make_fixtures.py does: every leaf by its
// path, tensors as dtype, shape and bytes, the rest in Python's spelling.
func flatten(v any, path string, out map[string]any) {
	switch v := v.(type) {
	case *Tensor:
		names := map[string]string{"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
			"I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool"}
		shape := []any{}
		for _, n := range v.Shape {
			shape = append(shape, float64(n))
		}
		out[path] = []any{"torch." + names[v.DType], shape, base64.StdEncoding.EncodeToString(v.Data)}
	case *Dict:
		for _, e := range v.Entries {
			flatten(e.Value, path+"/"+fmt.Sprint(e.Key), out)
		}
	case *List:
		flatten(Tuple(v.Items), path, out)
	case Tuple:
		for i, x := range v {
			flatten(x, path+"/"+strconv.Itoa(i), out)
		}
	case *pickle.Array:
		for i := range v.Len() {
			flatten(v.At(i), path+"/"+strconv.Itoa(i), out)
		}
	case nil:
		out[path] = "None"
	case bool:
		out[path] = map[bool]string{true: "True", false: "False"}[v]
	case int64:
		out[path] = strconv.FormatInt(v, 10)
	case *big.Int:
		out[path] = v.String()
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		out[path] = s
	case string:
		out[path] = "'" + v + "'"
	default:
		out[path] = fmt.Sprintf("%T", v)
	}
}

// TestFixtures reads every file that PyTorch 1.13 and 2 wrote, in all layouts,
// and compares every leaf with what PyTorch read from it.
func TestFixtures(t *testing.T) {
	seen := 0
	for _, list := range []string{"expected.json", "expected_t2.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", list))
		if err != nil {
			t.Fatal(err)
		}
		var files map[string]map[string]any
		if err := json.Unmarshal(text, &files); err != nil {
			t.Fatal(err)
		}
		for name, want := range files {
			seen++
			t.Run(name, func(t *testing.T) {
				f, err := ReadFile(filepath.Join("testdata", name))
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(name, "_"+f.Layout) {
					t.Errorf("the layout is %s", f.Layout)
				}
				got := map[string]any{}
				flatten(f.Root, "", got)
				for path, w := range want {
					if g := got[path]; fmt.Sprint(g) != fmt.Sprint(w) {
						t.Errorf("%s: got %v, want %v", path, g, w)
					}
				}
				if len(got) != len(want) {
					t.Errorf("%d leaves, want %d", len(got), len(want))
				}
			})
		}
	}
	if seen < 22 {
		t.Errorf("only %d fixtures", seen)
	}
}

// TestSharedStorage: views of one storage share memory, copies only where the
// order in memory differs.
func TestSharedStorage(t *testing.T) {
	f, err := ReadFile("testdata/views_stream.pth")
	if err != nil {
		t.Fatal(err)
	}
	get := func(key string) *Tensor {
		v, _ := f.Root.(*Dict).Get(key)
		return v.(*Tensor)
	}
	if &get("base").Data[24] != &get("rows").Data[0] {
		t.Error("rows of a matrix were copied")
	}
	if p := get("parameter"); !p.Parameter || !p.RequiresGrad {
		t.Error("the parameter lost its kind")
	}
}

func TestStateDict(t *testing.T) {
	want := []string{"conv.weight", "conv.bias", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked", "fc.weight", "fc.bias"}
	for _, name := range []string{"adam_zip", "adam_stream", "bare_zip", "metric_stream", "adam_zip_t2", "proto4_stream"} {
		f, err := ReadFile("testdata/" + name + ".pth")
		if err != nil {
			t.Fatal(err)
		}
		names, arrays, err := StateDict(f)
		if err != nil {
			t.Fatal(name, err)
		}
		if fmt.Sprint(names) != fmt.Sprint(want) || len(arrays) != len(want) {
			t.Errorf("%s: names %v", name, names)
		}
		if a := arrays["bn.num_batches_tracked"]; a.DType != "I64" || a.Data[0] != 3 {
			t.Errorf("%s: num_batches_tracked is %v", name, a)
		}
		if p := ParameterNames(names); len(p) != 6 || p[3] != "bn.bias" || p[4] != "fc.weight" {
			t.Errorf("%s: parameters %v", name, p)
		}
	}
	f, _ := ReadFile("testdata/plain_zip.pth")
	if _, _, err := StateDict(f); err == nil || !strings.Contains(err.Error(), `"epoch"`) {
		t.Errorf("a tree that is no state dict gives %v", err)
	}
}

func TestOptimizerState(t *testing.T) {
	for _, name := range []string{"adam_zip", "adam_stream", "adam_zip_t2", "adam_stream_t2"} {
		f, err := ReadFile("testdata/" + name + ".pth")
		if err != nil {
			t.Fatal(err)
		}
		a, err := OptimizerState(f)
		if err != nil {
			t.Fatal(name, err)
		}
		g := a.Groups[0]
		if len(a.Groups) != 1 || g.LR != 1e-3 || g.Beta1 != 0.9 || g.Beta2 != 0.999 || g.Eps != 1e-8 || g.WeightDecay != 5e-3 || g.AMSGrad || len(g.Params) != 6 {
			t.Errorf("%s: %+v", name, g)
		}
		if s := a.State[0]; s.Step != 3 || fmt.Sprint(s.ExpAvg.Shape) != "[3 2 3 3]" || len(s.ExpAvgSq.Data) != 54*4 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	f, _ := ReadFile("testdata/bare_zip.pth")
	if a, err := OptimizerState(f); a != nil || err != nil {
		t.Errorf("a bare state dict has an optimizer: %v, %v", a, err)
	}
}

// TestRoundTrip writes what was read and reads it again; that PyTorch reads it
// too is TestPython's part.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"adam_stream.pth", "views_zip.pth", "dtypes_zip.pth", "plain_zip_t2.pth", "old_tar.pth"} {
		f, err := ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "out.pth")
		if err := writeFile(path, f.Root); err != nil {
			t.Fatal(name, err)
		}
		g, err := ReadFile(path)
		if err != nil {
			t.Fatal(name, err)
		}
		a, b := map[string]any{}, map[string]any{}
		flatten(f.Root, "", a)
		flatten(g.Root, "", b)
		if fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%s changed:\n%v\n%v", name, a, b)
		}
	}
}

func writeFile(path string, root any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(Write(f, root), f.Close())
}

// A tree that cannot be written is an error.
func TestWriteErrors(t *testing.T) {
	self := &List{}
	self.Items = []any{self}
	for what, root := range map[string]any{
		"strange value": &Dict{Entries: []Entry{{Key: "x", Value: struct{}{}}}},
		"endless":       self,
		"wrong size":    &Tensor{Array: float32Scalar(1)},
	} {
		if tensor, ok := root.(*Tensor); ok {
			tensor.Shape = []int{2}
		}
		if err := Write(io.Discard, root); err == nil {
			t.Errorf("%s: no error", what)
		}
	}
}

// TestWrongFiles: each kind of wrong file is named, with a remedy.
func TestWrongFiles(t *testing.T) {
	read := func(name string) []byte {
		b, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	zipFile := read("adam_zip.pth")
	for _, c := range []struct {
		name, content, want string
	}{
		{"empty", "", "empty"},
		{"text", "just some text, of no use here\n", "text file"},
		{"lfs", "version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 44\n", "Git LFS pointer"},
		{"html", "\n<!DOCTYPE html><html>", "HTML"},
		{"gzip", "\x1f\x8b\x08\x00\x00\x00", "gunzip"},
		{"numpy", "\x93NUMPY\x01\x00v\x00", "NumPy"},
		{"hdf5", "\x89HDF\r\n\x1a\n", "HDF5"},
		{"safetensors", "\x40\x00\x00\x00\x00\x00\x00\x00{\"a\":1}", "safetensors"},
		{"bytes", "\x00\x01\x02\xff\xfe", "no PyTorch checkpoint"},
		{"zip cut short", string(zipFile[:len(zipFile)/2]), "truncated"},
		{"stream cut short", string(read("adam_stream.pth")[:2000]), "truncated"},
		{"tar cut short", string(read("old_tar.pth")[:1600]), "truncated"},
		{"pickle", "\x80\x02}q\x00.", "not a file that torch.save wrote"},
		{"malice", "\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00echoq\x01\x85R.", `"os.system"`},
		{"damaged zip", strings.Replace(string(zipFile), "conv.bias", "conv.bios", 1), "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file.pth")
			if err := os.WriteFile(path, []byte(c.content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := ReadFile(path)
			var e *Error
			if !errors.As(err, &e) || e.Path != path || e.Remedy == "" || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
	if _, err := ReadFile(filepath.Join(t.TempDir(), "none.pth")); err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file gives %v", err)
	}
}

// TestOldOptimizer: counts of steps were ints in older PyTorch versions, and
// parameters had ids; another optimizer than Adam is refused by name of the key.
func TestOldOptimizer(t *testing.T) {
	moment := &Tensor{Array: float32Scalar(2)}
	const id = int64(140_000_000_000_000)
	dict := func(items ...any) *Dict {
		d := &Dict{}
		for i := 0; i < len(items); i += 2 {
			d.Set(items[i], items[i+1])
		}
		return d
	}
	tree := func(step any, more ...any) *Dict {
		group := dict(append([]any{"lr", 5e-4, "eps", 1e-8, "weight_decay", int64(0), "params", &List{Items: []any{id}}}, more...)...)
		state := dict(id, dict("step", step, "exp_avg", moment, "exp_avg_sq", moment))
		return dict("optimizer", dict("state", state, "param_groups", &List{Items: []any{group}}))
	}
	betas := Tuple{0.9, 0.999}
	a, err := OptimizerState(tree(int64(7), "betas", betas))
	if err != nil || a.State[id].Step != 7 || a.Groups[0].LR != 5e-4 || a.Groups[0].WeightDecay != 0 {
		t.Errorf("%+v, %v", a, err)
	}
	for want, root := range map[string]*Dict{
		"betas are missing": tree(int64(7)),
		"step is no count":  tree(2.5, "betas", betas),
	} {
		if _, err := OptimizerState(root); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
