package frozen

import (
	"math"
	"math/rand/v2"
	"testing"

	"opencarbon/torch/safetensors"
)

// Components are uncorrelated, of variance 1, the strongest direction first, and
// the same whatever the sign in which the eigenvectors came.
func TestPCA(t *testing.T) {
	const n, d, k = 200, 6, 3
	rng := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, 0, n*d)
	for range n {
		a, b := rng.NormFloat64()*10, rng.NormFloat64()
		x = append(x, float32(a+5), float32(-a), float32(b), float32(b*0.5), 7, float32(0.01*rng.NormFloat64()))
	}
	p, err := newPCA(x, n, k)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float32, n*p.K)
	for i := range n {
		p.apply(x[i*d:(i+1)*d], out[i*p.K:(i+1)*p.K])
	}
	for a := range p.K {
		for b := range p.K {
			sum := 0.0
			for i := range n {
				sum += float64(out[i*p.K+a]) * float64(out[i*p.K+b]) / n
			}
			want := 0.0
			if a == b {
				want = 1
			}
			if math.Abs(sum-want) > 1e-3 {
				t.Errorf("components %d and %d: %g, want %g", a, b, sum, want)
			}
		}
	}
	// The first is along the first two columns.
	c := p.Components[:d]
	if math.Abs(float64(c[0]+c[1])) > 1e-3*math.Abs(float64(c[0])) || math.Abs(float64(c[2])) > 0.05*math.Abs(float64(c[0])) {
		t.Errorf("first component %v", c)
	}
	largest := float32(0)
	for _, v := range c {
		if v*v > largest*largest {
			largest = v
		}
	}
	if largest < 0 {
		t.Errorf("the largest entry of %v is negative", c)
	}
	for name, bad := range map[string][]float32{"one tile": x[:d], "equal tiles": make([]float32, 4*d), "NaN": append([]float32{float32(math.NaN())}, x[1:2*d]...)} {
		rows := len(bad) / d
		if _, err := newPCA(bad, rows, k); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// What a checkpoint keeps comes back whole; what does not fit is refused.
func TestKept(t *testing.T) {
	weights := map[string]safetensors.Array{"conv1.weight": floats([]float32{1, 2}, 2), "layer3.0.bn1.bias": floats([]float32{3}, 1),
		"layer4.0.bn1.bias": floats([]float32{4}, 1), "fc.weight": floats([]float32{5}, 1)}
	e := New(weights, "abc")
	if len(e.arrays) != 2 {
		t.Errorf("%d arrays are kept, of conv1 and layer3 there are 2", len(e.arrays))
	}
	e.pca = []*PCA{{Mean: make([]float32, 256), Components: make([]float32, 512), K: 2}, {Mean: make([]float32, 512), Components: make([]float32, 512), K: 1}}
	e.pca[0].Components[3] = 9
	arrays := map[string]safetensors.Array{}
	e.Keep(arrays)
	back, err := Kept(arrays, "abc")
	if err != nil {
		t.Fatal(err)
	}
	if back.pca[0].Components[3] != 9 || back.pca[1].K != 1 || len(back.arrays) != 2 || back.fingerprint() != e.fingerprint() {
		t.Errorf("%+v", back.pca)
	}
	if none, err := Kept(map[string]safetensors.Array{"model.x": {}}, ""); none != nil || err != nil {
		t.Errorf("%v %v", none, err)
	}
	arrays["frozen.pca1.mean"] = floats([]float32{1}, 1)
	if _, err := Kept(arrays, "abc"); err == nil {
		t.Error("principal components of another width were taken")
	}
}
