package learn_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// gradients of the batch by l's way of encoding, the rate being 0.
func gradients(t *testing.T, l *learn.Learner, cells []int32) (g [][]float64, loss float64) {
	t.Helper()
	l.Model.Params().Train()
	var b learn.Batch
	l.Assembler.Assemble(&b, cells)
	if err := l.Step(&b, true); err != nil {
		t.Fatal(err)
	}
	loss, _, err := l.Collect()
	if err != nil {
		t.Fatal(err)
	}
	torch.InScope(func(*torch.Scope) {
		for _, p := range l.Model.Params().Parameters() {
			g = append(g, p.Grad().Float64s())
		}
	})
	return g, loss
}

// With the whole city in one batch there is nothing but own cells: history
// changes nothing. With two cells of it there is, and no gradient flows through
// the neighbors, whose embeddings are those that were put there.
func TestHistorical(t *testing.T) {
	d, ln, cells := made(t, 9)
	ctx := context.Background()
	var unique, few [][]float64
	var loss float64
	learner(t, d, ln, 3, 0, learn.Options{Encode: learn.Unique}, func(l *learn.Learner) {
		unique, loss = gradients(t, l, cells)
		few, _ = gradients(t, l, cells[3:5])
	})
	learner(t, d, ln, 3, 0, learn.Options{Encode: learn.Historical, Batch: 4}, func(l *learn.Learner) {
		if l.History() != nil {
			t.Error("there is a history before the first epoch")
		}
		counts := func() (sum float64) {
			for _, e := range l.Model.Params().Entries() {
				if e.Buffer {
					sum += e.Tensor.Cast(torch.Float64).Sum().Item()
				}
			}
			return sum
		}
		before := counts()
		if err := l.BeginEpoch(ctx, cells[:4], 0); err != nil {
			t.Fatal(err)
		}
		if counts() != before {
			t.Error("filling the history changed running statistics")
		}
		image := l.History().Get("image").Float64s()
		for _, tile := range cells { // of 3 x 3 tiles the first four have all in their neighborhoods but the last
			filled := false
			for _, v := range image[tile*8 : tile*8+8] {
				filled = filled || v != 0
			}
			if want := tile != 8; filled != want {
				t.Errorf("tile %d has been encoded: %v, want %v", tile, filled, want)
			}
		}
		g, same := gradients(t, l, cells)
		if math.Abs(same-loss) > 1e-4*loss {
			t.Errorf("loss %v, by unique encodings %v", same, loss)
		}
		for i := range g {
			if far(g[i], unique[i]) > 1e-2 { // float32, through batch normalization of one number a tile
				t.Errorf("parameter %d: gradients differ by %.2g", i, far(g[i], unique[i]))
			}
		}
		kept := l.History().Get("image").Float64s()
		var b learn.Batch
		l.Assembler.Assemble(&b, cells[3:5])
		if b.Encoded() != 2 || len(b.Tiles) != 9 {
			t.Errorf("%d tiles of %d are encoded", b.Encoded(), len(b.Tiles))
		}
		part, _ := gradients(t, l, cells[3:5])
		differs := false
		for i := range part {
			differs = differs || far(part[i], few[i]) > 1e-3
		}
		if !differs {
			t.Error("gradients flow through the neighbors")
		}
		after := l.History().Get("image").Float64s()
		for i := range after {
			if own := i/8 == 3 || i/8 == 4; own == (after[i] == kept[i]) {
				t.Fatalf("tile %d: its embedding changed: %v", i/8, after[i] != kept[i])
			}
		}
		// The neighbors' embeddings come from the history: with others the gradients of what reads them are others.
		read, _ := gradients(t, l, cells[2:6])
		torch.NoGrad(func() { l.History().Get("image").MulScalarInPlace(3) })
		other, _ := gradients(t, l, cells[2:6])
		differs = false
		for i := range read {
			differs = differs || far(read[i], other[i]) > 0.1
		}
		if !differs {
			t.Error("the history is not looked at")
		}
	})
}

// Training cells are encoded by their own steps; a later epoch's beginning
// touches the others alone.
func TestHistoryIsRefreshed(t *testing.T) {
	d, ln, cells := made(t, 25)
	learner(t, d, ln, 3, 0, learn.Options{Encode: learn.Historical, Batch: 4}, func(l *learn.Learner) {
		train := cells[:5] // the first row; the second is around it
		if err := l.BeginEpoch(context.Background(), train, 0); err != nil {
			t.Fatal(err)
		}
		torch.NoGrad(func() { l.History().Get("poi").FillInPlace(7) })
		if err := l.BeginEpoch(context.Background(), train, 1); err != nil {
			t.Fatal(err)
		}
		for i, v := range l.History().Get("poi").Float64s() {
			if around := i/8 >= 5 && i/8 < 10; around == (v == 7) {
				t.Fatalf("tile %d, encoded anew: %v", i/8, v != 7)
			}
		}
		saved := l.History()
		if l.SetHistory(map[string]*torch.Tensor{"image": saved.Get("image")}) {
			t.Error("a history without POIs was taken")
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if err := l.BeginEpoch(ctx, train, 2); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A learner that looks at its losses only now and then says which step broke,
// and adds up what was sound.
func TestCollectLater(t *testing.T) {
	d, ln, cells := made(t, 16)
	learner(t, d, ln, 1, 0, learn.Options{Encode: learn.Unique, Ahead: 3}, func(l *learn.Learner) {
		l.Model.Params().Train()
		var sum float64
		var b learn.Batch
		for i := range 3 {
			if l.Due() {
				t.Fatal("due after", i)
			}
			l.Assembler.Assemble(&b, cells[4*i:4*i+4])
			if err := l.Step(&b, false); err != nil {
				t.Fatal(err)
			}
		}
		if !l.Due() {
			t.Error("not due after three steps")
		}
		got, n, err := l.Collect()
		if err != nil || n != 12 {
			t.Error(n, err)
		}
		for i := range 3 {
			l.Assembler.Assemble(&b, cells[4*i:4*i+4])
			if err := l.Step(&b, false); err != nil {
				t.Fatal(err)
			}
			one, _, err := l.Collect()
			if err != nil {
				t.Fatal(err)
			}
			sum += one
		}
		if math.Abs(got-sum) > 1e-5*sum {
			t.Errorf("losses together %v, one by one %v", got, sum)
		}
		for i := range 3 {
			l.Assembler.Assemble(&b, cells[4*i:4*i+4])
			if i == 1 {
				b.Points.Count[0] = float32(math.NaN())
			}
			if err := l.Step(&b, false); err != nil {
				t.Fatal("a look before it was due:", err)
			}
		}
		var broken *learn.Broken
		if _, _, err := l.Collect(); !errors.As(err, &broken) || broken.Back != 1 || !strings.Contains(err.Error(), "4 (col 18000, row 4001)") {
			t.Error(err)
		}
	})
}

// The levers of speed change nothing but rounding: images kept on the device,
// dense POIs, PyTorch's memory format.
func TestSameEmbeddings(t *testing.T) {
	d, ln, cells := made(t, 12)
	embeddings := func(o learn.Options, change func(l *learn.Learner)) (out []float64) {
		learner(t, d, ln, 3, 0, o, func(l *learn.Learner) {
			change(l)
			l.Model.Params().Eval()
			var b learn.Batch
			if err := l.Assembler.Load(&b, []int32{7, 2, 11}); err != nil {
				t.Fatal(err)
			}
			torch.NoGrad(func() {
				x := l.Encode(&b)
				out = append(x.Get(layers.ImageView).Float64s(), x.Get(layers.POIView).Float64s()...)
			})
			predicted, err := l.Evaluate(context.Background(), cells, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, predicted...)
		})
		return out
	}
	want := embeddings(learn.Options{}, func(*learn.Learner) {})
	for name, have := range map[string][]float64{
		"resident images": embeddings(learn.Options{}, func(l *learn.Learner) { l.KeepImages() }),
		"dense POIs":      embeddings(learn.Options{DensePOIs: true}, func(*learn.Learner) {}),
		"NCHW":            embeddings(learn.Options{NCHW: true}, func(*learn.Learner) {}),
	} {
		if e := far(have, want); e > 1e-4 {
			t.Errorf("%s: differ by %.2g", name, e)
		}
	}
	if e := far(embeddings(learn.Options{BF16: true}, func(*learn.Learner) {}), want); e == 0 || e > 0.2 {
		t.Errorf("bfloat16 differs by %.2g", e)
	}
}

// Slices give what unique encodings give as soon as batch statistics do not
// matter, missing neighbors included.
func TestSlicesPredictTheSame(t *testing.T) {
	d, ln, cells := made(t, 9)
	learner(t, d, ln, 3, 0, learn.Options{}, func(l *learn.Learner) {
		l.Model.Params().Eval()
		var b learn.Batch
		l.Assembler.Assemble(&b, cells[:4])
		torch.NoGrad(func() {
			in, index := b.Inputs(l.Model.Config(), torch.CPU), b.Places(3, torch.CPU)
			want := l.Model.Predict(l.Model.Encode(in), index).LnEmission.Float64s()
			x, places := learn.EncodeSlices(in, index, l.Model.Encode)
			if e := far(l.Model.Predict(x, places).LnEmission.Float64s(), want); e > 1e-5 {
				t.Errorf("predictions differ by %.2g", e)
			}
			// 3 x 3 cells, the first four with all neighbors that exist: 4 + 6 + 4 + 6 encodings.
			if n := x.Get(layers.ImageView).Size(0); n != 20 {
				t.Errorf("%d encodings", n)
			}
		})
	})
}

// The next batch is the same, whether it was assembled ahead or when needed.
func TestFeed(t *testing.T) {
	d, ln, cells := made(t, 12)
	for _, lazy := range []bool{false, true} {
		learner(t, d, ln, 3, 0, learn.Options{NoPrefetch: lazy}, func(l *learn.Learner) {
			f := l.NewFeed([][]int32{cells[:5], cells[5:9], cells[9:]}, 0)
			defer f.Close()
			for _, n := range []int{5, 4, 3} {
				b := f.Next()
				if len(b.Cells) != n || len(b.Images) != 3*32*32*len(b.Tiles) {
					t.Errorf("lazy %v: %d cells, want %d", lazy, len(b.Cells), n)
				}
				f.Done(b)
			}
		})
	}
}
