package train

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
	"opencarbon/train/config"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
	"opencarbon/train/pytorch"
)

// checkpointFormat is raised when an older program could misread a file.
const checkpointFormat = 1

// trainedPrefix names the weights as they are trained, where the model's own
// names hold their averages: whoever reads a model gets those.
const trainedPrefix = "trained."

// headerKey is the metadata entry of the safetensors file that holds Header.
const headerKey = "opencarbon"

// Header is what a checkpoint knows besides its tensors: enough to use the
// model on new places without the old YAML, and to go on training exactly.
type Header struct {
	Format        int                `json:"format"`
	Checksum      bool               `json:"checksum,omitempty"` // the file has one; older files have none
	Program       string             `json:"program"`
	Libtorch      string             `json:"libtorch"`
	Config        string             `json:"config"` // the whole experiment, YAML
	Model         layers.ModelConfig `json:"model"`
	Categories    []string           `json:"categories"`               // POI categories in the order of the model's channels
	CategoryTable string             `json:"category_table,omitempty"` // text of the table that made them of raw values; empty: raw values, or a file of an older program
	Normalization json.RawMessage    `json:"normalization,omitempty"`  // how the mosaic's numbers became uint8
	Grid          store.GridSpec     `json:"grid"`
	CellArea      float64            `json:"cell_area_km2,omitempty"`  // mean of the cells it was trained among; 0 in older files
	ImageFeatures string             `json:"image_features,omitempty"` // SHA-256 of the weights whose features the model sees; they are among the arrays
	Rasters       []store.Raster     `json:"rasters,omitempty"`        // further rasters of the store whose numbers the model sees, in this order
	TargetUnit    string             `json:"target_unit"`              // the model predicts ln of this: "tCO2/yr" or "proxy"
	Store         string             `json:"store"`                    // config hash of the store it was trained on
	Threads       int                `json:"threads"`                  // libtorch's; another number may change the last bits
	Ranks         int                `json:"ranks,omitempty"`          // processes that trained it together; 0: one
	State         State              `json:"state"`
	Optimizer     string             `json:"optimizer"`
	Steps         []int64            `json:"steps"` // the optimizer's count for each parameter
	Plateau       *torch.Plateau     `json:"plateau,omitempty"`
	Begun         bool               `json:"begun,omitempty"`         // saved before the first step of an epoch, but after its history was made
	Unready       bool               `json:"unready,omitempty"`       // saved before the inputs were standardized, and a fixed part was trained: training that goes on here begins with that
	AverageSteps  int64              `json:"average_steps,omitempty"` // steps in the averaged weights; 0: the file holds the weights as they are trained

	// ValidationErrors are predicted minus true ln emission of the validation
	// cells, in the order of their tiles, by the weights of this file; prediction
	// intervals are made of them. Absent in older files, and where the weights
	// have moved since the last validation.
	ValidationErrors []float32 `json:"validation_errors,omitempty"`

	// Domain says where the model may be trusted; of a finished run's best
	// checkpoint only.
	Domain *DomainHeader `json:"domain,omitempty"`
}

// header is that of a model of d, trained as c says; what training adds is still
// to come.
func (d *dataset) header(c *config.Config, mc layers.ModelConfig) (Header, error) {
	text, err := c.YAML()
	if err != nil {
		return Header{}, err
	}
	meta := d.store.Meta()
	h := Header{Format: checkpointFormat, Checksum: true, Program: meta.Program, Libtorch: torch.Version(), Config: string(text),
		Model: mc, Categories: d.store.Categories(), CategoryTable: meta.CategoryTable, Normalization: meta.Normalization, Grid: meta.Grid,
		CellArea: meanArea(d.store), TargetUnit: meta.TargetUnit, Store: meta.ConfigHash}
	h.Rasters = seenRasters(mc, d.store)
	if d.frozen != nil {
		h.ImageFeatures = d.frozen.Sum()
	}
	return h, nil
}

// State is where training stands.
type State struct {
	Epoch     int     `json:"epoch"` // epochs completed
	Step      int     `json:"step"`  // batches done of the epoch under way
	LossSum   float64 `json:"loss_sum"`
	LossCells int     `json:"loss_cells"`
	HasBest   bool    `json:"has_best"`
	Best      float64 `json:"best"` // best validation R2 so far
	BestEpoch int     `json:"best_epoch"`
	Bad       int     `json:"bad"` // validations without improvement
	Stopped   string  `json:"stopped,omitempty"`
}

// save writes model, optimizer and header to path: temporary file, sync,
// rename. It refuses a model with values that are not finite, so that the last
// good checkpoint stays.
func (t *trainer) save(path string) error {
	f := safetensors.File{Arrays: map[string]safetensors.Array{}, Metadata: map[string]string{}}
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for _, e := range t.model.Params().Entries() {
				f.Arrays["model."+e.Name] = torch.ToArray(e.Tensor)
			}
			names := t.model.Params().ParameterNames()
			average, _ := t.Average()
			for _, view := range average {
				f.Arrays[trainedPrefix+view.Name] = f.Arrays["model."+view.Name]
				f.Arrays["model."+view.Name] = torch.ToArray(view.X)
			}
			for kind, ts := range t.optimizer.State().Tensors {
				for i, x := range ts {
					f.Arrays["optimizer."+kind+"."+names[i]] = torch.ToArray(x)
				}
			}
			for _, view := range t.History() {
				f.Arrays["history."+view.Name] = torch.ToArray(view.X)
			}
			state := torch.RNGState(torch.CPU)
			f.Arrays["rng.cpu"] = safetensors.Array{DType: "U8", Shape: []int{len(state)}, Data: state}
		})
	})
	if t.data.frozen != nil {
		t.data.frozen.Keep(f.Arrays)
	}
	if bad := t.notFinite(); bad != "" {
		return fmt.Errorf("%s is not finite after epoch %d; nothing was saved over the last good checkpoint", bad, t.state.Epoch)
	}
	h := t.header
	h.State, h.Plateau, h.ValidationErrors, h.Unready = t.state, nil, t.errors, !t.ready
	h.Begun = t.begun && t.state.Step == 0
	if t.errors != nil {
		keepValidation(f.Arrays, t.data, t.guesses)
	}
	if p, ok := t.schedule.(*torch.Plateau); ok {
		h.Plateau = p
	}
	o := t.optimizer.State()
	h.Optimizer, h.Steps = o.Kind, o.Steps
	_, h.AverageSteps = t.Average()
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("checkpoint header: %w", err)
	}
	f.Metadata[headerKey] = string(text)
	f.Metadata[checksumKey] = digest(f)
	if err := atomicfile.Write(path, func(w io.Writer) error { return safetensors.Write(w, f) }); err != nil {
		return fmt.Errorf("the checkpoint could not be written: %w", err)
	}
	return nil
}

// notFinite names a parameter or buffer with NaN or infinite values, or "".
func (t *trainer) notFinite() (name string) {
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for _, e := range t.model.Params().Entries() {
				if e.Tensor.DType().IsFloat() && e.Tensor.IsFinite().All().Item() == 0 {
					name = e.Name
					return
				}
			}
		})
	})
	return name
}

// Checkpoint is a file read back.
type Checkpoint struct {
	Path   string
	Header Header
	arrays map[string]safetensors.Array

	foreign *pytorch.Model // a checkpoint of PyTorch; nil: our own
	met     bool           // it has met a store, which told the rest
}

// ReadCheckpoint reads and checks a checkpoint of our own form, or one of
// PyTorch (ReadModel without hints).
func ReadCheckpoint(path string) (*Checkpoint, error) {
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
	c := &Checkpoint{Path: path, arrays: f.Arrays}
	var version struct {
		Format   int  `json:"format"`
		Checksum bool `json:"checksum"`
		Model    struct{ Wide bool }
	}
	if err := json.Unmarshal([]byte(text), &version); err != nil {
		return nil, fault.Wrap(err, path, "its header is damaged", "Use another checkpoint of the run.")
	}
	if version.Format > checkpointFormat {
		return nil, fault.New(path, fmt.Sprintf("was written by a newer program (format %d, this one knows %d)", version.Format, checkpointFormat),
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

// tensors makes the arrays under a prefix into tensors of the current scope.
func (c *Checkpoint) tensors(prefix string) map[string]*torch.Tensor {
	out := map[string]*torch.Tensor{}
	for name, a := range c.arrays {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = torch.FromArray(a)
		}
	}
	return out
}

// network builds the checkpoint's model with its weights; the caller closes its
// Params. Nothing much larger than the file's own arrays is made, whatever sizes
// its header claims. Errors are *fault.Input.
func (c *Checkpoint) network(d torch.Device) (learn.Network, error) {
	parameters := layers.NewParams(d)
	m, err := c.build(parameters, c.Header.Model)
	if err == nil {
		err = c.loadModel(parameters)
	}
	if err != nil {
		parameters.Close()
		return nil, err
	}
	return m, nil
}

// build registers a network of architecture mc in p, which must not be much larger
// than the arrays that the checkpoint has for it.
func (c *Checkpoint) build(p *layers.Params, mc layers.ModelConfig) (m learn.Network, err error) {
	p.Limit(2*c.scalars() + 1<<20) // somewhat larger ones are left to loadModel, which says what differs
	if e := torch.Try(func() { m, err = networks.New(p, mc) }); e != nil {
		err = e
	}
	if err != nil {
		return nil, fault.Wrap(err, c.Path, "its model cannot be built", "The file is damaged; use another checkpoint of the run.")
	}
	return m, nil
}

// scalars is how many numbers the model's arrays have.
func (c *Checkpoint) scalars() int {
	n := 0
	for name, a := range c.arrays {
		if strings.HasPrefix(name, "model.") {
			size := 1
			for _, d := range a.Shape {
				size *= d // the file holds them all: no overflow
			}
			n += size
		}
	}
	return n
}

// loadModel copies the checkpoint's weights into the model.
func (c *Checkpoint) loadModel(s *layers.Params) (err error) {
	torch.InScope(func(*torch.Scope) {
		pytorch.AddUnused(c.arrays, c.Header.Model, s)
		what, remedy := "holds other weights than its header says", "The file is damaged; use another checkpoint of the run."
		if c.foreign != nil {
			c.Header.Steps = c.foreign.Complete(s)
			what = fmt.Sprintf("does not hold the weights of the %s variant with POI encoder %s", networks.Variant(c.Header.Model), c.Header.Model.POIEncoder)
			remedy = "Save the model's whole state dict under the published program's names."
		}
		if _, biased := c.arrays["model.grid_rep.poi_encoder.fc2.bias"]; biased && c.Header.Model.Kind == layers.KindPublished {
			what, remedy = "is of an older version of this program, whose reference variant had biases that the published program has not", "Train it anew, or start from that program's own checkpoint."
		}
		if e := s.Load("", c.tensors("model."), true); e != nil {
			err = fault.Wrap(e, c.Path, what, remedy)
		}
	})
	return err
}

// loadOptimizer restores the optimizer's moments and counts.
func (c *Checkpoint) loadOptimizer(o torch.Optimizer, s *layers.Params) error {
	return torch.Try(func() {
		torch.InScope(func(*torch.Scope) {
			state := torch.OptimizerState{Kind: c.Header.Optimizer, Steps: c.Header.Steps, Tensors: map[string][]*torch.Tensor{}}
			for kind := range o.State().Tensors {
				have := c.tensors("optimizer." + kind + ".")
				for _, name := range s.ParameterNames() {
					state.Tensors[kind] = append(state.Tensors[kind], have[name])
				}
			}
			o.LoadState(state)
		})
	})
}

// Experiment returns the config that the checkpoint was trained with.
func (c *Checkpoint) Experiment() (*config.Config, error) {
	cfg, err := config.Parse([]byte(c.Header.Config), "config of "+c.Path)
	if err != nil {
		return nil, fault.Wrap(err, c.Path, "its config cannot be read", "The file is damaged; use another checkpoint of the run.")
	}
	return cfg, nil
}
