package tsne

import (
	"cmp"
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"testing"
)

// The tree finds the neighbors that comparing with every point finds, ties by
// number.
func TestNearest(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct{ n, d, k, values int }{{5, 2, 4, 3}, {300, 3, 20, 4}, {2000, 2, 31, 50}, {1500, 32, 91, 1 << 20}, {400, 2, 50, 1}} {
		x := Points{D: c.d, X: make([]float32, c.n*c.d)}
		for i := range x.X {
			x.X[i] = float32(rng.IntN(c.values))
		}
		s := plant(x, 9).searcher(c.k)
		near, d2 := make([]int32, c.k), make([]float64, c.k)
		for i := 0; i < c.n; i += 1 + c.n/50 {
			s.nearest(i, near, d2)
			var all []neighbor
			for j := range c.n {
				if j != i {
					all = append(all, neighbor{squared(x.row(i), x.row(j)), int32(j)})
				}
			}
			slices.SortFunc(all, func(a, b neighbor) int {
				return cmp.Or(cmp.Compare(a.d2, b.d2), cmp.Compare(a.i, b.i))
			})
			for k := range c.k {
				if near[k] != all[k].i || d2[k] != all[k].d2 {
					t.Fatalf("%+v: neighbor %d of %d is %d at %g, should be %d at %g", c, k, i, near[k], d2[k], all[k].i, all[k].d2)
				}
			}
		}
	}
}

// Perplexity is two to the entropy, whatever the scale of the distances.
func TestConditional(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, scale := range []float64{1e-12, 1e-3, 1, 1e6} {
		for _, perplexity := range []float64{1.5, 5, 20} {
			d2 := make([]float64, 90)
			for i := range d2 {
				d2[i] = scale * (1 + rng.ExpFloat64())
			}
			p := make([]float64, len(d2))
			conditional(d2, p, perplexity)
			entropy, total := 0.0, 0.0
			for i, v := range p {
				total += v
				if v > 0 {
					entropy -= v * math.Log(v)
				}
				for j := range p {
					if d2[i] < d2[j] && p[i] < p[j] {
						t.Fatal("the farther is the likelier")
					}
				}
			}
			if math.Abs(total-1) > 1e-12 || math.Abs(math.Exp(entropy)-perplexity) > 1e-4*perplexity {
				t.Errorf("scale %g: sum %g, perplexity %g, want %g", scale, total, math.Exp(entropy), perplexity)
			}
		}
	}
	p := make([]float64, 10)
	conditional(p, p, 3) // ten equal distances
	for _, v := range p {
		if math.Abs(v-0.1) > 1e-12 {
			t.Errorf("equal distances, unequal probabilities %v", p)
		}
	}
}

// With a small theta the tree gives the sum over all pairs; with the usual one
// nearly. Coincident points, points on a line and far outliers included.
func TestRepulsion(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	n := 700
	layouts := map[string]func(i int) (float64, float64){
		"cloud":    func(int) (float64, float64) { return 20 * rng.NormFloat64(), 20 * rng.NormFloat64() },
		"equal":    func(int) (float64, float64) { return 3, 4 },
		"heaps":    func(i int) (float64, float64) { return float64(i % 7), float64(i % 3) },
		"line":     func(i int) (float64, float64) { return float64(i), -2 * float64(i) },
		"outlier":  func(i int) (float64, float64) { return 1e6 * float64(i/(n-1)), rng.Float64() },
		"the tiny": func(int) (float64, float64) { return 1e-4 * rng.NormFloat64(), 1e-6 * rng.NormFloat64() },
	}
	for name, f := range layouts {
		y := make([]float64, 2*n)
		for i := range n {
			y[2*i], y[2*i+1] = f(i)
		}
		var tree quadtree
		tree.build(y)
		if tree.nodes[0].count != float64(n) || int(tree.nodes[0].next) != len(tree.nodes) {
			t.Fatalf("%s: the root has %g points", name, tree.nodes[0].count)
		}
		widths(t, name, &tree)
		for _, c := range []struct{ theta, tolerance float64 }{{1e-6, 1e-9}, {0.5, 0.03}} {
			var off, size, z, zWant float64
			for at := range n {
				i := int(tree.points[at].index)
				fx, fy, zi := tree.repulsion(at, c.theta)
				z += zi
				var wx, wy float64
				for j := range n {
					if j == i {
						continue
					}
					dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
					w := 1 / (1 + dx*dx + dy*dy)
					zWant += w
					wx += w * w * dx
					wy += w * w * dy
				}
				off += (fx-wx)*(fx-wx) + (fy-wy)*(fy-wy)
				size += wx*wx + wy*wy
			}
			if math.Sqrt(off) > c.tolerance*math.Sqrt(size)+1e-9 {
				t.Errorf("%s, theta %g: forces are off by %g of %g", name, c.theta, math.Sqrt(off), math.Sqrt(size))
			}
			if math.Abs(z/zWant-1) > c.tolerance {
				t.Errorf("%s, theta %g: Z is %g, should be %g", name, c.theta, z, zWant)
			}
		}
	}
}

// widths checks that a divided square is as small as one can be that holds its
// points: half the side for every pair of bits that all have in common.
func widths(t *testing.T, name string, tree *quadtree) {
	t.Helper()
	first := 0 // point of the node, in the tree's order
	for _, nd := range tree.nodes {
		if nd.hi > 0 {
			first = int(nd.hi)
			continue
		}
		last := first + int(nd.count) - 1
		common := bits.LeadingZeros64(tree.points[first].code^tree.points[last].code) / 2
		if want := tree.nodes[0].width2 / math.Pow(4, float64(common)-float64(bits.LeadingZeros64(tree.points[0].code^tree.points[len(tree.points)-1].code)/2)); math.Abs(nd.width2/want-1) > 1e-9 {
			t.Fatalf("%s: square of points %d to %d has width^2 %g, should be %g", name, first, last, nd.width2, want)
		}
	}
}

// Both gradients are the slopes of their divergence.
func TestGradient(t *testing.T) {
	x := blobs(120, 5, 3, 8)
	rng := rand.New(rand.NewPCG(4, 4))
	for _, method := range []Method{Exact, BarnesHut} {
		c, err := Config{Perplexity: 12, Method: method, Theta: 1e-6}.checked(x)
		if err != nil {
			t.Fatal(err)
		}
		o, err := newObjective(t.Context(), crew{workers: 2}, x, c)
		if err != nil {
			t.Fatal(err)
		}
		y, grad := make([]float64, 240), make([]float64, 240)
		for i := range y {
			y[i] = 2 * rng.NormFloat64()
		}
		if err := o.gradient(t.Context(), y, grad, 1); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(y); i += 17 {
			const h = 1e-5
			was := y[i]
			y[i] = was + h
			up, _ := o.divergence(t.Context(), y)
			y[i] = was - h
			down, err := o.divergence(t.Context(), y)
			y[i] = was
			if slope := (up - down) / (2 * h); err != nil || math.Abs(slope-grad[i]) > 1e-6 {
				t.Errorf("%s: gradient %d is %g, slope %g, %v", method, i, grad[i], slope, err)
			}
		}
	}
}
