// Package pth reads and writes PyTorch's checkpoint files (.pth, .pt) without
// PyTorch: the published checkpoints and torchvision's weights come in through
// here. All three layouts are read, the tar of the first versions, the stream
// of pickles that torchvision's older files and the published checkpoints use,
// and the zip of today, which is also what is written. Nothing in a file is
// executed, and no file makes the reader allocate more than twice its size and
// 64 MiB.
//
// The package knows no libtorch: tensors are arrays of bytes, as in package
// safetensors. Models and optimizers are not its business either; it hands out
// names and arrays.
//
// Specification: torch/serialization.py of PyTorch 2.
package pth

import (
	"errors"
	"fmt"
	"io"
	"os"

	"opencarbon/torch/pickle"
	"opencarbon/torch/safetensors"
)

// The containers of a file's tree.
type (
	Dict  = pickle.Dict
	Entry = pickle.Entry
	List  = pickle.List
	Tuple = pickle.Tuple
)

// Tensor is a tensor in a file's tree. Tensors that share a storage in the file
// share the memory of Data: it must not be written to.
type Tensor struct {
	safetensors.Array
	Parameter    bool // it is an nn.Parameter
	RequiresGrad bool

	from   *storage
	offset int64   // elements
	stride []int64 // elements
}

// Name is a named constant: a dtype (torch.float32), a tensor type or a device.
type Name string

// File is a checkpoint: a tree of *Dict, *List, Tuple, *Tensor, Name, nil, bool,
// int64, *big.Int, float64, string and NumPy arrays (*pickle.Array).
type File struct {
	Root   any
	Layout string // zip | stream | tar
}

// Error says what is wrong with a file and how to mend it.
type Error struct {
	Path   string
	What   string
	Remedy string
	Err    error // underlying cause, or nil
}

// Error implements error.
func (e *Error) Error() string {
	s := e.What
	if e.Path != "" {
		s = e.Path + ": " + s
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	if e.Remedy != "" {
		s += "\n  " + e.Remedy
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ReadFile reads the checkpoint at path. Errors are *Error.
func ReadFile(path string) (*File, error) {
	h, err := os.Open(path)
	if err != nil {
		var pe *os.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, &Error{Path: path, What: "cannot be opened", Err: err, Remedy: "Check the path and its permissions."}
	}
	defer h.Close()
	info, err := h.Stat()
	if err != nil {
		return nil, &Error{Path: path, What: "cannot be read", Err: err}
	}
	if info.IsDir() {
		return nil, &Error{Path: path, What: "is a folder", Remedy: "Name the checkpoint file in it."}
	}
	f, err := Read(h, info.Size())
	var e *Error
	if errors.As(err, &e) {
		e.Path = path
	}
	return f, err
}

// slack is what the reader may allocate beyond twice the file's size; with
// what the runtime takes beside it stays below 64 MiB.
const slack = 48 << 20

// Read reads a checkpoint of size bytes. Errors are *Error.
func Read(r io.ReaderAt, size int64) (*File, error) {
	head := make([]byte, min(size, 512))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, &Error{What: "cannot be read", Err: err}
	}
	kind, err := sniff(head)
	if err != nil {
		return nil, err
	}
	l := &loader{r: r, size: size, budget: pickle.NewBudget(2*size + slack), storages: map[string]*storage{}}
	var root any
	switch kind {
	case "zip":
		root, err = l.zip()
	case "tar":
		root, err = l.tar()
	default:
		root, err = l.stream()
	}
	if err == nil {
		err = l.settle()
	}
	if err != nil {
		var e *Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, &Error{What: "this PyTorch file (layout " + kind + ") cannot be read", Err: err, Remedy: "If it was cut short in a download, " +
			"fetch it again. A model saved whole must be saved again as its state dict: torch.save(model.state_dict(), path)."}
	}
	return &File{Root: root, Layout: kind}, nil
}

// loader is the state of one reading.
type loader struct {
	r        io.ReaderAt
	size     int64
	budget   *pickle.Budget
	storages map[string]*storage
	order    []*storage
	tensors  []*Tensor
}

func (l *loader) decoder(r io.Reader, size int64, persistent func(any) (any, error)) *pickle.Decoder {
	return pickle.NewDecoder(r, size, l.budget, pickle.Options{Find: l.find, Persistent: persistent})
}

// settle gives every tensor its bytes.
func (l *loader) settle() error {
	for _, t := range l.tensors {
		if err := t.settle(l.budget); err != nil {
			return fmt.Errorf("tensor %s %v: %w", t.DType, t.Shape, err)
		}
	}
	return nil
}
