package train

import (
	"archive/zip"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/pth"
	"opencarbon/torch/safetensors"
	"opencarbon/train/config"
	"opencarbon/train/progress"
)

// unpackPublished unpacks testdata/published.zip, a dataset that
// testdata/published.py made.
func unpackPublished(t *testing.T) string {
	t.Helper()
	z, err := zip.OpenReader("testdata/published.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := t.TempDir()
	for _, f := range z.File {
		path := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(in)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// publishedCase is published.py's variant/encoder/M/se.
func publishedCase(name string) layers.ModelConfig {
	f := strings.Split(name, "/")
	m, _ := strconv.Atoi(f[2])
	return layers.ModelConfig{Reference: f[0] == "reference", Image: true, POI: true, Categories: 3, ImageSize: 256, POISize: 256,
		Embedding: 32, Neighborhood: m, POIEncoder: f[1], SE: f[3] == "1", SERatio: 4, Heads: 2}
}

// publishedWeights are published.py's build: the state dict in our order.
func publishedWeights(t *testing.T, m layers.ModelConfig) (names []string, arrays map[string]safetensors.Array) {
	t.Helper()
	arrays = map[string]safetensors.Array{}
	if err := torch.Run(torch.Options{}, func() {
		s := layers.NewStore(torch.CPU)
		defer s.Close()
		if _, err := layers.NewModel(s, m); err != nil {
			t.Error(err)
			return
		}
		parityWeights(s)
		torch.NoGrad(func() {
			scale := func(name string, by float64) { s.Get(name).MulScalarInPlace(by) }
			if m.Reference {
				scale("grid_rep.image_encoder.conv1.weight", 1./64)
				scale("regressor.0.weight", 16)
			}
			scale("grid_rep.poi_encoder.fc1.weight", 30)
			s.Get("regressor.3.bias").FillInPlace(9)
			for _, e := range s.Entries() {
				names = append(names, e.Name)
				arrays[e.Name] = torch.ToArray(e.Tensor)
			}
		})
	}); err != nil {
		t.Fatal(err)
	}
	return names, arrays
}

func writePTH(t *testing.T, path string, names []string, arrays map[string]safetensors.Array) {
	t.Helper()
	root, err := pth.Checkpoint(names, arrays, nil)
	if err == nil {
		err = pth.WriteFile(path, root)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// publishedTruth is what published.py found.
type publishedTruth struct {
	Predictions [][3]float64
	Scores      map[string][3]float64 // R2, MAE, RMSE
}

// compare holds the CSV and the scores to 1e-4.
func (p publishedTruth) compare(t *testing.T, name string, got *PublishedScores) {
	t.Helper()
	f, err := os.Open(got.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil || len(rows) != len(p.Predictions)+1 || strings.Join(rows[0], ",") != "x,y,prediction" {
		t.Fatalf("%s: %d rows %v, %v", name, len(rows), rows[0], err)
	}
	worst := 0.0
	for i, want := range p.Predictions {
		if rows[i+1][0] != fmt.Sprint(int(want[0])) || rows[i+1][1] != fmt.Sprint(int(want[1])) {
			t.Fatalf("%s: row %d is tile %v, want %v", name, i, rows[i+1], want)
		}
		v, err := strconv.ParseFloat(rows[i+1][2], 64)
		if d := math.Abs(v - want[2]); err != nil || !(d <= 1e-4) {
			t.Errorf("%s: tile %v is predicted as %v, PyTorch says %v", name, rows[i+1][:2], v, want[2])
		} else {
			worst = math.Max(worst, d)
		}
	}
	scores := 0.0
	for _, s := range got.Splits {
		for i, v := range []float64{s.Ln.R2, s.Ln.MAE, s.Ln.RMSE} {
			want := p.Scores[s.Name][i]
			d := math.Abs(v-want) / math.Max(1, math.Abs(want))
			scores = math.Max(scores, d)
			if !(d <= 1e-4) {
				t.Errorf("%s, %s: %s is %v, scikit-learn says %v", name, s.Name, [...]string{"R2", "MAE", "RMSE"}[i], v, want)
			}
		}
	}
	if len(got.Splits) != 3 {
		t.Errorf("%s: %d splits", name, len(got.Splits))
	}
	t.Logf("%-18s predictions %.1e, R2, MAE, RMSE %.1e", name, worst, scores)
}

// TestPublishedEvaluation goes from the files of a dataset and a checkpoint to
// predictions and scores, and compares them with a PyTorch program's.
func TestPublishedEvaluation(t *testing.T) {
	text, err := os.ReadFile("testdata/published.json")
	if err != nil {
		t.Fatal(err)
	}
	var truth map[string]publishedTruth
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	dir := unpackPublished(t)
	for _, name := range []string{"reference/k7/3/1", "reference/k37/5/0", "reference/k7/1/1", "paper/k7/3/1"} {
		m := publishedCase(name)
		path := filepath.Join(dir, "model.pth")
		names, arrays := publishedWeights(t, m)
		writePTH(t, path, names, arrays)
		o := PublishedModel{}
		if m.Neighborhood == 5 {
			o.Neighborhood = 5
		}
		c, err := ReadModel(path, o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := PredictPublished(context.Background(), c, PublishedOptions{Dir: dir, Store: filepath.Join(dir, "store"),
			Out: filepath.Join(dir, "out", "predictions.csv"), Device: "cpu", Progress: progress.Options{Quiet: true}})
		if err != nil {
			t.Fatal(err)
		}
		if m.Neighborhood == 1 {
			m.Heads = 0
		}
		if c.Header.Model != m {
			t.Errorf("%s: the model is taken for %+v", name, c.Header.Model)
		}
		truth[name].compare(t, name, got)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "out", "*")); len(left) != 1 {
		t.Errorf("left behind: %v", left)
	}
}

// TestPublishedNames: the reference variant's state dict has the published
// program's names, exactly.
func TestPublishedNames(t *testing.T) {
	const (
		wb    = `\.(weight|bias)`
		bn    = `\.(weight|bias|running_mean|running_var|num_batches_tracked)`
		heads = `\.(heads\.[01]\.[qkv]|linear)` + wb
	)
	resnet := `grid_rep\.image_encoder\.(conv1\.weight|bn1` + bn + `|fc` + wb + `|layer[1-4]\.[01]\.(conv[12]\.weight|bn[12]` + bn +
		`)|layer[2-4]\.0\.downsample\.(0\.weight|1` + bn + `))`
	gates := `|grid_rep\.poi_encoder\.se1\.fc[12]` + wb
	k7 := `grid_rep\.poi_encoder\.((fc[123]|fc)` + wb + `|bn[12]` + bn + `)`
	k37 := `grid_rep\.poi_encoder\.(fc1\.weight|(fc2|fc)` + wb + `|bn1` + bn + `)`
	around := `|neighbor_rep\.((image|poi)_encoder\.[02]|(image|poi)_fc)` + wb + `|(cross_from_neighborhood|self_grid|self_neighbor)` + heads +
		`|neighbor_agg\.(l1` + wb + `|l2\.weight)`
	rest := `|grid_agg\.(l1` + wb + `|l2\.weight)|regressor\.([03]` + wb + `|2` + bn + `)`
	for _, c := range []struct {
		name, pattern string
		count         int
	}{
		{"reference/k7/3/1", resnet + `|` + k7 + gates + `|grid_rep\.poi_encoder\.se2\.fc[12]` + wb + around + rest, 217},
		{"reference/k37/5/1", resnet + `|` + k37 + gates + around + rest, 205},
		{"reference/k7/3/0", resnet + `|` + k7 + around + rest, 209},
		{"reference/k7/1/1", resnet + `|` + k7 + gates + `|grid_rep\.poi_encoder\.se2\.fc[12]` + wb + rest, 160},
	} {
		var names []string
		if err := torch.Run(torch.Options{}, func() {
			s := layers.NewStore(torch.CPU)
			defer s.Close()
			if _, err := layers.NewModel(s, publishedCase(c.name)); err != nil {
				t.Error(err)
			}
			for _, e := range s.Entries() {
				names = append(names, e.Name)
			}
		}); err != nil {
			t.Fatal(err)
		}
		pattern := regexp.MustCompile(`^(` + c.pattern + `)$`)
		for _, n := range names {
			if !pattern.MatchString(n) {
				t.Errorf("%s: %s is no name of the published program", c.name, n)
			}
		}
		if len(names) != c.count {
			t.Errorf("%s: %d names, want %d", c.name, len(names), c.count)
		}
	}
}

// TestPublishedErrors: a checkpoint or dataset that does not fit says what is
// wrong, as something to mend.
func TestPublishedErrors(t *testing.T) {
	dir := unpackPublished(t)
	spec := data.Config{Store: filepath.Join(dir, "store"), Published: data.Published{Dir: dir}}
	if _, err := data.Build(context.Background(), &spec, data.Options{Name: "published"}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(spec.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	full := publishedCase("reference/k7/3/1")
	small, many := full, full
	small.ImageSize, small.POISize, many.Categories = 64, 64, 17
	names, all := publishedWeights(t, full)
	without := func(drop func(string) bool) []string {
		return slices.DeleteFunc(slices.Clone(names), drop)
	}
	is := func(name string) func(string) bool { return func(n string) bool { return n == name } }
	smallNames, smallArrays := publishedWeights(t, small)
	manyNames, manyArrays := publishedWeights(t, many)
	surplus := map[string]safetensors.Array{"self_grid.heads.2.q.weight": {DType: "F32", Shape: []int{1, 1}, Data: make([]byte, 4)}}
	for n, a := range all {
		surplus[n] = a
	}
	resnet := map[string]safetensors.Array{}
	var resnetNames []string
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, "grid_rep.image_encoder."); ok {
			resnetNames = append(resnetNames, rest)
			resnet[rest] = all[n]
		}
	}
	for _, c := range []struct {
		name   string
		names  []string
		arrays map[string]safetensors.Array
		o      PublishedModel
		want   []string
	}{
		{"missing", without(is("self_grid.linear.bias")), all, PublishedModel{}, []string{"missing self_grid.linear.bias", "reference variant"}},
		{"surplus", append(slices.Clone(names), "self_grid.heads.2.q.weight"), surplus, PublishedModel{}, []string{"surplus self_grid.heads.2.q.weight"}},
		{"no head", without(is("regressor.3.weight")), all, PublishedModel{}, []string{"missing is regressor.3.weight"}},
		{"a ResNet", resnetNames, resnet, PublishedModel{}, []string{"ResNet alone", "model.image_weights"}},
		{"nothing of ours", []string{"self_grid.linear.bias"}, all, PublishedModel{}, []string{"missing are the names grid_rep.image_encoder.*", "self_grid.linear.bias"}},
		{"another image size", smallNames, smallArrays, PublishedModel{}, []string{"256 x 256 pixels", "100 numbers", "are for 4"}},
		{"other categories", manyNames, manyArrays, PublishedModel{}, []string{"3 categories", "C = 17"}},
		{"the other variant", names, all, PublishedModel{Variant: "paper"}, []string{"reference variant's, not the paper variant's"}},
		{"no neighborhood", names, all, PublishedModel{Neighborhood: 1}, []string{"neighborhood of 1 cells does not fit"}},
	} {
		path := filepath.Join(dir, "bad.pth")
		writePTH(t, path, c.names, c.arrays)
		checkpoint, err := ReadModel(path, c.o)
		if err == nil {
			_, err = PredictPublished(context.Background(), checkpoint, PublishedOptions{Dir: dir, Store: spec.Store,
				Out: filepath.Join(dir, "bad.csv"), Device: "cpu", Progress: progress.Options{Quiet: true}})
		}
		if err == nil || !fault.IsInput(err) {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is not in: %v", c.name, w, err)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "bad.csv")); err == nil {
			t.Errorf("%s: a CSV was written", c.name)
		}
	}
	for _, o := range []PublishedModel{{Variant: "other"}, {Neighborhood: 4}, {Neighborhood: 3}} {
		if _, err := ReadModel("x.safetensors", o); !fault.IsInput(err) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// Neutral surplus: a score's constant, and what old PyTorch left out.
	tolerated := map[string]safetensors.Array{"grid_agg.l2.bias": {DType: "F32", Shape: []int{1}, Data: make([]byte, 4)}}
	for n, a := range all {
		tolerated[n] = a
	}
	path := filepath.Join(dir, "old.pth")
	writePTH(t, path, append(without(func(n string) bool { return strings.HasSuffix(n, "num_batches_tracked") }), "grid_agg.l2.bias"), tolerated)
	checkpoint, err := ReadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Export(checkpoint, filepath.Join(dir, "new.pth")); err != nil || n != len(names) {
		t.Errorf("%d tensors, want %d: %v", n, len(names), err)
	}
}

// publishedTrainer is a trainer of the reference variant on a store.
func publishedTrainer(t *testing.T, s *store.Store, c *config.Config) *trainer {
	t.Helper()
	tr, err := newTrainer(c, newDataset(s), nil)
	if err != nil {
		t.Fatal(err)
	}
	return tr
}

func publishedConfig(encoder string) *config.Config {
	c := config.Defaults()
	c.Name, c.Train.Device, c.Train.LearningRate, c.Train.WeightDecay, c.Train.TargetBias, c.Train.Encode = "published", "cpu", 1e-4, 5e-3, "none", "slices"
	c.Model.Variant, c.Model.POIEncoder, c.Train.Alpha, c.Train.ContrastiveWarmupEpochs = "reference", encoder, 0.01, 0
	return &c
}

// TestPublishedContinues: training starts from a .pth file, optimiser state
// included, and its export holds the same again.
func TestPublishedContinues(t *testing.T) {
	dir := unpackPublished(t)
	spec := data.Config{Store: filepath.Join(dir, "store"), Published: data.Published{Dir: dir}}
	if _, err := data.Build(context.Background(), &spec, data.Options{Name: "published"}); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(spec.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	m := publishedCase("reference/k7/3/1")
	names, arrays := publishedWeights(t, m)
	names = inPublishedOrder(names)
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
	if err := pth.WriteFile(path, root); err != nil {
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
		for i, name := range tr.model.Store.ParameterNames() {
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
		if fresh.optimizer.State().Steps[0] != 0 || string(torch.ToArray(fresh.model.Store.Get("regressor.3.bias")).Data) != string(arrays["regressor.3.bias"].Data) {
			t.Error("train.optimizer_state: false, and yet moments; or other weights")
		}
		for key, change := range map[string]func(*config.Config){
			"model.variant":             func(c *config.Config) { c.Model.Variant = "paper" },
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
	ours, err := ReadCheckpoint(filepath.Join(dir, "ours.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Export(ours, filepath.Join(dir, "again.pth")); err != nil || n != len(names) {
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
		t.Errorf("the optimiser's settings are %+v", g)
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
			t.Errorf("%s: optimiser state came back otherwise (step %d)", name, a.Step)
		}
	}
	if _, err := Export(ours, filepath.Join(dir, "x.onnx")); !fault.IsInput(err) {
		t.Error(err)
	}
}

// TestPublishedLive lets a PyTorch program make dataset, checkpoint (in the
// published layout, with Adam's state) and predictions; these must come out here
// too, and the export of the checkpoint must be the same to PyTorch.
func TestPublishedLive(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	for _, encoder := range []string{"k7", "k37"} {
		dir := t.TempDir()
		cmd := exec.Command("/usr/bin/python3", "published.py", dir, encoder)
		cmd.Dir, cmd.Stderr = "testdata", os.Stderr
		if err := cmd.Run(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var truth publishedTruth
		if err := json.Unmarshal(text, &truth); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, "published.pth")
		file, err := pth.ReadFile(path)
		if err != nil || file.Layout != "stream" {
			t.Fatalf("%v", err)
		}
		pythonNames, _, err := pth.StateDict(file.Root)
		if err != nil {
			t.Fatal(err)
		}
		c, err := ReadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := PredictPublished(context.Background(), c, PublishedOptions{Dir: dir, Store: filepath.Join(dir, "store"),
			Out: filepath.Join(dir, "predictions.csv"), Device: "cpu", Progress: progress.Options{Quiet: true}})
		if err != nil {
			t.Fatal(err)
		}
		truth.compare(t, encoder, got)
		out := filepath.Join(dir, "export.pth")
		if _, err := Export(c, out); err != nil {
			t.Fatal(err)
		}
		exported, err := pth.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if names, _, err := pth.StateDict(exported.Root); err != nil || !slices.Equal(names, pythonNames) {
			t.Errorf("the export has other names, or in another order: %v", err)
		}
		python := "/usr/bin/python3"
		if p := os.Getenv("PYTHON2X"); p != "" { // a torch 2.x, whose weights_only is strict
			python = p
		}
		cmd = exec.Command(python, "-c", `
import sys, torch
kw = {} if torch.__version__ < "2" else {"weights_only": True}
a, b = torch.load(sys.argv[1]), torch.load(sys.argv[2], **kw)
assert list(a["model_state_dict"]) == list(b["model_state_dict"])
for k, v in a["model_state_dict"].items(): assert torch.equal(v, b["model_state_dict"][k]), k
x, y = a["optimizer_state_dict"], b["optimizer_state_dict"]
assert x["param_groups"][0]["params"] == y["param_groups"][0]["params"]
for i, s in x["state"].items():
    for k in ["exp_avg", "exp_avg_sq"]: assert torch.equal(s[k], y["state"][i][k]), (i, k)
    assert float(s["step"]) == float(y["state"][i]["step"])
print(torch.__version__, len(a["model_state_dict"]), "tensors equal")`, path, out)
		text, err = cmd.CombinedOutput()
		if err != nil {
			t.Errorf("PyTorch on the export: %v\n%s", err, text)
		}
		t.Logf("%s: %s", encoder, strings.TrimSpace(string(text)))
	}
}
