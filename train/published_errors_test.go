package train

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/torch/safetensors"
	"opencarbon/train/checkpoint"
	"opencarbon/train/progress"
	"opencarbon/train/pytorch"
)

// TestPublishedErrors: a checkpoint or dataset that does not fit says what is
// wrong, as something to mend.
func TestPublishedErrors(t *testing.T) {
	dir := unpackPublished(t)
	publishedStore(t, dir)
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
	biased := map[string]safetensors.Array{"grid_rep.poi_encoder.fc2.bias": {DType: "F32", Shape: []int{32}, Data: make([]byte, 128)}}
	for n, a := range all {
		biased[n] = a
	}
	resnet := map[string]safetensors.Array{}
	var resnetNames []string
	for _, n := range names {
		if rest, ok := strings.CutPrefix(n, "grid_rep.image_encoder."); ok {
			resnetNames = append(resnetNames, rest)
			resnet[rest] = all[n]
		}
	}
	three := pytorch.Hint{Neighborhood: 3}
	for _, c := range []struct {
		name   string
		names  []string
		arrays map[string]safetensors.Array
		o      pytorch.Hint
		want   []string
	}{
		{"missing", without(is("self_grid.linear.bias")), all, three, []string{"missing self_grid.linear.bias", "reference variant"}},
		{"surplus", append(slices.Clone(names), "self_grid.heads.2.q.weight"), surplus, three, []string{"surplus self_grid.heads.2.q.weight"}},
		{"no head", without(is("regressor.3.weight")), all, pytorch.Hint{}, []string{"missing is regressor.3.weight"}},
		{"a ResNet", resnetNames, resnet, pytorch.Hint{}, []string{"ResNet alone", "model.image_weights"}},
		{"nothing of ours", []string{"self_grid.linear.bias"}, all, pytorch.Hint{}, []string{"missing are the names grid_rep.image_encoder.*", "self_grid.linear.bias"}},
		{"another image size", smallNames, smallArrays, three, []string{"256 x 256 pixels", "100 numbers", "are for 4"}},
		{"other categories", manyNames, manyArrays, three, []string{"3 categories", "C = 17"}},
		{"the other variant", names, all, pytorch.Hint{Variant: "paper"}, []string{"reference variant's, not the paper variant's"}},
		{"no neighborhood", names, all, pytorch.Hint{Neighborhood: 1}, []string{"neighborhood of 1 cells does not fit"}},
		{"biases", append(slices.Clone(names), "grid_rep.poi_encoder.fc2.bias"), biased, three, []string{"older version", "surplus grid_rep.poi_encoder.fc2.bias"}},
		{"no width", names, all, pytorch.Hint{}, []string{"do not tell", "M = 3, 5 and 7", "--neighborhood"}},
	} {
		path := filepath.Join(dir, "bad.pth")
		writePTH(t, path, c.names, c.arrays)
		k, err := checkpoint.ReadHinted(path, c.o)
		if err == nil {
			_, err = PredictPublished(context.Background(), k, PublishedOptions{Dir: dir, Store: filepath.Join(dir, "store"),
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
	for _, o := range []pytorch.Hint{{Variant: "other"}, {Neighborhood: 4}, {Neighborhood: 3}} {
		if _, err := checkpoint.ReadHinted("x.safetensors", o); !fault.IsInput(err) {
			t.Errorf("%+v: %v", o, err)
		}
	}
	// Without a neighborhood the published program keeps a layer that it does not use; a file may lack it.
	alone := publishedCase("reference/k7/1/1")
	aloneNames, aloneArrays := publishedWeights(t, alone)
	lacking := filepath.Join(dir, "lacking.pth")
	writePTH(t, lacking, slices.DeleteFunc(slices.Clone(aloneNames), func(n string) bool { return strings.HasPrefix(n, "self_grid.") }), aloneArrays)
	if c, err := checkpoint.Read(lacking); err != nil {
		t.Error(err)
	} else if n, err := checkpoint.Export(c, filepath.Join(dir, "whole.pth")); err != nil || n != len(aloneNames) {
		t.Errorf("%d tensors, want %d: %v", n, len(aloneNames), err)
	}
	// Neutral surplus: a score's constant, and what old PyTorch left out.
	tolerated := map[string]safetensors.Array{"grid_agg.l2.bias": {DType: "F32", Shape: []int{1}, Data: make([]byte, 4)}}
	for n, a := range all {
		tolerated[n] = a
	}
	path := filepath.Join(dir, "old.pth")
	writePTH(t, path, append(without(func(n string) bool { return strings.HasSuffix(n, "num_batches_tracked") }), "grid_agg.l2.bias"), tolerated)
	k, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := checkpoint.Export(k, filepath.Join(dir, "new.pth")); err != nil || n != len(names) {
		t.Errorf("%d tensors, want %d: %v", n, len(names), err)
	}
}
