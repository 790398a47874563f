package train

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/config"
)

// foreign is what a checkpoint of PyTorch has beside its weights. It lacks the
// config, the categories' names and the size of the tiles: the model's shape is
// read off names and shapes of the weights, the rest is taken from the first
// store that the checkpoint meets.
type foreign struct {
	met     bool             // a store has been met
	width   bool             // M is known: it was said, or there is no neighborhood
	variant bool             // the weights themselves tell the variant
	flat    int              // width of the POI encoder's last layer: the pixels that the convolutions leave
	group   pth.AdamGroup    // the optimizer's settings
	steps   map[string]int64 // its count for each parameter
}

// PublishedModel is what the weights of a .pth checkpoint do not tell. Zero
// values: M is asked for where the model has a neighborhood and meets a store;
// the reference variant.
type PublishedModel struct {
	Neighborhood int    // M; the weights are of one shape for all and only tell whether there is a neighborhood
	Variant      string // paper | reference, for weights without gates and neighborhood, which are the same in both
}

// isPublished reports whether a path is named as PyTorch's checkpoints are.
func isPublished(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".pth", ".pt", ".tar", ".pkl", ".bin", ".ckpt":
		return true
	}
	return false
}

// ReadModel is ReadCheckpoint with an answer to what a .pth file does not tell;
// one that a checkpoint of ours cannot need is refused.
func ReadModel(path string, o PublishedModel) (*Checkpoint, error) {
	if o.Variant != "" && o.Variant != "paper" && o.Variant != "reference" {
		return nil, fault.New("--variant", fmt.Sprintf("%q is unknown", o.Variant), "Use paper or reference.")
	}
	if n := o.Neighborhood; n != 0 && n != 1 && n != 3 && n != 5 && n != 7 {
		return nil, fault.New("--neighborhood", fmt.Sprintf("is %d", n), "Use 1, 3, 5 or 7.")
	}
	if isPublished(path) {
		return ReadPublished(path, o)
	}
	if o != (PublishedModel{}) {
		return nil, fault.New("--neighborhood, --variant", "are for .pth checkpoints; "+path+" knows its own", "Leave them away.")
	}
	return ReadCheckpoint(path)
}

// ReadPublished reads a checkpoint of the published program, or one that Export
// wrote: a state dict alone or under model_state_dict, with Adam's state under
// optimizer_state_dict if it is there. The result can be used wherever a
// checkpoint of ours can.
func ReadPublished(path string, o PublishedModel) (*Checkpoint, error) {
	const remedy = "Give a checkpoint of the published program, or a .safetensors file that go run ./cmd/train wrote."
	file, err := readPTH(path)
	if err != nil {
		return nil, fault.Wrap(err, "checkpoint", "cannot be used", remedy)
	}
	names, arrays, err := pth.StateDict(file.Root)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be used", remedy)
	}
	if arrays["layer1.0.conv1.weight"].Shape != nil {
		return nil, fault.New(path, "holds a ResNet alone, not an OpenCarbon model", "To start training from ImageNet weights, name it in model.image_weights. "+remedy)
	}
	c := &Checkpoint{Path: path, arrays: map[string]safetensors.Array{}, foreign: &foreign{}}
	for _, name := range names {
		// A constant added to both modalities' scores leaves their softmax as it is.
		if name != "grid_agg.l2.bias" && name != "neighbor_agg.l2.bias" {
			c.arrays["model."+name] = arrays[name]
		}
	}
	if err := c.infer(names, arrays, o); err != nil {
		return nil, fault.Wrap(err, path, "holds no model that can be used here", remedy)
	}
	if err := c.takeAdam(file.Root, names); err != nil {
		return nil, fault.Wrap(err, path, "its optimizer state cannot be used", "Save the checkpoint without it.")
	}
	m := c.Header.Model
	cfg := config.DefaultsOf(variant(m))
	cfg.Name, cfg.Train.TargetBias, cfg.Train.Encode, cfg.Train.Augment = "published", "none", "slices", "none"
	cfg.Model.Embedding, cfg.Model.Neighborhood = m.Embedding, m.Neighborhood
	cfg.Model.POIEncoder, cfg.Model.SE, cfg.Model.SERatio, cfg.Model.AttentionHeads = m.POIEncoder, m.SE, m.SERatio, max(1, m.Heads)
	cfg.Model.Modalities = nil
	if m.Image {
		cfg.Model.Modalities = append(cfg.Model.Modalities, "image")
	}
	if m.POI {
		cfg.Model.Modalities = append(cfg.Model.Modalities, "poi")
	}
	cfg.Model.Contrastive = m.Image && m.POI
	if g := c.foreign.group; g.LR > 0 && g.LR <= 10 && g.WeightDecay >= 0 && g.WeightDecay <= 10 {
		cfg.Train.LearningRate, cfg.Train.WeightDecay = g.LR, g.WeightDecay
	}
	text, err := cfg.YAML()
	if err != nil {
		return nil, err
	}
	c.Header.Format, c.Header.Program, c.Header.Config = checkpointFormat, "PyTorch", string(text)
	return c, nil
}

// readPTH reads a file of PyTorch's.
func readPTH(path string) (*pth.File, error) {
	var irregular *regular.Error
	if err := regular.Check(path); errors.As(err, &irregular) {
		return nil, fault.New(path, err.Error(), regular.Remedy)
	}
	return pth.ReadFile(path)
}

func variant(m layers.ModelConfig) string {
	switch {
	case m.Kind == layers.KindPublished:
		return "reference"
	case m.Plus:
		return "plus"
	case m.Kind != layers.KindOpenCarbon && m.Kind != "":
		return m.Kind
	}
	return "paper"
}

// infer reads the model's shape off its weights.
func (c *Checkpoint) infer(names []string, arrays map[string]safetensors.Array, o PublishedModel) error {
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
		c.foreign.flat = dim(poi+"fc.weight", 1)
		for size := 256; size >= 32 && m.POISize == 0; size-- { // the published size first
			if flat, err := layers.POIFlat(m.POIEncoder, size); err == nil && flat == c.foreign.flat {
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
		m.Kind, c.foreign.variant = layers.KindPublished, true
	case m.Neighborhood > 1 || len(gate) == 2:
		c.foreign.variant = true
	default:
		if o.Variant != "paper" {
			m.Kind = layers.KindPublished
		}
	}
	if m.Kind == layers.KindPublished && m.Heads == 0 {
		m.Heads = 2
	}
	if o.Variant != "" && o.Variant != variant(m) {
		return fmt.Errorf("its weights are the %s variant's, not the %s variant's", variant(m), o.Variant)
	}
	if n := o.Neighborhood; n != 0 {
		if (n > 1) != (m.Neighborhood > 1) {
			return fmt.Errorf("a neighborhood of %d cells does not fit its weights, which have %s", n,
				map[bool]string{true: "a neighborhood", false: "none"}[m.Neighborhood > 1])
		}
		m.Neighborhood = n
	}
	c.foreign.width = m.Neighborhood == 1 || o.Neighborhood > 0
	c.Header.Model = m
	return nil
}

// takeAdam takes over the optimizer's moments under the names of the parameters,
// which PyTorch numbers in the order of the state dict.
func (c *Checkpoint) takeAdam(root any, names []string) error {
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
		c.foreign.group = adam.Groups[0]
	}
	c.Header.Optimizer, c.foreign.steps = "adam", map[string]int64{}
	for i, name := range parameters {
		s, ok := adam.State[ids[i]]
		if !ok {
			continue // never stepped: zeros
		}
		if want := c.arrays["model."+name].Shape; want != nil && !slices.Equal(want, s.ExpAvg.Shape) {
			return fmt.Errorf("exp_avg of %s has the shape %v, the weight %v", name, s.ExpAvg.Shape, want)
		}
		c.foreign.steps[name] = s.Step
		c.arrays["optimizer.exp_avg."+name], c.arrays["optimizer.exp_avg_sq."+name] = s.ExpAvg, s.ExpAvgSq
	}
	return nil
}

// unused is the layer that the published program keeps without a neighborhood,
// and does not use.
const unused = "self_grid"

// addUnused gives a checkpoint without the unused layer (of a program that did
// not keep it) the model's fresh one.
func (c *Checkpoint) addUnused(s *layers.Params) {
	if c.Header.Model.Neighborhood > 1 {
		return
	}
	for _, e := range s.Entries() {
		if _, ok := c.arrays["model."+e.Name]; !ok && strings.HasPrefix(e.Name, unused+".") {
			c.arrays["model."+e.Name] = torch.ToArray(e.Tensor)
		}
	}
}

// complete adds what old files and fresh optimizers leave out, once the model
// is there.
func (c *Checkpoint) complete(s *layers.Params) {
	for _, e := range s.Entries() {
		key := "model." + e.Name
		if _, ok := c.arrays[key]; !ok && strings.HasSuffix(e.Name, ".num_batches_tracked") {
			c.arrays[key] = torch.ToArray(torch.Scalar(0, torch.Int64))
		}
	}
	c.Header.Steps = nil
	if c.Header.Optimizer == "" {
		return
	}
	for _, name := range s.ParameterNames() {
		c.Header.Steps = append(c.Header.Steps, c.foreign.steps[name])
		for _, kind := range []string{"exp_avg.", "exp_avg_sq."} {
			if _, ok := c.arrays["optimizer."+kind+name]; !ok {
				w := c.arrays["model."+name]
				c.arrays["optimizer."+kind+name] = safetensors.Array{DType: w.DType, Shape: w.Shape, Data: make([]byte, len(w.Data))}
			}
		}
	}
}

// meet takes from a store what the weights do not tell, and says what cannot
// be.
func (c *Checkpoint) meet(s *store.Store) error {
	f, h := c.foreign, &c.Header
	if f.met {
		return nil
	}
	if !f.width {
		return fault.New(c.Path, "its weights do not tell how many cells the neighborhood is wide: they fit M = 3, 5 and 7",
			"Say what it was trained with: --neighborhood 3, 5 or 7 (of the published program's --neighborhood_size k: 2k + 1).")
	}
	m := h.Model
	if m.Image && s.HasImages() {
		m.ImageSize = s.ImageSize()
	}
	if m.POI && s.HasPOIs() {
		if n := len(s.Categories()); n != m.Categories {
			return fault.New(s.Dir(), fmt.Sprintf("its points have %d categories, the weights of %s are for C = %d", n, c.Path, m.Categories),
				"Use the dataset that the checkpoint was trained on.")
		}
		m.POISize = s.POISize()
		flat, err := layers.POIFlat(m.POIEncoder, m.POISize)
		if err != nil || flat != f.flat {
			want := "another size"
			if h.Model.POISize > 0 {
				want = fmt.Sprintf("for example %d x %d", h.Model.POISize, h.Model.POISize)
			}
			return fault.New(s.Dir(), fmt.Sprintf("its points are counted on %d x %d pixels, of which the POI encoder (%s) makes %d numbers; the weights of %s are for %d (%s)",
				m.POISize, m.POISize, m.POIEncoder, flat, c.Path, f.flat, want), "Build the store with the size of the checkpoint's tiles; the published datasets have 256.")
		}
	}
	meta := s.Meta()
	h.Model, h.Categories, h.Normalization, h.Grid, h.TargetUnit = m, s.Categories(), meta.Normalization, meta.Grid, meta.TargetUnit
	f.met = true
	return nil
}
