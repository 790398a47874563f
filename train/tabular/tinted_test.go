package tabular

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/train/tint"
)

// painted is a village whose images are seen through a tint.
func painted(colors tint.Tint) *village {
	return &village{rows: 3, cols: 4, size: 8, categories: []string{"shop"},
		image: func(cell int, pixels []uint8) {
			for i := range pixels {
				pixels[i] = uint8((i*(cell+3) + 40*cell) % 190)
			}
			colors.Apply(pixels)
		},
		counts: func(cell int, counts []float32) { counts[0] = float32(cell % 3) }}
}

// Tinted features are those of a store whose images were tinted before: of the cell and
// of its surroundings. Counts stay, and so does what is not tinted.
func TestTinted(t *testing.T) {
	const spread = 0.2
	in := all
	in.Tint = spread
	f, err := New(context.Background(), painted(tint.Tint{}).open(t), in)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := New(context.Background(), painted(tint.Tint{}).open(t), all)
	if err != nil {
		t.Fatal(err)
	}
	cells := make([]int32, f.Cells())
	for i := range cells {
		cells[i] = int32(i)
	}
	rows := func(f *Features) []float32 {
		out := make([]float32, len(cells)*f.Width())
		f.Of(cells, out)
		return out
	}
	if !slices.Equal(rows(f), rows(plain)) || len(plain.Tinted()) != 0 || len(f.Tinted()) != tint.Draws {
		t.Errorf("the features themselves change, or there are %d tinted ones", len(f.Tinted()))
	}
	for k, g := range f.Tinted() {
		want, err := New(context.Background(), painted(tint.Draw(k+1, 3, spread)).open(t), all)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(rows(g), rows(want)) {
			t.Errorf("tint %d: not the features of tinted images", k+1)
		}
		if slices.Equal(rows(g), rows(plain)) {
			t.Errorf("tint %d: the features of the images as they are", k+1)
		}
	}
	if in.Key() == all.Key() {
		t.Error("one key for features with and without tints")
	}
}

// Further numbers of a cell have tinted values of their own.
func TestTintedMore(t *testing.T) {
	const d = 2
	more := &More{Names: []string{"a", "b"}, About: "numbers", Key: "k", Values: make([]float32, 12*d)}
	for k := range tint.Draws {
		v := make([]float32, 12*d)
		for i := range v {
			v[i] = float32(100*(k+1) + i)
		}
		more.Tinted = append(more.Tinted, v)
	}
	f, err := New(context.Background(), painted(tint.Tint{}).open(t), Inputs{Images: true, More: more, Tint: 0.1})
	if err != nil {
		t.Fatal(err)
	}
	at := column(t, f, "b, own")
	for k, g := range f.Tinted() {
		if got := g.Rows([]int32{5}).At(0, at); got != float64(100*(k+1)+11) {
			t.Errorf("tint %d: %g", k+1, got)
		}
	}
}

// Colors of floats have no range: refused by name.
func TestTintable(t *testing.T) {
	if err := Tintable(painted(tint.Tint{}).open(t)); err != nil {
		t.Error(err)
	}
	v := painted(tint.Tint{})
	v.pixel = store.Float16
	v.image = func(_ int, pixels []uint8) { clear(pixels) }
	s := v.open(t)
	_, err := New(context.Background(), s, Inputs{Images: true, Tint: 0.1})
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "train.augment_color") {
		t.Error(err)
	}
	if _, err := New(context.Background(), s, Inputs{Images: true}); err != nil {
		t.Error(err)
	}
}

// SVR is fitted on the tinted rows too, as many as its limit allows, with the targets of
// their cells.
func TestWithTinted(t *testing.T) {
	s := painted(tint.Tint{}).open(t)
	in := all
	in.Tint = 0.2
	f, err := New(context.Background(), s, in)
	if err != nil {
		t.Fatal(err)
	}
	ln := make([]float64, f.Cells())
	for i := range ln {
		ln[i] = math.Sqrt(float64(i))
	}
	task := Task{Features: f, Ln: ln, Train: []int32{0, 2, 4, 6, 8, 10, 11}, Validation: []int32{1, 3, 5}}
	p, err := prepare(task)
	if err != nil {
		t.Fatal(err)
	}
	for most, want := range map[int]int{100: 35, 21: 21, 20: 14, 3: 7} {
		got, err := p.withTinted(task, most)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := got.z.Dims(); n != want || len(got.y) != want {
			t.Fatalf("%d rows and %d targets within %d, not %d", n, len(got.y), most, want)
		}
		for i, y := range got.y {
			if y != ln[task.Train[i%7]] {
				t.Fatalf("row %d has the target %g", i, y)
			}
		}
		if want > 7 {
			z := p.scaling.apply(f.Tinted()[0].Rows(task.Train))
			for i := range 7 {
				if !slices.Equal(got.z.RawRowView(7+i), z.RawRowView(i)) {
					t.Fatalf("row %d is not the tinted one of its cell", 7+i)
				}
			}
		}
	}
	if n, _ := p.train.z.Dims(); n != 7 || len(p.train.y) != 7 {
		t.Error("the training samples themselves have changed")
	}
}
