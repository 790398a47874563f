package train

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
)

// blockResult is what was predicted of a block: n cells with, and some without an
// image. What a member has none of is nil.
type blockResult struct {
	cells    []store.Cell // predicted, in the outline's order
	bare     []store.Cell // not predicted: the mosaic covers them too little
	coverage []float32    // [n] of the images
	ln       [][]float64  // [members][n]
	strange  [][]float64  // [members][n] dissimilarity
}

// Arrays and metadata of a result's file.
const (
	resultCells    = "cells"    // [n, 2] I64
	resultBare     = "bare"     // [k, 2] I64
	resultCoverage = "coverage" // [n] F32
	resultLn       = "ln"       // [members, n] F64
	resultStrange  = "strange"  // [members, n] F64; absent without
	resultPlan     = "plan"
	resultBlock    = "block"
)

// encode writes a result of a plan's block as a file's content. The same result
// gives the same bytes.
func (r *blockResult) encode(plan string, b PlannedBlock) ([]byte, error) {
	cells := func(list []store.Cell) safetensors.Array {
		var text []byte
		for _, c := range list {
			text = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(text, uint64(c.Col)), uint64(c.Row))
		}
		return safetensors.Array{DType: "I64", Shape: []int{len(list), 2}, Data: text}
	}
	numbers := func(lists [][]float64) safetensors.Array {
		var text []byte
		for _, list := range lists {
			for _, v := range list {
				text = binary.LittleEndian.AppendUint64(text, math.Float64bits(v))
			}
		}
		return safetensors.Array{DType: "F64", Shape: []int{len(lists), len(r.cells)}, Data: text}
	}
	var coverage []byte
	for _, v := range r.coverage {
		coverage = binary.LittleEndian.AppendUint32(coverage, math.Float32bits(v))
	}
	f := safetensors.File{Metadata: map[string]string{resultPlan: plan, resultBlock: b.String()}, Arrays: map[string]safetensors.Array{
		resultCells: cells(r.cells), resultBare: cells(r.bare), resultLn: numbers(r.ln),
		resultCoverage: {DType: "F32", Shape: []int{len(r.cells)}, Data: coverage},
	}}
	if !slices.ContainsFunc(r.strange, func(s []float64) bool { return s == nil }) {
		f.Arrays[resultStrange] = numbers(r.strange)
	}
	checkpoint.Seal(f)
	var out bytes.Buffer
	err := safetensors.Write(&out, f)
	return out.Bytes(), err
}

// decode reads a result of a plan's block with that many members. Errors are
// *fault.Input without a place.
func (p *BlockPlan) decode(text []byte, b PlannedBlock, members int) (*blockResult, error) {
	const remedy = "Remove this file and predict the block again: go run ./cmd/predict --work DIR"
	bad := func(what string) error { return fault.New("", what, remedy) }
	f, err := safetensors.Read(bytes.NewReader(text), int64(len(text)))
	if err != nil {
		return nil, fault.Wrap(err, "", "is no result that can be read", remedy)
	}
	if !checkpoint.Sealed(f) {
		return nil, bad("is damaged: its content is not what its checksum says")
	}
	if f.Metadata[resultPlan] != p.ID || f.Metadata[resultBlock] != b.String() {
		return nil, bad(fmt.Sprintf("is of block %s of another plan, or of another block than its name says", f.Metadata[resultBlock]))
	}
	cells := func(a safetensors.Array) (list []store.Cell) {
		for at := 0; at+16 <= len(a.Data); at += 16 {
			list = append(list, store.Cell{Col: int64(binary.LittleEndian.Uint64(a.Data[at:])), Row: int64(binary.LittleEndian.Uint64(a.Data[at+8:]))})
		}
		return list
	}
	a := f.Arrays
	n := -1
	if c := a[resultCells]; len(c.Shape) == 2 {
		n = c.Shape[0]
	}
	if a[resultCells].DType != "I64" || !slices.Equal(a[resultCells].Shape, []int{n, 2}) || a[resultBare].DType != "I64" || len(a[resultBare].Shape) != 2 || a[resultBare].Shape[1] != 2 ||
		a[resultCoverage].DType != "F32" || !slices.Equal(a[resultCoverage].Shape, []int{n}) || a[resultLn].DType != "F64" || !slices.Equal(a[resultLn].Shape, []int{members, n}) {
		return nil, bad("has not the arrays of a result")
	}
	numbers := func(a safetensors.Array) (lists [][]float64) {
		for m := range members {
			list := make([]float64, n)
			for i := range list {
				list[i] = math.Float64frombits(binary.LittleEndian.Uint64(a.Data[8*(m*n+i):]))
			}
			lists = append(lists, list)
		}
		return lists
	}
	r := &blockResult{cells: cells(a[resultCells]), bare: cells(a[resultBare]), ln: numbers(a[resultLn]), strange: make([][]float64, members)}
	for i := range n {
		r.coverage = append(r.coverage, math.Float32frombits(binary.LittleEndian.Uint32(a[resultCoverage].Data[4*i:])))
	}
	if s, ok := a[resultStrange]; ok {
		if s.DType != "F64" || !slices.Equal(s.Shape, []int{members, n}) {
			return nil, bad("has not the arrays of a result")
		}
		r.strange = numbers(s)
	}
	for _, c := range slices.Concat(r.cells, r.bare) {
		if p.Blocking.Of(c) != (data.Block{Col: b.Col, Row: b.Row}) {
			return nil, bad(fmt.Sprintf("tells of the cell %d_%d, which does not lie in the block", c.Col, c.Row))
		}
	}
	for _, list := range r.ln {
		for i, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, bad(fmt.Sprintf("the prediction of cell %d_%d is not finite", r.cells[i].Col, r.cells[i].Row))
			}
		}
	}
	return r, nil
}

// readResult reads the result of a block from its file.
func (p *BlockPlan) readResult(b PlannedBlock, members int) (*blockResult, error) {
	path := p.result(b)
	text, err := regular.Read(path, 1<<30)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Check the disk, or remove the file and predict the block again.")
	}
	r, err := p.decode(text, b, members)
	if err == nil && len(r.cells)+len(r.bare) != b.Cells {
		err = fault.New("", fmt.Sprintf("tells of %d cells, and the block has %d", len(r.cells)+len(r.bare), b.Cells), "Remove this file and predict the block again.")
	}
	return r, atPlace(err, path)
}

// atPlace puts a file's name on an error without a place.
func atPlace(err error, path string) error {
	var in *fault.Input
	if errors.As(err, &in) && in.Where == "" {
		in.Where = path
	}
	return err
}

// publish puts content under path unless a file is there: of several processes that
// do it at once exactly one wins, which is told. It writes under a name of its own
// and links that to the final one, which no file system does twice; one without
// links has a rename that replaces nothing.
func publish(path string, content []byte) (won bool, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.partial")
	if err != nil {
		return false, err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return false, fmt.Errorf("a result could not be written: %w", err)
	}
	err = os.Link(f.Name(), path)
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EMLINK) {
		err = unix.Renameat2(unix.AT_FDCWD, f.Name(), unix.AT_FDCWD, path, unix.RENAME_NOREPLACE)
	}
	switch {
	case errors.Is(err, fs.ErrExist):
		return false, nil
	case err != nil:
		return false, fault.Wrap(err, filepath.Dir(path), "this file system has neither links nor a rename that replaces nothing, so that a result could be lost or doubled",
			"Put the folder of work on another one (ext4, XFS, NFS, Lustre, CephFS).")
	}
	return true, nil
}
