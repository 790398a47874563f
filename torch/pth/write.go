package pth

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"opencarbon/torch/pickle"
	"opencarbon/torch/safetensors"
)

// Checkpoint makes the tree of a checkpoint in the published form:
// model_state_dict with the arrays in the order of names, and, unless opt is
// nil, optimizer_state_dict.
func Checkpoint(names []string, arrays map[string]safetensors.Array, opt *Adam) (*Dict, error) {
	model := &Dict{Ordered: true}
	for _, name := range names {
		a, ok := arrays[name]
		if !ok {
			return nil, fmt.Errorf("pth: no array for the name %q", name)
		}
		model.Entries = append(model.Entries, Entry{Key: name, Value: &Tensor{Array: a}})
	}
	root := &Dict{}
	root.Set("model_state_dict", model)
	if opt != nil {
		root.Set("optimizer_state_dict", opt.Tree())
	}
	return root, nil
}

func float32Scalar(v float32) safetensors.Array {
	return safetensors.Array{DType: "F32", Shape: []int{}, Data: binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))}
}

// WriteFile writes a tree in the zip layout to a temporary file beside path,
// syncs it and renames it. torch.load reads it, with weights_only too. The tree
// is made of what File.Root is made of, but for Name and NumPy arrays.
func WriteFile(path string, root any) (err error) {
	h, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			h.Close()
			os.Remove(h.Name())
		}
	}()
	if err = h.Chmod(0o644); err != nil {
		return err
	}
	if err = Write(h, root); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err = h.Sync(); err != nil {
		return err
	}
	if err = h.Close(); err != nil {
		return err
	}
	return os.Rename(h.Name(), path)
}

// Write writes a tree in the zip layout.
func Write(w io.Writer, root any) error {
	var data [][]byte
	enc := pickle.Encoder{Custom: func(e *pickle.Encoder, v any) (bool, error) {
		t, ok := v.(*Tensor)
		if !ok {
			return false, nil
		}
		if err := encodeTensor(e, t, strconv.Itoa(len(data))); err != nil {
			return true, err
		}
		data = append(data, t.Data)
		return true, nil
	}}
	pkl, err := enc.Encode(root)
	if err != nil {
		return err
	}
	z := &zipWriter{out: &counter{w: w}}
	z.z = zip.NewWriter(z.out)
	z.add("archive/data.pkl", pkl)
	z.add("archive/byteorder", []byte("little"))
	for i, b := range data {
		z.add("archive/data/"+strconv.Itoa(i), b)
	}
	z.add("archive/version", []byte("3\n"))
	if z.err != nil {
		return z.err
	}
	return z.z.Close()
}

// encodeTensor writes _rebuild_tensor_v2(storage, 0, size, stride,
// requires_grad, hooks), wrapped in _rebuild_parameter for a parameter.
func encodeTensor(e *pickle.Encoder, t *Tensor, key string) error {
	class, ok := storageNames[t.DType]
	if !ok {
		return fmt.Errorf("pth: PyTorch has no dtype %q", t.DType)
	}
	numel := int64(1)
	stride := make(Tuple, len(t.Shape))
	size := make(Tuple, len(t.Shape))
	for i := len(t.Shape) - 1; i >= 0; i-- {
		size[i], stride[i] = int64(t.Shape[i]), numel
		numel *= int64(max(1, t.Shape[i]))
	}
	for _, n := range t.Shape {
		numel = min(numel, numel*int64(n))
	}
	if int64(len(t.Data)) != numel*storageTypes[class].Size {
		return fmt.Errorf("pth: %d bytes for a tensor %s %v", len(t.Data), t.DType, t.Shape)
	}
	if t.Parameter {
		e.Global("torch._utils", "_rebuild_parameter")
		e.Op('(')
	}
	e.Global("torch._utils", "_rebuild_tensor_v2")
	e.Op('(', '(')
	steps := []func() error{
		func() error { return e.Value("storage") },
		func() error { e.Global("torch", class); return nil },
		func() error { return e.Value(key) },
		func() error { return e.Value("cpu") },
		func() error { e.Int(numel); e.Op('t', 'Q'); return nil },
		func() error { e.Int(0); return e.Value(size) },
		func() error { return e.Value(stride) },
		func() error { return e.Value(t.RequiresGrad && !t.Parameter) },
		func() error { return noHooks(e) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	e.Op('t', 'R')
	if t.Parameter {
		if err := e.Value(t.RequiresGrad); err != nil {
			return err
		}
		if err := noHooks(e); err != nil {
			return err
		}
		e.Op('t', 'R')
	}
	return nil
}

func noHooks(e *pickle.Encoder) error { return e.Value(&Dict{Ordered: true}) }

// zipWriter adds uncompressed members whose content starts at a multiple of 64
// bytes, as PyTorch's do, so that they can be mapped.
type zipWriter struct {
	z   *zip.Writer
	out *counter
	err error
}

func (z *zipWriter) add(name string, b []byte) {
	if z.err != nil {
		return
	}
	if z.err = z.z.Flush(); z.err != nil {
		return
	}
	const local, padHeader = 30, 4 // bytes of a member's header and of an extra field's
	start := z.out.n + local + int64(len(name)) + padHeader
	pad := int(-start & 63)
	extra := append([]byte{'F', 'B', byte(pad), 0}, make([]byte, pad)...)
	f := &zip.FileHeader{Name: name, Method: zip.Store, Extra: extra, CRC32: crc32.ChecksumIEEE(b),
		CompressedSize64: uint64(len(b)), UncompressedSize64: uint64(len(b))}
	var w io.Writer
	if w, z.err = z.z.CreateRaw(f); z.err == nil {
		_, z.err = w.Write(b)
	}
}

type counter struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
