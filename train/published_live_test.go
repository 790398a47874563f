package train

import (
	"context"
	"encoding/json"
	"fmt"
	maplib "maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"opencarbon/torch/pth"
	"opencarbon/train/checkpoint"
	"opencarbon/train/progress"
	"opencarbon/train/pytorch"
)

// publishedLiveCases are all widths, encoders and ablations of the published
// program: variant/encoder/M/se, M = 1 being the one without neighborhood.
var publishedLiveCases = func() (list []string) {
	for _, m := range []int{1, 3, 5, 7} {
		for _, encoder := range []string{"k7", "k37"} {
			for _, se := range []int{1, 0} {
				list = append(list, fmt.Sprintf("reference/%s/%d/%d", encoder, m, se))
			}
		}
	}
	return list
}()

// TestPublishedLive lets a PyTorch program make dataset, checkpoint (in the
// published layout, with Adam's state) and predictions; these must come out here
// too, and the export of the checkpoint must be the same to PyTorch.
func TestPublishedLive(t *testing.T) {
	if !*parityLive {
		t.Skip("give -parity.live to run PyTorch beside")
	}
	pattern, err := regexp.Compile(*parityCases)
	if err != nil {
		t.Fatal(err)
	}
	// Weights of all neighborhoods have the same shapes: one checkpoint is for all widths.
	groups := map[string][]string{}
	for _, name := range publishedLiveCases {
		if pattern.MatchString(name) {
			f := strings.Split(name, "/")
			key := fmt.Sprint(f[1], f[3], f[2] == "1")
			groups[key] = append(groups[key], name)
		}
	}
	for _, key := range slices.Sorted(maplib.Keys(groups)) {
		cases := groups[key]
		dir := t.TempDir()
		if err := python(t, "published.py", dir, strings.Join(cases, ",")).Wait(); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "expected.json"))
		if err != nil {
			t.Fatal(err)
		}
		var truth map[string]publishedTruth
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
		var c *checkpoint.Checkpoint
		for _, name := range cases {
			m := publishedCase(name)
			if c, err = checkpoint.ReadHinted(path, pytorch.Hint{Neighborhood: m.Neighborhood}); err != nil {
				t.Fatal(err)
			}
			got, err := PredictPublished(context.Background(), c, PublishedOptions{Dir: dir, Store: filepath.Join(dir, "store"),
				Out: filepath.Join(dir, "predictions.csv"), Device: "cpu", Progress: progress.Options{Quiet: true}})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c.Header.Model, m) {
				t.Errorf("%s: the model is taken for %+v", name, c.Header.Model)
			}
			truth[name].compare(t, name, got, 1e-6)
			t.Logf("%-18s PyTorch in float32, itself in float64: %.1e; standard deviation of the predictions %.2g", name, truth[name].Control, truth[name].Spread)
		}
		out := filepath.Join(dir, "export.pth")
		if _, err := checkpoint.Export(c, out); err != nil {
			t.Fatal(err)
		}
		exported, err := pth.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		if names, _, err := pth.StateDict(exported.Root); err != nil || !slices.Equal(names, pythonNames) {
			t.Errorf("the export has other names, or in another order: %v", err)
		}
		program := "/usr/bin/python3"
		if p := os.Getenv("PYTHON2X"); p != "" { // a torch 2.x, whose weights_only is strict
			program = p
		}
		cmd := exec.Command(program, "-c", `
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
		t.Logf("%s: %s", cases[0], strings.TrimSpace(string(text)))
	}
}
