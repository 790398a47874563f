package checkpoint

import (
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/pytorch"
)

// ReadHinted is Read with an answer to what a file of PyTorch's does not
// tell; one that a checkpoint of ours cannot need is refused.
func ReadHinted(path string, o pytorch.Hint) (*Checkpoint, error) {
	if err := o.Check(); err != nil {
		return nil, err
	}
	if pytorch.Named(path) {
		return readForeign(path, o)
	}
	if o != (pytorch.Hint{}) {
		return nil, fault.New("--neighborhood, --variant", "are for .pth checkpoints; "+path+" knows its own", "Leave them away.")
	}
	return Read(path)
}

// readForeign reads a checkpoint of PyTorch. The result can be used wherever a
// checkpoint of ours can.
func readForeign(path string, o pytorch.Hint) (*Checkpoint, error) {
	m, err := pytorch.Read(path, o)
	if err != nil {
		return nil, err
	}
	text, err := m.Experiment().YAML()
	if err != nil {
		return nil, err
	}
	return &Checkpoint{Path: path, Arrays: m.Arrays, foreign: m,
		Header: Header{Format: format, Program: "PyTorch", Config: string(text), Model: m.Config, Optimizer: m.Optimizer}}, nil
}

// Foreign reports whether it is a file of PyTorch's.
func (c *Checkpoint) Foreign() bool { return c.foreign != nil }

// Become takes from the model that its weights are to be loaded into what the
// weights of a foreign checkpoint do not tell, and fit whatever it is: the variant,
// and how wide its neighborhood is.
func (c *Checkpoint) Become(m layers.ModelConfig) {
	if c.foreign == nil {
		return
	}
	if !c.foreign.Variant {
		c.Header.Model.Kind = m.Kind // its weights are the same in both
	}
	if c.Header.Model.Neighborhood > 1 && m.Neighborhood > 1 {
		c.Header.Model.Neighborhood, c.foreign.Width = m.Neighborhood, true // its weights fit every width
	}
}

// meet takes from the first store what the weights of a foreign checkpoint do not
// tell, and says what cannot be.
func (c *Checkpoint) meet(s *store.Store) error {
	if c.met {
		return nil
	}
	m, err := c.foreign.Meet(c.Header.Model, s)
	if err != nil {
		return err
	}
	h, meta := &c.Header, s.Meta()
	h.Model, h.Categories, h.Normalization, h.Grid, h.TargetUnit = m, s.Categories(), meta.Normalization, meta.Grid, meta.TargetUnit
	c.met = true
	return nil
}

// Export writes a checkpoint as a file of PyTorch's, under the published program's
// names; the optimizer's state is written where the checkpoint has one of Adam's. It
// returns the number of tensors in the state dict.
func Export(c *Checkpoint, out string) (int, error) {
	cfg, err := c.Experiment()
	if err != nil {
		return 0, err
	}
	if !pytorch.Named(out) {
		return 0, fault.New(out, "is no name of a PyTorch checkpoint", "Let it end in .pth.")
	}
	var names []string
	var failed error
	if err := torch.Run(torch.Options{}, func() {
		m, err := c.Network(torch.CPU) // the weights are whole, and of the right shapes
		if err != nil {
			failed = err
			return
		}
		defer m.Params().Close()
		for _, e := range m.Params().Entries() {
			names = append(names, e.Name)
		}
	}); err != nil {
		failed = err
	}
	if failed != nil {
		return 0, failed
	}
	return pytorch.Write(out, pytorch.State{Path: c.Path, Names: names, Arrays: c.Arrays, Optimizer: c.Header.Optimizer, Steps: c.Header.Steps,
		LearningRate: cfg.Train.LearningRate, WeightDecay: cfg.Train.WeightDecay})
}
