package train

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
)

// publishedOrder is the order in which the published program registers its
// modules, which is how its optimizer numbers their parameters.
var publishedOrder = []string{
	"grid_rep.image_encoder.",
	"grid_rep.poi_encoder.fc1.", "grid_rep.poi_encoder.bn1.", "grid_rep.poi_encoder.fc2.", "grid_rep.poi_encoder.bn2.",
	"grid_rep.poi_encoder.fc3.", "grid_rep.poi_encoder.fc.", "grid_rep.poi_encoder.se1.", "grid_rep.poi_encoder.se2.", "grid_rep.poi_encoder.se3.",
	"neighbor_rep.image_encoder.", "neighbor_rep.image_fc.", "neighbor_rep.image_direct.", "neighbor_rep.poi_encoder.", "neighbor_rep.poi_fc.", "neighbor_rep.poi_direct.",
	"cross_from_neighborhood.", "self_grid.", "self_neighbor.", "grid_agg.", "neighbor_agg.", "regressor.",
}

// inPublishedOrder sorts names, which are in the order of the model's own
// registration, as the published program has them.
func inPublishedOrder(names []string) []string {
	rank := func(name string) int {
		if i := slices.IndexFunc(publishedOrder, func(p string) bool { return strings.HasPrefix(name, p) }); i >= 0 {
			return i
		}
		return len(publishedOrder) // a module that the published program has not
	}
	names = slices.Clone(names)
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// Export writes a checkpoint as a .pth file in PyTorch's zip layout, which
// torch.load reads with weights_only=True: {model_state_dict,
// optimizer_state_dict} under the published program's names. The optimizer's
// state is written where the checkpoint has one of Adam's. It returns the
// number of tensors in the state dict.
func Export(c *Checkpoint, out string) (int, error) {
	cfg, err := c.Experiment()
	if err != nil {
		return 0, err
	}
	if !isPublished(out) {
		return 0, fault.New(out, "is no name of a PyTorch checkpoint", "Let it end in .pth.")
	}
	var names []string
	var failed error
	if err := torch.Run(torch.Options{}, func() {
		m, err := c.network(torch.CPU) // the weights are whole, and of the right shapes
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
	steps := map[string]int64{}
	for i, name := range pth.ParameterNames(names) {
		if i < len(c.Header.Steps) {
			steps[name] = c.Header.Steps[i]
		}
	}
	names = inPublishedOrder(names)
	arrays := map[string]safetensors.Array{}
	for _, name := range names {
		arrays[name] = c.arrays["model."+name]
	}
	var adam *pth.Adam
	if c.Header.Optimizer == "adam" || c.Header.Optimizer == "adamw" {
		adam = &pth.Adam{State: map[int64]pth.AdamState{}}
		g := pth.AdamGroup{LR: cfg.Train.LearningRate, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: cfg.Train.WeightDecay}
		for i, name := range pth.ParameterNames(names) {
			g.Params = append(g.Params, int64(i))
			m, ok := c.arrays["optimizer.exp_avg."+name]
			if ok && steps[name] > 0 {
				adam.State[int64(i)] = pth.AdamState{Step: steps[name], ExpAvg: m, ExpAvgSq: c.arrays["optimizer.exp_avg_sq."+name]}
			}
		}
		adam.Groups = []pth.AdamGroup{g}
	}
	root, err := pth.Checkpoint(names, arrays, adam)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c.Path, err)
	}
	if err := atomicfile.Write(out, func(w io.Writer) error { return pth.Write(w, root) }); err != nil {
		return 0, fault.Wrap(err, out, "cannot be written", "Give another place with --out.")
	}
	return len(names), nil
}
