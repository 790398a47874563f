package train

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/pytorch"
)

// publishedTrainer is a trainer of the reference variant on a store.
func publishedTrainer(t *testing.T, s *store.Store, c *config.Config) *trainer {
	t.Helper()
	tr, err := newTrainer(t.Context(), c, newDataset(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func publishedConfig(encoder string) *config.Config {
	c := config.DefaultsOf("reference")
	c.Name, c.Train.Device, c.Train.LearningRate, c.Train.WeightDecay, c.Train.TargetBias, c.Train.Encode = "published", "cpu", 1e-4, 5e-3, "none", "slices"
	c.Train.Augment = "none"
	c.Model.POIEncoder, c.Train.Alpha, c.Train.ContrastiveWarmupEpochs = encoder, 0.01, 0
	return &c
}

// TestPublishedContinues: training starts from a .pth file, optimizer state
// included, and its export holds the same again.
func TestPublishedContinues(t *testing.T) {
	dir := unpackPublished(t)
	s := publishedStore(t, dir)
	m := publishedCase("reference/k7/3/1")
	names, arrays := publishedWeights(t, m)
	names = pytorch.Order(names)
	adam := &pth.Adam{State: map[int64]pth.AdamState{}, Groups: []pth.AdamGroup{{LR: 1e-4, Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, WeightDecay: 5e-3}}}
	for i, name := range pth.ParameterNames(names) {
		id := int64(1000 - i) // as old PyTorch, which wrote addresses
		adam.Groups[0].Params = append(adam.Groups[0].Params, id)
		if name != "self_grid.linear.bias" { // one never stepped
			adam.State[id] = pth.AdamState{Step: int64(7 + i), ExpAvg: arrays[name], ExpAvgSq: arrays[name]}
		}
	}
	root, err := pth.Checkpoint(names, arrays, adam)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "published.pth")
	if err := writeTree(path, root); err != nil {
		t.Fatal(err)
	}
	c := publishedConfig("k7")
	if err := torch.Run(torch.Options{}, func() {
		tr := publishedTrainer(t, s, c)
		defer tr.close()
		if err := tr.start(path); err != nil {
			t.Error(err)
			return
		}
		state := tr.optimizer.State()
		for i, name := range tr.model.Params().ParameterNames() {
			moment := torch.ToArray(state.Tensors["exp_avg"][i])
			want, steps := arrays[name].Data, int64(7+slices.Index(pth.ParameterNames(names), name))
			if name == "self_grid.linear.bias" {
				want, steps = make([]byte, len(want)), 0
			}
			if string(moment.Data) != string(want) || state.Steps[i] != steps {
				t.Errorf("%s: moments or steps (%d) are not the file's", name, state.Steps[i])
			}
		}
		if err := tr.save(filepath.Join(dir, "ours.safetensors")); err != nil {
			t.Error(err)
		}
		c.Train.OptimizerState = false
		fresh := publishedTrainer(t, s, c)
		defer fresh.close()
		if err := fresh.start(filepath.Join(dir, "ours.safetensors")); err != nil {
			t.Error(err)
		}
		if fresh.optimizer.State().Steps[0] != 0 || string(torch.ToArray(fresh.model.Params().Get("regressor.3.bias")).Data) != string(arrays["regressor.3.bias"].Data) {
			t.Error("train.optimizer_state: false, and yet moments; or other weights")
		}
		for key, change := range map[string]func(*config.Config){
			"model.variant":             func(c *config.Config) { c.SetVariant("paper") },
			"model.poi_encoder":         func(c *config.Config) { c.Model.POIEncoder = "k37" },
			"model.se ":                 func(c *config.Config) { c.Model.SE = false },
			"model.embedding":           func(c *config.Config) { c.Model.Embedding = 16 },
			"model.image_weights":       func(c *config.Config) { c.Model.ImageWeights = "resnet.pth" },
			"model.neighborhood":        func(c *config.Config) { c.Model.Neighborhood = 1 },
			"model.modalities (image)":  func(c *config.Config) { c.Model.Modalities = []string{"poi"} },
			"model.modalities (poi) is": func(c *config.Config) { c.Model.Modalities = []string{"image"} },
		} {
			other := publishedConfig("k7")
			change(other)
			tr := publishedTrainer(t, s, other)
			if err := tr.start(path); !fault.IsInput(err) || !strings.Contains(err.Error(), key) {
				t.Errorf("%s: %v", key, err)
			}
			tr.close()
		}
	}); err != nil {
		t.Fatal(err)
	}
	ours, err := checkpoint.Read(filepath.Join(dir, "ours.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := checkpoint.Export(ours, filepath.Join(dir, "again.pth")); err != nil || n != len(names) {
		t.Fatalf("%d tensors: %v", n, err)
	}
	again, err := pth.ReadFile(filepath.Join(dir, "again.pth"))
	if err != nil {
		t.Fatal(err)
	}
	gotNames, got, err := pth.StateDict(again.Root)
	if err != nil || !slices.Equal(gotNames, names) {
		t.Fatalf("other names: %v", err)
	}
	state, err := pth.OptimizerState(again.Root)
	if err != nil {
		t.Fatal(err)
	}
	if g := state.Groups[0]; g.LR != 1e-4 || g.WeightDecay != 5e-3 || len(state.Groups) != 1 {
		t.Errorf("the optimizer's settings are %+v", g)
	}
	for i, name := range pth.ParameterNames(names) {
		if string(got[name].Data) != string(arrays[name].Data) {
			t.Errorf("%s came back otherwise", name)
		}
		a, ok := state.State[int64(i)]
		if name == "self_grid.linear.bias" {
			if ok {
				t.Errorf("%s was never stepped", name)
			}
		} else if a.Step != int64(7+i) || string(a.ExpAvgSq.Data) != string(arrays[name].Data) {
			t.Errorf("%s: optimizer state came back otherwise (step %d)", name, a.Step)
		}
	}
	if _, err := checkpoint.Export(ours, filepath.Join(dir, "x.onnx")); !fault.IsInput(err) {
		t.Error(err)
	}
}
