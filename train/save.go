package train

import (
	"fmt"
	"slices"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
)

// header is that of a model of d, trained as c says; what training adds is still
// to come.
func (d *dataset) header(c *config.Config, mc layers.ModelConfig) (checkpoint.Header, error) {
	h, err := checkpoint.NewHeader(c, mc, d.store)
	if err == nil && d.frozen != nil {
		h.ImageFeatures = d.frozen.Sum()
	}
	return h, err
}

// Prospect is a checkpoint as training on s would write it, as far as its Reads and
// Suits ask: whether a model will go where it is meant to is known before it is
// trained. s is what the model will read.
func Prospect(c *config.Config, s *store.Store) *checkpoint.Checkpoint {
	return checkpoint.Prospect(newDataset(s).modelConfig(c), s)
}

// save writes model, optimizer and header to path: temporary file, sync,
// rename. It refuses a model with values that are not finite, so that the last
// good checkpoint stays.
func (t *trainer) save(path string) error {
	k, err := t.snapshot(path)
	if err != nil {
		return err
	}
	return k.Write()
}

// snapshot is the checkpoint that save writes; it shares nothing with the training,
// which may go on.
func (t *trainer) snapshot(path string) (*checkpoint.Checkpoint, error) {
	k := &checkpoint.Checkpoint{Path: path, Arrays: map[string]safetensors.Array{}}
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			for _, e := range t.model.Params().Entries() {
				k.Arrays["model."+e.Name] = torch.ToArray(e.Tensor)
			}
			names := t.model.Params().ParameterNames()
			average, _ := t.Average()
			for _, view := range average {
				k.Arrays[checkpoint.TrainedPrefix+view.Name] = k.Arrays["model."+view.Name]
				k.Arrays["model."+view.Name] = torch.ToArray(view.X)
			}
			for kind, ts := range t.optimizer.State().Tensors {
				for i, x := range ts {
					k.Arrays["optimizer."+kind+"."+names[i]] = torch.ToArray(x)
				}
			}
			for _, view := range t.History() {
				k.Arrays["history."+view.Name] = torch.ToArray(view.X)
			}
			state := torch.RNGState(torch.CPU)
			k.Arrays["rng.cpu"] = safetensors.Array{DType: "U8", Shape: []int{len(state)}, Data: state}
		})
	})
	if t.data.frozen != nil {
		t.data.frozen.Keep(k.Arrays)
	}
	if bad := t.notFinite(); bad != "" {
		return nil, fmt.Errorf("%s is not finite after epoch %d; nothing was saved over the last good checkpoint", bad, t.state.Epoch)
	}
	k.Header = t.header
	h := &k.Header
	h.State, h.Unready = t.state, !t.ready
	h.Begun = t.begun && t.state.Step == 0
	if t.errors != nil {
		k.Validated(t.data.places(), t.guesses, t.errors)
	}
	if p, ok := t.schedule.(*torch.Plateau); ok {
		now := *p
		h.Plateau = &now
	}
	o := t.optimizer.State()
	h.Optimizer, h.Steps = o.Kind, slices.Clone(o.Steps)
	_, h.AverageSteps = t.Average()
	return k, nil
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
