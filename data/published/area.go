package published

import "math"

// byArea brings planes [3, height, width] to rgb [3, 256, 256] as OpenCV's resize
// with INTER_AREA does, to a gray level at most. Where both edges shrink, a pixel
// is the mean of what it covers, parts of pixels by their share. Where one grows,
// OpenCV interpolates along both edges between two pixels, with weights by area.
func byArea(src []uint8, width, height int, rgb []uint8) {
	for c := range 3 {
		from, to := src[c*width*height:(c+1)*width*height], rgb[c*Size*Size:(c+1)*Size*Size]
		if width >= Size && height >= Size {
			shrink(from, width, height, to)
		} else {
			interpolate(from, width, height, to)
		}
	}
}

// part is a source pixel's weight in a target pixel.
type part struct {
	at     int
	weight float64
}

func shrink(src []uint8, width, height int, dst []uint8) {
	across, down := shares(width), shares(height)
	halves := width == 2*Size && height == 2*Size // OpenCV adds up integers there, and rounds a half up, elsewhere to even
	row := make([]float64, height*Size)           // [height, 256]
	for y := range height {
		for x, parts := range across {
			sum := 0.0
			for _, p := range parts {
				sum += p.weight * float64(src[y*width+p.at])
			}
			row[y*Size+x] = sum
		}
	}
	for y, parts := range down {
		for x := range Size {
			sum := 0.0
			for _, p := range parts {
				sum += p.weight * row[p.at*Size+x]
			}
			sum = float64(float32(sum)) // a half stays one whatever the order of summation
			if halves {
				sum = math.Floor(sum + 0.5)
			}
			dst[y*Size+x] = uint8(min(255, math.RoundToEven(sum)))
		}
	}
}

// shares are the parts of each of 256 target pixels that cover an edge of
// n >= 256 source pixels.
func shares(n int) [][]part {
	out := make([][]part, Size)
	scale := float64(n) / Size
	for x := range out {
		from, to := float64(x)*scale, min(float64(x+1)*scale, float64(n))
		for i := int(from); i < n && float64(i) < to; i++ {
			if w := (min(to, float64(i+1)) - max(from, float64(i))) / (to - from); w > 0 {
				out[x] = append(out[x], part{i, w})
			}
		}
	}
	return out
}

// interpolate works in OpenCV's fixed-point numbers: weights of 11 bits, and
// products that lose their lowest bits before they are added.
func interpolate(src []uint8, width, height int, dst []uint8) {
	across, down := between(width), between(height)
	row := make([]int, height*Size) // [height, 256], in 1/2048
	for y := range height {
		for x, p := range across {
			row[y*Size+x] = p.left*int(src[y*width+p.at]) + p.right*int(src[y*width+p.next])
		}
	}
	for y, p := range down {
		for x := range Size {
			v := p.left*(row[p.at*Size+x]>>4)>>16 + p.right*(row[p.next*Size+x]>>4)>>16
			dst[y*Size+x] = uint8((v + 2) >> 2)
		}
	}
}

// pair are two source pixels and their weights in 1/2048.
type pair struct{ at, next, left, right int }

// between are the pixels of n that OpenCV interpolates between for each of 256
// target pixels, where INTER_AREA is to enlarge an edge.
func between(n int) []pair {
	out := make([]pair, Size)
	scale := float64(n) / Size
	for x := range out {
		i := int(float64(x) * scale)
		f := max(0, float64(x+1)-float64(i+1)/scale)
		f -= math.Floor(f)
		if i >= n-1 {
			i, f = n-1, 0
		}
		out[x] = pair{i, min(i+1, n-1), int(math.RoundToEven((1 - f) * 2048)), int(math.RoundToEven(f * 2048))}
	}
	return out
}
