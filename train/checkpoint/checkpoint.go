// Package checkpoint is a run's weights in a file: the format (a safetensors file
// with a header in its metadata), its checksum, what names its content, the files of
// PyTorch that are taken for one, and what a checkpoint says of itself: which stores
// it fits and suits, its validation cells, where it may be trusted. It builds the
// network and loads its weights.
//
// It knows no training: who trains gives a Checkpoint its header and arrays and
// calls Write; who predicts asks it for a network. Nothing that steps, evaluates or
// writes results may enter.
package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/layers"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
	"opencarbon/train/config"
	"opencarbon/train/pytorch"
)

// Checkpoint is a file read back, or one that is to be written.
type Checkpoint struct {
	Path   string
	Header Header
	Arrays map[string]safetensors.Array // by name: the network's below "model."

	foreign *pytorch.Model // a checkpoint of PyTorch; nil: our own
	met     bool           // it has met a store, which told the rest
}

// Read reads and checks a checkpoint of our own form, or one of
// PyTorch (ReadHinted without hints).
func Read(path string) (*Checkpoint, error) {
	if pytorch.Named(path) {
		return readForeign(path, pytorch.Hint{})
	}
	var f safetensors.File
	err := regular.Check(path)
	if err == nil {
		f, err = safetensors.ReadFile(path)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.New(path, "there is no such checkpoint", "A run leaves best.safetensors and last.safetensors in runs/<name>/<time>/.")
	case err != nil:
		return nil, fault.Wrap(err, path, "is not a checkpoint that can be read", "Give a .safetensors file that go run ./cmd/train wrote.")
	}
	text, ok := f.Metadata[headerKey]
	if !ok {
		return nil, fault.New(path, "is a safetensors file, but not a checkpoint of this program", "Give best.safetensors or last.safetensors of a run folder.")
	}
	c := &Checkpoint{Path: path, Arrays: f.Arrays}
	var version struct {
		Format   int  `json:"format"`
		Checksum bool `json:"checksum"`
		Model    struct{ Wide bool }
	}
	if err := json.Unmarshal([]byte(text), &version); err != nil {
		return nil, fault.Wrap(err, path, "its header is damaged", "Use another checkpoint of the run.")
	}
	if version.Format > format {
		return nil, fault.New(path, fmt.Sprintf("was written by a newer program (format %d, this one knows %d)", version.Format, format),
			"Update this program.")
	}
	if err := verify(path, f, version.Checksum); err != nil {
		return nil, err
	}
	if version.Model.Wide {
		return nil, fault.New(path, "is of an older version of this program, whose variant plus saw other features of a cell", "Train it anew.")
	}
	if err := json.Unmarshal([]byte(text), &c.Header); err != nil {
		return nil, fault.Wrap(err, path, "its header is damaged", "Use another checkpoint of the run.")
	}
	if c.Header.Model.Kind == "" {
		c.Header.Model.Kind = olderKind([]byte(text))
	}
	return c, nil
}

// olderKind is the network's kind in a checkpoint of the time when there were
// two and a switch told them apart.
func olderKind(header []byte) string {
	var old struct {
		Model struct{ Reference bool } `json:"model"`
	}
	if json.Unmarshal(header, &old) == nil && old.Model.Reference {
		return layers.KindPublished
	}
	return layers.KindOpenCarbon
}

// Write writes it to Path, over what is there: a temporary file, sync, rename.
func (c *Checkpoint) Write() error {
	text, err := json.Marshal(c.Header)
	if err != nil {
		return fmt.Errorf("checkpoint header: %w", err)
	}
	f := safetensors.File{Arrays: c.Arrays, Metadata: map[string]string{headerKey: string(text)}}
	Seal(f)
	if err := atomicfile.Write(c.Path, func(w io.Writer) error { return safetensors.Write(w, f) }); err != nil {
		return fmt.Errorf("the checkpoint could not be written: %w", err)
	}
	return nil
}

// Derive is a checkpoint of another model that was trained on the same data; its
// arrays are still to be given.
func (c *Checkpoint) Derive(path string, mc layers.ModelConfig) *Checkpoint {
	k := &Checkpoint{Path: path, Header: c.Header, Arrays: map[string]safetensors.Array{}}
	h := &k.Header
	h.Model, h.State, h.Optimizer, h.Steps, h.Plateau, h.AverageSteps, h.Domain = mc, State{}, "", nil, nil, 0, nil
	return k
}

// Experiment returns the config that the checkpoint was trained with.
func (c *Checkpoint) Experiment() (*config.Config, error) {
	cfg, err := config.Parse([]byte(c.Header.Config), "config of "+c.Path)
	if err != nil {
		return nil, fault.Wrap(err, c.Path, "its config cannot be read", "The file is damaged; use another checkpoint of the run.")
	}
	return cfg, nil
}
