package pth

import (
	"errors"
	"fmt"

	"opencarbon/torch/pickle"
)

// storage is a run of elements that tensors view.
type storage struct {
	kind  storageType
	numel int64
	data  []byte
	root  *storage // a view of another storage, from element at
	at    int64
}

// storageType is a storage class as a checkpoint names it.
type storageType struct {
	DType string // as in safetensors
	Size  int64  // bytes of an element
}

var storageTypes = map[string]storageType{
	"DoubleStorage": {"F64", 8}, "FloatStorage": {"F32", 4}, "HalfStorage": {"F16", 2}, "BFloat16Storage": {"BF16", 2},
	"LongStorage": {"I64", 8}, "IntStorage": {"I32", 4}, "ShortStorage": {"I16", 2}, "CharStorage": {"I8", 1},
	"ByteStorage": {"U8", 1}, "BoolStorage": {"BOOL", 1},
}

// storageNames are the classes to write, by dtype.
var storageNames = map[string]string{}

func init() {
	for name, t := range storageTypes {
		storageNames[t.DType] = name
	}
}

// bytes are the storage's bytes; nil where the file has not told them.
func (s *storage) bytes() ([]byte, error) {
	if s.root == nil {
		if s.data == nil && s.numel > 0 {
			return nil, errors.New("its storage is missing in the file: truncated?")
		}
		return s.data, nil
	}
	b, err := s.root.bytes()
	if err != nil {
		return nil, err
	}
	if s.at < 0 || s.numel < 0 || s.at > s.root.numel || s.numel > s.root.numel-s.at || s.kind != s.root.kind {
		return nil, errors.New("its storage reaches beyond the one it is a part of")
	}
	return b[s.at*s.kind.Size : (s.at+s.numel)*s.kind.Size], nil
}

const maxDims = 64

// newTensor checks that a view lies inside of its storage.
func (l *loader) newTensor(from *storage, offset int64, size, stride []int64) (*Tensor, error) {
	if len(size) > maxDims || len(size) != len(stride) {
		return nil, fmt.Errorf("a tensor with %d sizes and %d strides", len(size), len(stride))
	}
	if err := l.budget.Take(256 + 16*int64(len(size))); err != nil {
		return nil, err
	}
	t := &Tensor{from: from, offset: offset, stride: stride}
	t.DType, t.Shape = from.kind.DType, make([]int, len(size))
	count, last := int64(1), offset
	for i, n := range size {
		if n < 0 || stride[i] < 0 || n > 0 && count > (1<<46)/n {
			return nil, fmt.Errorf("a tensor of size %v, strides %v: impossible", size, stride)
		}
		t.Shape[i] = int(n)
		count *= n
	}
	for i, n := range size {
		if n > 1 && count > 0 {
			if stride[i] > from.numel/(n-1) {
				return nil, fmt.Errorf("a tensor of size %v, strides %v reaches beyond its storage of %d elements", size, stride, from.numel)
			}
			last += (n - 1) * stride[i]
		}
	}
	if offset < 0 || offset > from.numel || count > 0 && last >= from.numel {
		return nil, fmt.Errorf("a tensor of size %v, strides %v from element %d reaches beyond its storage of %d elements",
			size, stride, offset, from.numel)
	}
	l.tensors = append(l.tensors, t)
	return t, nil
}

// settle gives the tensor its bytes: those of the storage where it lies in one
// piece there, else a copy in row-major order.
func (t *Tensor) settle(b *pickle.Budget) error {
	raw, err := t.from.bytes()
	if err != nil {
		return err
	}
	es := t.from.kind.Size
	count, contiguous := int64(1), true
	for i := len(t.Shape) - 1; i >= 0; i-- {
		if t.Shape[i] != 1 && t.stride[i] != count {
			contiguous = false
		}
		count *= int64(t.Shape[i])
	}
	switch {
	case count == 0:
		t.Data = []byte{}
	case contiguous:
		t.Data = raw[t.offset*es : (t.offset+count)*es : (t.offset+count)*es]
	default:
		if err := b.Take(count * es); err != nil {
			return err
		}
		t.Data = make([]byte, 0, count*es)
		t.gather(raw, 0, t.offset)
	}
	t.from, t.stride = nil, nil
	return nil
}

// gather appends the elements of axis and those behind it.
func (t *Tensor) gather(raw []byte, axis int, at int64) {
	es := t.from.kind.Size
	if axis == len(t.Shape) {
		t.Data = append(t.Data, raw[at*es:(at+1)*es]...)
		return
	}
	for range t.Shape[axis] {
		t.gather(raw, axis+1, at)
		at += t.stride[axis]
	}
}
