package learn_test

import (
	"slices"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
	"opencarbon/train/tint"
)

// A step sees each image through the tint that was drawn for it, whether the images come
// with the batch or lie on the device; the draw depends on seed, epoch and tile, not on
// the batch; what is loaded for evaluation is seen as it is.
func TestTints(t *testing.T) {
	d, ln, cells := made(t, 12)
	size := d.ImageSize()
	var tints []tint.Tint
	for k := range 3 {
		tints = append(tints, tint.Draw(k+1, 3, 0.3))
	}
	for _, resident := range []bool{false, true} {
		learner(t, d, ln, 1, 0, learn.Options{Encode: learn.Unique, Seed: 3}, func(l *learn.Learner) {
			if resident {
				l.KeepImages()
			}
			l.Assembler.Tints = tints
			l.Model.Params().Eval()
			drawn := make([]uint8, len(cells))
			for _, batches := range [][][]int32{{cells}, {cells[7:], cells[:7]}} {
				f := l.NewFeed(batches, 5)
				for range batches {
					b := f.Next()
					if len(b.Tints) != len(b.Tiles) {
						t.Fatalf("%d tints of %d tiles", len(b.Tints), len(b.Tiles))
					}
					for i, tile := range b.Tiles {
						if len(batches) == 1 {
							drawn[tile] = b.Tints[i]
						} else if drawn[tile] != b.Tints[i] {
							t.Errorf("tile %d is seen through %d, in another batch through %d", tile, drawn[tile], b.Tints[i])
						}
					}
					if len(batches) == 1 {
						torch.NoGrad(func() { checkTinted(t, l, b, tints, size) })
					}
					f.Done(b)
				}
				f.Close()
			}
			if slices.Max(drawn) == slices.Min(drawn) {
				t.Errorf("all tiles are seen through %v", drawn)
			}
			var plain learn.Batch
			if err := l.Assembler.Load(&plain, cells); err != nil || len(plain.Tints) != 0 {
				t.Errorf("what is loaded for evaluation is tinted by %v (%v)", plain.Tints, err)
			}
		})
	}
}

// checkTinted compares b's image embeddings with those of images that were tinted by hand.
func checkTinted(t *testing.T, l *learn.Learner, b *learn.Batch, tints []tint.Tint, size int) {
	t.Helper()
	got := l.Encode(b).Get(layers.ImageView).Float64s()
	var plain learn.Batch
	if err := l.Assembler.Load(&plain, b.Tiles); err != nil {
		t.Fatal(err)
	}
	c := l.Model.Config()
	c.Image = false
	in := plain.Inputs(c, torch.CPU)
	n := 3 * size * size
	pixels := make([]uint8, len(b.Tiles)*n)
	for i, tile := range b.Tiles {
		if err := l.Assembler.Store.ReadImage(int(tile), pixels[i*n:(i+1)*n]); err != nil {
			t.Fatal(err)
		}
	}
	in.Images = torch.FromSlice(pixels, len(b.Tiles), 3, size, size)
	untouched := l.Model.Encode(in).Get(layers.ImageView).Float64s()
	for i, k := range b.Tints {
		if k > 0 {
			tints[k-1].Apply(pixels[i*n : (i+1)*n])
		}
	}
	in.Images = torch.FromSlice(pixels, len(b.Tiles), 3, size, size)
	// A pixel at a half may be rounded otherwise in float32: one grey level of it.
	if e := far(got, l.Model.Encode(in).Get(layers.ImageView).Float64s()); e > 2e-3 {
		t.Errorf("far from tinting by hand by %.2g", e)
	}
	if e := far(got, untouched); e < 2e-2 {
		t.Errorf("as without tints (%.2g)", e)
	}
}

// numbered are features that tell tile and tint.
type numbered struct{ tint int }

func (n numbered) Width() int { return 2 }
func (n numbered) Of(tiles []int32, out []float32) {
	for i, t := range tiles {
		out[2*i], out[2*i+1] = float32(t), float32(n.tint)
	}
}

// A tile's features are those of the tint that its image is seen through.
func TestTintedFeatures(t *testing.T) {
	d, ln, cells := made(t, 12)
	a, err := learn.NewAssembler(d, layers.ModelConfig{Features: 2}, layers.Around{M: 1}, ln, numbered{})
	if err != nil {
		t.Fatal(err)
	}
	for k := range 2 {
		a.Tints, a.Tinted = append(a.Tints, tint.Draw(k+1, 3, 0.1)), append(a.Tinted, numbered{k + 1})
	}
	var b learn.Batch
	counts := make([]int, 3)
	for epoch := range 40 {
		a.Assemble(&b, cells)
		a.Recolor(&b, 7, uint64(epoch))
		for i, tile := range b.Tiles {
			if b.Features[2*i] != float32(tile) || b.Features[2*i+1] != float32(b.Tints[i]) {
				t.Fatalf("tile %d through %d has the features %v", tile, b.Tints[i], b.Features[2*i:2*i+2])
			}
			counts[b.Tints[i]]++
		}
	}
	for k, n := range counts { // 160 each expected, standard deviation 10
		if n < 110 || n > 210 {
			t.Errorf("tint %d was drawn %d times of 480", k, n)
		}
	}
}
