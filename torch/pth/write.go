package pth

import (
	"archive/zip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
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

// Write writes a tree in the zip layout.
func Write(w io.Writer, root any) error {
	var data [][]byte
	enc := pickle.Encoder{Custom: func(e *pickle.Encoder, v any) (bool, error) {
		switch v := v.(type) {
		case *Tensor:
			c, err := rebuild(v, strconv.Itoa(len(data)))
			if err != nil {
				return true, err
			}
			data = append(data, v.Data)
			return true, e.Value(c)
		case global:
			e.Global(v.module, v.name)
			return true, nil
		case persistent:
			err := e.Value(Tuple(v))
			e.Op('Q') // BINPERSID
			return true, err
		case call:
			if err := e.Value(v.class); err != nil {
				return true, err
			}
			err := e.Value(v.args)
			e.Op('R') // REDUCE
			return true, err
		}
		return false, nil
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

// What a pickle can say besides plain values: a global's name, a persistent id,
// and a call.
type (
	global     struct{ module, name string }
	persistent Tuple
	call       struct {
		class global
		args  Tuple
	}
)

// rebuild is _rebuild_tensor_v2(storage, offset, size, stride, requires_grad,
// hooks), in _rebuild_parameter(tensor, requires_grad, hooks) for a parameter.
func rebuild(t *Tensor, key string) (call, error) {
	class, ok := storageNames[t.DType]
	if !ok {
		return call{}, fmt.Errorf("pth: PyTorch has no dtype %q", t.DType)
	}
	numel, step := int64(1), int64(1)
	size, stride := make(Tuple, len(t.Shape)), make(Tuple, len(t.Shape))
	for i := len(t.Shape) - 1; i >= 0; i-- {
		size[i], stride[i] = int64(t.Shape[i]), step
		numel *= int64(t.Shape[i])
		step *= int64(max(1, t.Shape[i]))
	}
	if int64(len(t.Data)) != numel*storageTypes[class].Size {
		return call{}, fmt.Errorf("pth: %d bytes for a tensor %s %v", len(t.Data), t.DType, t.Shape)
	}
	hooks := &Dict{Ordered: true}
	storage := persistent{"storage", global{"torch", class}, key, "cpu", numel}
	c := call{global{"torch._utils", "_rebuild_tensor_v2"}, Tuple{storage, int64(0), size, stride, t.RequiresGrad && !t.Parameter, hooks}}
	if t.Parameter {
		c = call{global{"torch._utils", "_rebuild_parameter"}, Tuple{c, t.RequiresGrad, hooks}}
	}
	return c, nil
}

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
