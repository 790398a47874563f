package pytorch

import (
	"fmt"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
)

// unused is the layer that the published program keeps without a neighborhood,
// and does not use.
const unused = "self_grid"

// AddUnused gives the arrays of a checkpoint without the unused layer (of a program
// that did not keep it) the fresh one of the model m, whose tensors are s.
func AddUnused(arrays map[string]safetensors.Array, m layers.ModelConfig, s *layers.Params) {
	if m.Neighborhood > 1 {
		return
	}
	for _, e := range s.Entries() {
		if _, ok := arrays["model."+e.Name]; !ok && strings.HasPrefix(e.Name, unused+".") {
			arrays["model."+e.Name] = torch.ToArray(e.Tensor)
		}
	}
}

// Complete adds to Arrays what old files and fresh optimizers leave out, once the
// model is there, and returns the optimizer's count for each parameter.
func (c *Model) Complete(s *layers.Params) (steps []int64) {
	for _, e := range s.Entries() {
		key := "model." + e.Name
		if _, ok := c.Arrays[key]; !ok && strings.HasSuffix(e.Name, ".num_batches_tracked") {
			c.Arrays[key] = torch.ToArray(torch.Scalar(0, torch.Int64))
		}
	}
	if c.Optimizer == "" {
		return nil
	}
	for _, name := range s.ParameterNames() {
		steps = append(steps, c.steps[name])
		for _, kind := range []string{"exp_avg.", "exp_avg_sq."} {
			if _, ok := c.Arrays["optimizer."+kind+name]; !ok {
				w := c.Arrays["model."+name]
				c.Arrays["optimizer."+kind+name] = safetensors.Array{DType: w.DType, Shape: w.Shape, Data: make([]byte, len(w.Data))}
			}
		}
	}
	return steps
}

// Meet completes m, a model of these weights, by what they do not tell and the first
// store does, and says what cannot be; later ones are as that was.
func (c *Model) Meet(m layers.ModelConfig, s *store.Store) (layers.ModelConfig, error) {
	if !c.Width {
		return m, fault.New(c.path, "its weights do not tell how many cells the neighborhood is wide: they fit M = 3, 5 and 7",
			"Say what it was trained with: --neighborhood 3, 5 or 7 (of the published program's --neighborhood_size k: 2k + 1).")
	}
	size := m.POISize
	if m.Image && s.HasImages() {
		m.ImageSize = s.ImageSize()
	}
	if m.POI && s.HasPOIs() {
		if n := len(s.Categories()); n != m.Categories {
			return m, fault.New(s.Dir(), fmt.Sprintf("its points have %d categories, the weights of %s are for C = %d", n, c.path, m.Categories),
				"Use the dataset that the checkpoint was trained on.")
		}
		m.POISize = s.POISize()
		flat, err := layers.POIFlat(m.POIEncoder, m.POISize)
		if err != nil || flat != c.flat {
			want := "another size"
			if size > 0 {
				want = fmt.Sprintf("for example %d x %d", size, size)
			}
			return m, fault.New(s.Dir(), fmt.Sprintf("its points are counted on %d x %d pixels, of which the POI encoder (%s) makes %d numbers; the weights of %s are for %d (%s)",
				m.POISize, m.POISize, m.POIEncoder, flat, c.path, c.flat, want), "Build the store with the size of the checkpoint's tiles; the published datasets have 256.")
		}
	}
	return m, nil
}
