package checkpoint

import (
	"fmt"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/frozen"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
	"opencarbon/train/pytorch"
)

// TrainedPrefix names the weights as they are trained, where the model's own
// names hold their averages: whoever reads a model gets those.
const TrainedPrefix = "trained."

// Tensors makes the arrays under a prefix into tensors of the current scope.
func (c *Checkpoint) Tensors(prefix string) map[string]*torch.Tensor {
	out := map[string]*torch.Tensor{}
	for name, a := range c.Arrays {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			out[rest] = torch.FromArray(a)
		}
	}
	return out
}

// Network builds the checkpoint's model with its weights; the caller closes its
// Params. Nothing much larger than the file's own arrays is made, whatever sizes
// its header claims. Errors are *fault.Input.
func (c *Checkpoint) Network(d torch.Device) (learn.Network, error) {
	parameters := layers.NewParams(d)
	m, err := c.Build(parameters, c.Header.Model)
	if err == nil {
		err = c.LoadModel(parameters)
	}
	if err != nil {
		parameters.Close()
		return nil, err
	}
	return m, nil
}

// Build registers a network of architecture mc in p, which must not be much larger
// than the arrays that the checkpoint has for it.
func (c *Checkpoint) Build(p *layers.Params, mc layers.ModelConfig) (m learn.Network, err error) {
	p.Limit(2*c.scalars() + 1<<20) // somewhat larger ones are left to LoadModel, which says what differs
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
	for name, a := range c.Arrays {
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

// LoadModel copies the checkpoint's weights into the model.
func (c *Checkpoint) LoadModel(s *layers.Params) (err error) {
	torch.InScope(func(*torch.Scope) {
		pytorch.AddUnused(c.Arrays, c.Header.Model, s)
		what, remedy := "holds other weights than its header says", "The file is damaged; use another checkpoint of the run."
		if c.foreign != nil {
			c.Header.Steps = c.foreign.Complete(s)
			what = fmt.Sprintf("does not hold the weights of the %s variant with POI encoder %s", networks.Variant(c.Header.Model), c.Header.Model.POIEncoder)
			remedy = "Save the model's whole state dict under the published program's names."
		}
		if _, biased := c.Arrays["model.grid_rep.poi_encoder.fc2.bias"]; biased && c.Header.Model.Kind == layers.KindPublished {
			what, remedy = "is of an older version of this program, whose reference variant had biases that the published program has not", "Train it anew, or start from that program's own checkpoint."
		}
		if e := s.Load("", c.Tensors("model."), true); e != nil {
			err = fault.Wrap(e, c.Path, what, remedy)
		}
	})
	return err
}

// LoadOptimizer restores the optimizer's moments and counts.
func (c *Checkpoint) LoadOptimizer(o torch.Optimizer, s *layers.Params) error {
	return torch.Try(func() {
		torch.InScope(func(*torch.Scope) {
			state := torch.OptimizerState{Kind: c.Header.Optimizer, Steps: c.Header.Steps, Tensors: map[string][]*torch.Tensor{}}
			for kind := range o.State().Tensors {
				have := c.Tensors("optimizer." + kind + ".")
				for _, name := range s.ParameterNames() {
					state.Tensors[kind] = append(state.Tensors[kind], have[name])
				}
			}
			o.LoadState(state)
		})
	})
}

// Frozen is the pretrained encoder that a checkpoint carries; nil: none.
func (c *Checkpoint) Frozen() (*frozen.Encoder, error) {
	e, err := frozen.Kept(c.Arrays, c.Header.ImageFeatures)
	if err != nil {
		return nil, fault.Wrap(err, c.Path, "its pretrained encoder cannot be read", "The file is damaged; use another checkpoint of the run.")
	}
	return e, nil
}
