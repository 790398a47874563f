package tabular

import (
	"fmt"
	"math"
)

// percentiles that an image is described by, of each band.
var percentiles = []int{5, 25, 50, 75, 95}

var bands = []string{"red", "green", "blue"}

// imageNames are the names of an image's statistics, in imageStatistics' order:
// 11 of each band and 2 of each pair of bands.
func imageNames() []string {
	var names []string
	for _, b := range bands {
		names = append(names, b+" mean", b+" sd")
		for _, p := range percentiles {
			names = append(names, fmt.Sprintf("%s p%d", b, p))
		}
		names = append(names, b+" gradient mean", b+" gradient sd", b+" laplacian mean", b+" laplacian sd")
	}
	for a := range bands {
		for b := a + 1; b < len(bands); b++ {
			ratio := bands[a] + "/" + bands[b]
			names = append(names, ratio+" mean", ratio+" sd")
		}
	}
	return names
}

// imageStatistics writes an image's statistics, in the order of imageNames, to
// out. image is uint8 [3, size, size]; values count as 0 to 1. The gradient's
// length and the Laplacian's absolute value are taken at inner pixels by central
// differences (0 where size is below 3), a ratio is (a - b) / (a + b + 2/255) of
// a pixel, the summand for black ones.
func imageStatistics(image []uint8, size int, out []float32) {
	n := size * size
	at := 0
	put := func(v float64) { out[at] = float32(v); at++ }
	for b := range bands {
		band := image[b*n : (b+1)*n]
		var histogram [256]int
		var m moments
		for _, v := range band {
			histogram[v]++
			m.add(float64(v) / 255)
		}
		put(m.mean())
		put(m.sd())
		for _, p := range percentiles {
			put(percentile(&histogram, n, p) / 255)
		}
		var gradient, laplacian moments
		for r := 1; r < size-1; r++ {
			for c := 1; c < size-1; c++ {
				k := r*size + c
				w, e, u, d := float64(band[k-1]), float64(band[k+1]), float64(band[k-size]), float64(band[k+size])
				dx, dy := (e-w)/510, (d-u)/510
				gradient.add(math.Sqrt(dx*dx + dy*dy))
				laplacian.add(math.Abs(w+e+u+d-4*float64(band[k])) / 255)
			}
		}
		put(gradient.mean())
		put(gradient.sd())
		put(laplacian.mean())
		put(laplacian.sd())
	}
	for a := range bands {
		for b := a + 1; b < len(bands); b++ {
			var m moments
			for k := range n {
				va, vb := float64(image[a*n+k]), float64(image[b*n+k])
				m.add((va - vb) / (va + vb + 2))
			}
			put(m.mean())
			put(m.sd())
		}
	}
}

// percentile p of n values by their histogram, interpolated between the two
// values around place p/100 (n - 1), as numpy does.
func percentile(histogram *[256]int, n, p int) float64 {
	place := float64(p) / 100 * float64(n-1)
	low := int(place)
	value := func(rank int) float64 {
		for v, count := range histogram {
			if rank -= count; rank < 0 {
				return float64(v)
			}
		}
		return 255
	}
	a, share := value(low), place-float64(low)
	if share == 0 {
		return a
	}
	return a + share*(value(low+1)-a)
}

// moments gathers mean and standard deviation (by n) of values near 0 to 1.
type moments struct {
	n, sum, squares float64
}

func (m *moments) add(v float64) {
	m.n++
	m.sum += v
	m.squares += v * v
}

func (m *moments) mean() float64 {
	if m.n == 0 {
		return 0
	}
	return m.sum / m.n
}

func (m *moments) sd() float64 {
	if m.n == 0 {
		return 0
	}
	v := m.squares/m.n - m.mean()*m.mean()
	if v < 1e-12 { // rounding alone
		return 0
	}
	return math.Sqrt(v)
}
