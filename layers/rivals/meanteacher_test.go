package rivals

import (
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
)

// Shares sum to 1, follow the density of POIs, and a cell in the middle of
// nothing is uninhabited.
func TestSoftLabels(t *testing.T) {
	const n = 9 // a row of cells
	g := layers.Ground{Counts: make([]float32, 2*n)}
	for i := range int64(n) {
		g.Col, g.Row = append(g.Col, i), append(g.Row, 4)
	}
	for i := 3; i < n; i++ {
		g.Counts[2*i], g.Counts[2*i+1] = float32(i), float32(3*i)
	}
	labels := softLabels(g, 2)
	for i := range n {
		urban, rural, empty := labels[3*i], labels[3*i+1], labels[3*i+2]
		if s := urban + rural + empty; s < 0.999 || s > 1.001 || min(urban, rural, empty) < 0 {
			t.Errorf("cell %d: %v, %v, %v", i, urban, rural, empty)
		}
		if i < 2 && empty != 1 {
			t.Errorf("cell %d has no POI near, and is uninhabited by %v", i, empty)
		}
		if i > 0 && urban-empty < labels[3*i-3]-labels[3*i-1] {
			t.Errorf("cell %d is less urban than the one before", i)
		}
	}
	if labels[3*n-3] != 1 {
		t.Errorf("the densest cell is urban by %v", labels[3*n-3])
	}
}

// The weight of the consistency rises to READ's 12.5 in 20 epochs.
func TestConsistency(t *testing.T) {
	if a, b, c := consistency(0), consistency(10), consistency(20); !(a < 0.1 && a < b && b < c && c == teacherWeight && consistency(100) == c) {
		t.Errorf("%v, %v, %v", a, b, c)
	}
}

// Methods of a comparison come one after another, each with all of its seeds: the
// encoders of five seeds are trained once, and each seed finds its own.
func TestEncodersOfFiveSeeds(t *testing.T) {
	run(t, func() {
		loaded := 0
		g := layers.Ground{Name: "five seeds", Col: []int64{0, 1}, Row: []int64{0, 0}, Counts: []float32{1, 0, 3, 2}}
		g.Load = func(tiles []int32) (layers.Tiles, error) {
			loaded++
			torch.ManualSeed(5)
			return layers.Tiles{Images: torch.RandInt(0, 256, torch.CPU, len(tiles), 3, 32, 32).Cast(torch.UInt8)}, nil
		}
		first := map[uint64]float32{}
		for method := range 2 {
			for seed := uint64(42); seed < 47; seed++ {
				p := layers.NewParams(torch.CPU)
				n, err := NewBPNN(p, layers.ModelConfig{Kind: KindBPNN, Image: true, POI: true, Categories: 2, ImageSize: 32, POISize: 32, Embedding: 8, Neighborhood: 1})
				if err != nil {
					t.Fatal(err)
				}
				loaded, g.Seed = 0, seed
				if err := n.Pretrain(g); err != nil {
					t.Fatal(err)
				}
				if (loaded > 0) != (method == 0) {
					t.Errorf("method %d, seed %d: tiles are loaded %d times", method, seed, loaded)
				}
				var v float32
				torch.NoGrad(func() { v = n.Freeze(torch.Ones(torch.Float32, torch.CPU, 1, 3, 32, 32)).Float32s()[0] })
				if method == 0 {
					first[seed] = v
				} else if first[seed] != v {
					t.Errorf("seed %d has %v first and %v later", seed, first[seed], v)
				}
				p.Close()
			}
		}
		if first[42] == first[43] {
			t.Errorf("two seeds have the same encoder: %v", first)
		}
	})
}
