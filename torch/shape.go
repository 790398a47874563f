package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

func (t *Tensor) shapeOp(op string, code C.int64_t, args ...int) *Tensor {
	t.must(op)
	d, n := dims(args)
	var h C.ocg_tensor
	if e := C.ocg_shape(code, t.h, d, n, &h); e != nil {
		check(op, e, t)
	}
	return adopt(h)
}

// View returns t's memory under another shape; one size may be -1.
func (t *Tensor) View(shape ...int) *Tensor { return t.shapeOp("view", C.OCG_VIEW, shape...) }

// Reshape is View, or a copy where the memory does not allow one.
func (t *Tensor) Reshape(shape ...int) *Tensor { return t.shapeOp("reshape", C.OCG_RESHAPE, shape...) }

// Expand repeats dimensions of size 1 without copying; -1 leaves one as it is.
func (t *Tensor) Expand(shape ...int) *Tensor { return t.shapeOp("expand", C.OCG_EXPAND, shape...) }

// Squeeze drops dimension dim if its size is 1.
func (t *Tensor) Squeeze(dim int) *Tensor { return t.shapeOp("squeeze", C.OCG_SQUEEZE, dim) }

// Unsqueeze inserts a dimension of size 1 at dim.
func (t *Tensor) Unsqueeze(dim int) *Tensor { return t.shapeOp("unsqueeze", C.OCG_UNSQUEEZE, dim) }

// Select takes entry i of dimension dim, which disappears.
func (t *Tensor) Select(dim, i int) *Tensor { return t.shapeOp("select", C.OCG_SELECT, dim, i) }

// Narrow takes length entries of dimension dim from start on.
func (t *Tensor) Narrow(dim, start, length int) *Tensor {
	return t.shapeOp("narrow", C.OCG_NARROW, dim, start, length)
}

// SliceDim is Python's t[..., start:end:step, ...] along dim.
func (t *Tensor) SliceDim(dim, start, end, step int) *Tensor {
	return t.shapeOp("slice", C.OCG_SLICE, dim, start, end, step)
}

// Flip reverses the order along the given dimensions.
func (t *Tensor) Flip(dims ...int) *Tensor { return t.shapeOp("flip", C.OCG_FLIP, dims...) }

// Pad adds zeros: pairs (before, after), the last dimension first, as F.pad.
func (t *Tensor) Pad(pads ...int) *Tensor { return t.shapeOp("pad", C.OCG_PAD, pads...) }

// Diagonal returns the diagonal of the first two dimensions, offset to the
// right.
func (t *Tensor) Diagonal(offset int) *Tensor { return t.shapeOp("diagonal", C.OCG_DIAG, offset) }

// Tril zeroes what lies above the diagonal (offset to the right).
func (t *Tensor) Tril(offset int) *Tensor { return t.shapeOp("tril", C.OCG_TRIL, offset) }

// Triu zeroes what lies below the diagonal (offset to the right).
func (t *Tensor) Triu(offset int) *Tensor { return t.shapeOp("triu", C.OCG_TRIU, offset) }

// Cat joins tensors along the existing dimension dim.
func Cat(ts []*Tensor, dim int) *Tensor {
	requireAll("cat", ts...)
	if len(ts) == 0 {
		fail("cat", nil, "no tensors given")
	}
	handles := make([]C.ocg_tensor, len(ts))
	for i, t := range ts {
		handles[i] = t.h
	}
	var h C.ocg_tensor
	check("cat", C.ocg_cat(&handles[0], C.int64_t(len(handles)), C.int64_t(dim), &h), ts...)
	return adopt(h)
}

func (t *Tensor) indexOp(op string, code C.int64_t, dim int, index, src *Tensor) *Tensor {
	t.must(op, index)
	optional(op, src)
	var h C.ocg_tensor
	check(op, C.ocg_index(code, t.h, C.int64_t(dim), index.h, src.handle(), &h), t, index, src)
	return adopt(h)
}

// Gather picks t[index[i][j]][j] (dim 0) or t[i][index[i][j]] (dim 1), ...;
// index is int64.
func (t *Tensor) Gather(dim int, index *Tensor) *Tensor {
	t.must("gather", index)
	var h C.ocg_tensor
	check("gather", C.ocg_index(C.OCG_GATHER, t.h, C.int64_t(dim), index.h, nil, &h), t, index)
	return adopt(h)
}

// ScatterAdd returns t with src's elements added at index along dim, the
// reverse of Gather.
func (t *Tensor) ScatterAdd(dim int, index, src *Tensor) *Tensor {
	t.must("scatter_add", index, src)
	return t.indexOp("scatter_add", C.OCG_SCATTER_ADD, dim, index, src)
}

// IndexAdd returns t with src's entries added at the entries named by index
// (int64) along dim, the reverse of IndexSelect.
func (t *Tensor) IndexAdd(dim int, index, src *Tensor) *Tensor {
	t.must("index_add", index, src)
	return t.indexOp("index_add", C.OCG_INDEX_ADD, dim, index, src)
}

// IndexCopyInPlace overwrites the entries of t named by index (int64, each at
// most once) along dim with src's, and returns t.
func (t *Tensor) IndexCopyInPlace(dim int, index, src *Tensor) *Tensor {
	t.must("index_copy_", index, src)
	t.indexOp("index_copy_", C.OCG_INDEX_COPY_, dim, index, src).Close()
	return t
}
