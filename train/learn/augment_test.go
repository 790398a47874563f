package learn_test

import (
	"math"
	"slices"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// byHand turns images or dense POIs [C, H, H] by D4's element s with libtorch's
// own operations.
func byHand(x *torch.Tensor, s uint8) *torch.Tensor {
	if s&1 != 0 {
		x = x.Flip(2)
	}
	if s&2 != 0 {
		x = x.Flip(1)
	}
	if s&4 != 0 {
		x = x.Transpose(1, 2)
	}
	return x.Contiguous()
}

// An augmented batch is encoded as if its images and POIs had been turned by
// hand, both by the same element, whether the images come with the batch or lie
// on the device. What is loaded for evaluation is not turned.
func TestAugment(t *testing.T) {
	d, ln, cells := made(t, 12)
	size, categories := d.ImageSize(), len(d.Categories())
	for name, o := range map[string]learn.Options{
		"unique": {Encode: learn.Unique, Augment: true, Seed: 3}, "historical": {Encode: learn.Historical, Batch: 12, Augment: true, Seed: 3},
		"lazy": {Encode: learn.Unique, Augment: true, Seed: 3, NoPrefetch: true}, "dense": {Encode: learn.Unique, Augment: true, Seed: 3, DensePOIs: true},
	} {
		for _, resident := range []bool{false, true} {
			learner(t, d, ln, 3, 0, o, func(l *learn.Learner) {
				if resident {
					l.KeepImages()
				}
				l.Model.Params().Eval()
				f := l.NewFeed([][]int32{cells}, 5)
				defer f.Close()
				b := f.Next()
				if len(b.Turns) != 12 || slices.Max(b.Turns) == slices.Min(b.Turns) {
					t.Fatalf("%s: turned by %v", name, b.Turns)
				}
				torch.NoGrad(func() {
					x := l.Encode(b)
					got := append(x.Get(layers.ImageView).Float64s(), x.Get(layers.POIView).Float64s()...)
					var plain learn.Batch
					if err := l.Assembler.Load(&plain, b.Tiles); err != nil {
						t.Fatal(err)
					}
					c := l.Model.Config()
					c.Image = false
					in := plain.Inputs(c, torch.CPU)
					pixels := make([]uint8, 12*3*size*size)
					for i, tile := range b.Tiles {
						if err := d.ReadImage(int(tile), pixels[i*3*size*size:(i+1)*3*size*size]); err != nil {
							t.Fatal(err)
						}
					}
					in.Images = torch.FromSlice(pixels, 12, 3, size, size)
					dense := in.Points.Dense()
					var images, pois []*torch.Tensor
					for i, s := range b.Turns {
						images = append(images, byHand(in.Images.Select(0, i), s))
						pois = append(pois, byHand(dense.Select(0, i), s))
					}
					untouched := l.Model.Encode(in)
					in.Images, in.POIs, in.Points = torch.Stack(images, 0), torch.Stack(pois, 0), nil
					if shape := in.POIs.Shape(); shape[1] != categories {
						t.Fatal(shape)
					}
					x = l.Model.Encode(in)
					if e := far(got, append(x.Get(layers.ImageView).Float64s(), x.Get(layers.POIView).Float64s()...)); e > 1e-5 {
						t.Errorf("%s, resident %v: far from turning by hand by %.2g", name, resident, e)
					}
					if e := far(got, append(untouched.Get(layers.ImageView).Float64s(), untouched.Get(layers.POIView).Float64s()...)); e < 1e-3 {
						t.Errorf("%s, resident %v: as without turning", name, resident)
					}
					if len(plain.Turns) != 0 {
						t.Errorf("%s: what is loaded for evaluation is turned by %v", name, plain.Turns)
					}
				})
				f.Done(b)
			})
		}
	}
}

// What a tile is turned by depends on seed, epoch and tile, not on its batch;
// every element comes as often as any other, independently of the epoch before.
func TestAugmentDraws(t *testing.T) {
	d, ln, cells := made(t, 36)
	draw := func(seed uint64, batches [][]int32, epoch int) []uint8 {
		out := make([]uint8, len(cells))
		learner(t, d, ln, 1, 0, learn.Options{Encode: learn.Unique, Augment: true, Seed: seed}, func(l *learn.Learner) {
			f := l.NewFeed(batches, epoch)
			defer f.Close()
			for range batches {
				b := f.Next()
				for i, tile := range b.Tiles {
					out[tile] = b.Turns[i]
				}
				f.Done(b)
			}
		})
		return out
	}
	backwards := slices.Clone(cells)
	slices.Reverse(backwards)
	first := draw(1, [][]int32{cells}, 0)
	if again := draw(1, [][]int32{backwards[:7], backwards[7:]}, 0); !slices.Equal(first, again) {
		t.Errorf("%v in one batch, %v in two", first, again)
	}
	if slices.Equal(first, draw(2, [][]int32{cells}, 0)) {
		t.Error("the seed does not matter")
	}
	const epochs = 80
	var single [8]float64
	var pairs [64]float64
	before := first
	for epoch := 1; epoch <= epochs; epoch++ {
		now := draw(1, [][]int32{cells}, epoch)
		for i := range now {
			single[now[i]]++
			pairs[before[i]*8+now[i]]++
		}
		before = now
	}
	// Chi-squared: with 7 and 63 degrees of freedom above 24.3 and 103.4 in one of a thousand.
	for _, c := range []struct {
		counts []float64
		limit  float64
	}{{single[:], 24.3}, {pairs[:], 103.4}} {
		want, sum := float64(epochs*len(cells))/float64(len(c.counts)), 0.0
		for _, n := range c.counts {
			sum += math.Pow(n-want, 2) / want
		}
		if sum > c.limit {
			t.Errorf("%v: chi-squared %.1f, above %.1f", c.counts, sum, c.limit)
		}
	}
}
