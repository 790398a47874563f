package plots

import (
	"image/color"
	"math"
	"testing"
)

// Cells outside the domain are hatched, the others are not, and lines stand out from
// the color below them.
func TestHatch(t *testing.T) {
	d := MapsData{Col: []int64{0, 1, 2}, Row: []int64{0, 0, 0}, Outside: []bool{true, false, true}, Layers: []Layer{{Title: "x", Values: []float64{0, 0, 1}, Label: "v", Low: 0, High: 1}}}
	f := mapFrame{col: 0, row: 0, lastCol: 2, lastRow: 0}
	img := f.paint(d, d.Layers[0].Values, viridis, 0, 1)
	k := img.Bounds().Dx() / 3
	count := func(cell int, c color.RGBA) int {
		n := 0
		for x := cell * k; x < (cell+1)*k; x++ {
			for y := range k {
				if r, g, b, _ := img.At(x, y).RGBA(); uint8(r>>8) == c.R && uint8(g>>8) == c.G && uint8(b>>8) == c.B {
					n++
				}
			}
		}
		return n
	}
	white, black := color.RGBA{255, 255, 255, 255}, color.RGBA{0, 0, 0, 255}
	for i, want := range []struct {
		line color.RGBA
		part float64
	}{{white, 0.25}, {white, 0}, {black, 0.25}} {
		if got := float64(count(i, want.line)) / float64(k*k); math.Abs(got-want.part) > 0.02 {
			t.Errorf("cell %d has %.3f of lines, not %.3f", i, got, want.part)
		}
	}
	if _, err := Maps(d); err != nil {
		t.Error(err)
	}
	d.Outside = d.Outside[:2]
	if _, err := Maps(d); err == nil {
		t.Error("two of three cells were taken")
	}
}
