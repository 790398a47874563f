package pytorch

import (
	"fmt"
	"slices"
	"strings"

	"opencarbon/layers"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/networks"
)

// infer reads the model's shape off its weights.
func (c *Model) infer(names []string, arrays map[string]safetensors.Array, o Hint) error {
	dim := func(name string, axis int) int {
		if s := arrays[name].Shape; axis < len(s) {
			return s[axis]
		}
		return 0
	}
	has := func(part string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.HasPrefix(n, part) })
	}
	const image, poi = "grid_rep.image_encoder.", "grid_rep.poi_encoder."
	m := layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: has(image), POI: has(poi), Neighborhood: 1, POIEncoder: "k7", SERatio: 4}
	if !m.Image && !m.POI {
		return fmt.Errorf("missing are the names %s* and %s*; it begins with %s", image, poi, strings.Join(names[:min(3, len(names))], ", "))
	}
	m.Embedding = dim("regressor.3.weight", 1)
	if m.Embedding == 0 {
		return fmt.Errorf("missing is regressor.3.weight [1, m]")
	}
	if m.POI {
		m.Categories = dim(poi+"fc1.weight", 1)
		switch k := dim(poi+"fc1.weight", 2); k {
		case 7, 37:
			m.POIEncoder = fmt.Sprint("k", k)
		case 0:
			return fmt.Errorf("missing is %sfc1.weight [32, C, 7, 7] or [32, C, 37, 37]", poi)
		default:
			return fmt.Errorf("%sfc1.weight has kernels of %d pixels; 7 and 37 are known", poi, k)
		}
		c.flat = dim(poi+"fc.weight", 1)
		for size := 256; size >= 32 && m.POISize == 0; size-- { // the published size first
			if flat, err := layers.POIFlat(m.POIEncoder, size); err == nil && flat == c.flat {
				m.POISize = size
			}
		}
		m.SE = has(poi + "se1.")
	}
	if m.Image {
		m.ImageSize = 256
		if m.POISize != 0 {
			m.ImageSize = m.POISize
		}
	}
	gate := arrays[poi+"se2.fc1.weight"].Shape // of 32 channels; the first one of few categories is rounded
	if gate == nil {
		gate = arrays[poi+"se1.fc1.weight"].Shape
	}
	if len(gate) > 1 && gate[0] > 0 {
		m.SERatio = max(1, gate[1]/gate[0])
	}
	if has("neighbor_rep.") {
		m.Neighborhood = 3
		m.Plus = has("neighbor_rep.image_direct.") || has("neighbor_rep.poi_direct.")
	}
	attention := "cross_from_neighborhood"
	if m.Neighborhood == 1 {
		attention = unused // all that is left of them there
	}
	for has(fmt.Sprintf("%s.heads.%d.", attention, m.Heads)) {
		m.Heads++
	}
	switch {
	case has(unused+".") || len(gate) == 4:
		m.Kind, c.Variant = layers.KindPublished, true
	case m.Neighborhood > 1 || len(gate) == 2:
		c.Variant = true
	default:
		if o.Variant != "paper" {
			m.Kind = layers.KindPublished
		}
	}
	if m.Kind == layers.KindPublished && m.Heads == 0 {
		m.Heads = 2
	}
	if o.Variant != "" && o.Variant != networks.Variant(m) {
		return fmt.Errorf("its weights are the %s variant's, not the %s variant's", networks.Variant(m), o.Variant)
	}
	if n := o.Neighborhood; n != 0 {
		if (n > 1) != (m.Neighborhood > 1) {
			return fmt.Errorf("a neighborhood of %d cells does not fit its weights, which have %s", n,
				map[bool]string{true: "a neighborhood", false: "none"}[m.Neighborhood > 1])
		}
		m.Neighborhood = n
	}
	c.Width = m.Neighborhood == 1 || o.Neighborhood > 0
	c.Config = m
	return nil
}

// takeAdam takes over the optimizer's moments under the names of the parameters,
// which PyTorch numbers in the order of the state dict.
func (c *Model) takeAdam(root any, names []string) error {
	adam, err := pth.OptimizerState(root)
	if err != nil || adam == nil {
		return err
	}
	parameters := pth.ParameterNames(names)
	var ids []int64
	for _, g := range adam.Groups {
		ids = append(ids, g.Params...)
	}
	if len(ids) != len(parameters) {
		return fmt.Errorf("it is of %d parameters, the model has %d", len(ids), len(parameters))
	}
	if len(adam.Groups) > 0 {
		c.Group = adam.Groups[0]
	}
	c.Optimizer, c.steps = "adam", map[string]int64{}
	for i, name := range parameters {
		s, ok := adam.State[ids[i]]
		if !ok {
			continue // never stepped: zeros
		}
		if want := c.Arrays["model."+name].Shape; want != nil && !slices.Equal(want, s.ExpAvg.Shape) {
			return fmt.Errorf("exp_avg of %s has the shape %v, the weight %v", name, s.ExpAvg.Shape, want)
		}
		c.steps[name] = s.Step
		c.Arrays["optimizer.exp_avg."+name], c.Arrays["optimizer.exp_avg_sq."+name] = s.ExpAvg, s.ExpAvgSq
	}
	return nil
}
