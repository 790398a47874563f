package imagery

import "math"

// Blank says of the pictures' pixels how many hold one and the same number in all
// bands that files commonly fill gaps with, and that counts as a value here since
// nothing declares it to be none: the black beyond a scene's edge.
type Blank struct {
	Value  float64 `json:"value"`  // the commonest such number
	Pixels int64   `json:"pixels"` // that hold it, in the cells that are kept
	Of     int64   `json:"of"`     // valid pixels of these cells
	Cells  int     `json:"cells"`  // with at least blankShare of it
}

// blankShare is the share of a cell's pixels from which on its blank ones are many.
const blankShare = 0.05

// fills are the numbers that gaps are commonly filled with.
var fills = [...]float32{0, -9999, -32768, 65535, -32767, -math.MaxFloat32}

// blanks are the counts of one cell, or of many.
type blanks struct {
	pixels [len(fills)]int64
	cells  [len(fills)]int
	of     int64
}

// count looks at a picture as it was read: bands [B, N] and mask [N].
func (b *blanks) count(bands []float32, mask []uint8) {
	area := len(mask)
	var n [len(fills)]int64
	valid := int64(0)
	for i, ok := range mask {
		if ok == 0 {
			continue
		}
		valid++
		v := bands[i]
		if v > 0 && v < 65535 { // what nearly all are
			continue
		}
		for k, fill := range fills {
			same := v == fill
			for at := i + area; same && at < len(bands); at += area {
				same = bands[at] == v
			}
			if same {
				n[k]++
				break
			}
		}
	}
	b.of += valid
	for k := range n {
		b.pixels[k] += n[k]
		if n[k] > 0 && float64(n[k]) >= blankShare*float64(area) {
			b.cells[k]++
		}
	}
}

func (b *blanks) add(o *blanks) {
	b.of += o.of
	for k := range fills {
		b.pixels[k] += o.pixels[k]
		b.cells[k] += o.cells[k]
	}
}

// most is the commonest fill; its Cells are 0 where no cell has much of any.
func (b *blanks) most() Blank {
	best := 0
	for k := range fills {
		if b.pixels[k] > b.pixels[best] {
			best = k
		}
	}
	return Blank{Value: float64(fills[best]), Pixels: b.pixels[best], Of: b.of, Cells: b.cells[best]}
}
