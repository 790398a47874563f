package pytorch

import (
	"fmt"
	"io"

	"opencarbon/data/fault"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/atomicfile"
)

// State is what there is to write of a model.
type State struct {
	Path                      string // of our own checkpoint
	Names                     []string
	Arrays                    map[string]safetensors.Array // model.NAME, optimizer.exp_avg.NAME, optimizer.exp_avg_sq.NAME
	Optimizer                 string                       // its state is written of adam and adamw
	Steps                     []int64                      // its count for each parameter among Names
	LearningRate, WeightDecay float64
}

// Write writes a .pth file in PyTorch's zip layout, which torch.load reads with
// weights_only=True: {model_state_dict, optimizer_state_dict} under the published
// program's names. It returns the number of tensors in the state dict.
func Write(out string, s State) (int, error) {
	steps := map[string]int64{}
	for i, name := range pth.ParameterNames(s.Names) {
		if i < len(s.Steps) {
			steps[name] = s.Steps[i]
		}
	}
	names := Order(s.Names)
	arrays := map[string]safetensors.Array{}
	for _, name := range names {
		arrays[name] = s.Arrays["model."+name]
	}
	var adam *pth.Adam
	if s.Optimizer == "adam" || s.Optimizer == "adamw" {
		adam = &pth.Adam{State: map[int64]pth.AdamState{}}
		g := pth.AdamGroup{LR: s.LearningRate, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: s.WeightDecay}
		for i, name := range pth.ParameterNames(names) {
			g.Params = append(g.Params, int64(i))
			m, ok := s.Arrays["optimizer.exp_avg."+name]
			if ok && steps[name] > 0 {
				adam.State[int64(i)] = pth.AdamState{Step: steps[name], ExpAvg: m, ExpAvgSq: s.Arrays["optimizer.exp_avg_sq."+name]}
			}
		}
		adam.Groups = []pth.AdamGroup{g}
	}
	root, err := pth.Checkpoint(names, arrays, adam)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.Path, err)
	}
	if err := atomicfile.Write(out, func(w io.Writer) error { return pth.Write(w, root) }); err != nil {
		return 0, fault.Wrap(err, out, "cannot be written", "Give another place with --out.")
	}
	return len(names), nil
}
