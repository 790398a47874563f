package observe

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/internal/expect"
	"opencarbon/train/internal/town"
	"opencarbon/train/progress"
	"opencarbon/train/runlog"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if n := torch.Live(); n != 0 && code == 0 {
		fmt.Fprintf(os.Stderr, "%d tensors outlived all tests\n", n)
		code = 1
	}
	os.Exit(code)
}

var silent = progress.Options{Quiet: true}

// trained runs an experiment on a town and opens what it leaves.
func trained(t *testing.T, c *config.Config, w town.Town) (*checkpoint.Checkpoint, *store.Store, *train.Result) {
	t.Helper()
	s := w.Open(t)
	c.Data.Store, c.Output.Dir = s.Dir(), t.TempDir()
	r, err := train.Run(context.Background(), c, train.Options{Progress: silent})
	if err != nil {
		t.Fatal(err)
	}
	return read(t, filepath.Join(r.Dir, train.BestFile)), s, r
}

func read(t *testing.T, path string) *checkpoint.Checkpoint {
	t.Helper()
	k, err := checkpoint.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// predictions are what a run's table says, ln emission.
func predictions(t *testing.T, dir string) (ln []float64) {
	t.Helper()
	table, err := runlog.ReadPredictions(filepath.Join(dir, "predictions.csv"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Rows {
		ln = append(ln, r.Predicted)
	}
	return ln
}

// What Model takes out belongs together: predictions are the run's own, X_g is
// the sum of X_s and X_p by the grid-level weights (Eq. 5), the gates lie
// between 0 and 1.
func TestModel(t *testing.T) {
	k, s, r := trained(t, town.Both(), town.Town{Rows: 5, Cols: 20, Image: town.Size})
	x, err := Model(context.Background(), k, s, Options{Embeddings: EmbeddingNames(), Weights: true, Gates: true, Threads: 1, Progress: silent})
	if err != nil {
		t.Fatal(err)
	}
	n := s.Len()
	expect.Near(t, "predictions", x.Predicted, predictions(t, r.Dir), 1e-5)
	image, poi, grid := x.Embeddings[layers.ImageView], x.Embeddings[layers.POIView], x.Embeddings[layers.GridView]
	if image.D != 8 || len(grid.X) != 8*n || len(x.Embeddings[layers.FinalView].X) != 16*n || len(x.Embeddings[layers.NeighborhoodView].X) != 8*n ||
		len(x.GridWeights) != n || len(x.NeighborhoodWeights) != n || len(x.Gates) != 3*n || len(x.Split) != n {
		t.Fatalf("shapes: D %d, X_g %d, weights %d and %d, gates %d", image.D, len(grid.X), len(x.GridWeights), len(x.NeighborhoodWeights), len(x.Gates))
	}
	var sum, want []float64
	for i := range grid.X {
		w := x.GridWeights[i/8]
		sum, want = append(sum, w*float64(image.X[i])+(1-w)*float64(poi.X[i])), append(want, float64(grid.X[i]))
	}
	expect.Near(t, "X_g", sum, want, 1e-5)
	if slices.Min(x.Gates) <= 0 || slices.Max(x.Gates) >= 1 || slices.Min(x.Gates) == slices.Max(x.Gates) {
		t.Errorf("gates from %g to %g", slices.Min(x.Gates), slices.Max(x.Gates))
	}
}

// A model that lacks a modality, the neighborhood or gates says so; a store
// without what the model needs, or without targets where they are asked for, is
// refused.
func TestModelOfLesserModels(t *testing.T) {
	c := town.POIs()
	c.Model.Neighborhood = 1
	k, s, _ := trained(t, c, town.Town{Rows: 2, Cols: 20})
	o := Options{Threads: 1, Progress: silent}
	for name, says := range map[string]string{layers.ImageView: "without images", layers.NeighborhoodView: "without a neighborhood", "sound": "unknown"} {
		o.Embeddings = []string{name}
		if _, err := Model(context.Background(), k, s, o); !fault.IsInput(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o.Embeddings, o.Weights = []string{layers.FinalView}, true
	x, err := Model(context.Background(), k, s, o)
	if err != nil || x.GridWeights != nil || x.NeighborhoodWeights != nil {
		t.Errorf("%v, weights %v", err, x.GridWeights)
	}
	bare := town.Town{Rows: 2, Cols: 20, Change: func(targets []float64, _ []store.Split) {
		for i := range targets {
			targets[i] = math.NaN()
		}
	}}.Open(t)
	o.Targets = true
	if _, err := Model(context.Background(), k, bare, o); !fault.IsInput(err) || !strings.Contains(err.Error(), "no cell with a target") {
		t.Errorf("a store without targets: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Model(ctx, k, s, o); err == nil {
		t.Error("a cancelled context was not noticed")
	}
}

// A model without X_g says which representations there are, if any.
func TestAvailable(t *testing.T) {
	whole := layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, POI: true, Neighborhood: 3}
	alone := layers.ModelConfig{Kind: layers.KindOpenCarbon, POI: true, Neighborhood: 1}
	for _, c := range []struct {
		model     layers.ModelConfig
		available string
		says      string // of X_n
	}{
		{whole, "grid image poi neighborhood final", ""},
		{alone, "grid poi final", "It has: grid, poi, final."},
		{layers.ModelConfig{Kind: "tile2vec", Image: true, POI: true, Neighborhood: 1}, "final", "It has: final."},
		{layers.ModelConfig{Kind: layers.KindRows, Method: "XGBoost"}, "", "best.safetensors"},
		{layers.ModelConfig{Kind: layers.KindStack, Members: []layers.ModelConfig{alone}}, "grid poi final", "It has: grid, poi, final."},
	} {
		k := &checkpoint.Checkpoint{Path: "some.safetensors", Header: checkpoint.Header{Model: c.model}}
		if there := strings.Join(Available(k), " "); there != c.available {
			t.Errorf("%s has %q, want %q", c.model.Kind, there, c.available)
		}
		err := Has(k, layers.NeighborhoodView)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s without a neighborhood says %v, want %q", c.model.Kind, err, c.says)
		}
	}
}
