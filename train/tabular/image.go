package tabular

import (
	"fmt"
	"math"
	"slices"

	"opencarbon/data/store"
)

// percentiles that an image is described by, of each band.
var percentiles = []int{5, 25, 50, 75, 95}

// Up to how many bands an image is described in full, and compared pair by pair: an
// embedding's 64 numbers are no colors, and mean, deviation and extremes of each say
// nearly all that there is to say of a cell.
const (
	fullBands   = 16
	pairedBands = 6
)

// bandNames are the bands of an image; of a few the first three are colors.
func bandNames(n int) (names []string) {
	for i := range n {
		if n >= 3 && n <= pairedBands && i < 3 {
			names = append(names, []string{"red", "green", "blue"}[i])
		} else {
			names = append(names, fmt.Sprintf("band %d", i+1))
		}
	}
	return names
}

// imageNames are the names of the statistics of an image of so many bands, in
// imageStatistics' order: 11 of each band and 2 of each pair of bands; of many bands
// without the pairs, and of very many 4 of each.
func imageNames(n int) []string {
	var names []string
	bands := bandNames(n)
	for _, b := range bands {
		names = append(names, b+" mean", b+" sd")
		if n > fullBands {
			names = append(names, b+" min", b+" max")
			continue
		}
		for _, p := range percentiles {
			names = append(names, fmt.Sprintf("%s p%d", b, p))
		}
		names = append(names, b+" gradient mean", b+" gradient sd", b+" laplacian mean", b+" laplacian sd")
	}
	if n > pairedBands {
		return names
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
// out. image has the store's shape; bytes count as 0 to 1, floats as they are. The
// gradient's length and the Laplacian's absolute value are taken at inner pixels by
// central differences (0 where size is below 3), a ratio is (a - b) / (a + b + 2/255)
// of a pixel, the summand for black ones, of numbers within 0 to 1.
func imageStatistics(image []byte, shape store.Shape, out []float32) {
	if shape.Pixel == store.UInt8 {
		byteStatistics(image, shape.Bands, shape.Size, out)
		return
	}
	values := make([]float32, shape.Bands*shape.Size*shape.Size)
	for i := range values {
		values[i] = shape.Pixel.At(image, i)
	}
	floatStatistics(values, shape.Bands, shape.Size, out)
}

// byteStatistics is imageStatistics of uint8 [bands, size, size].
func byteStatistics(image []uint8, bands, size int, out []float32) {
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
		if bands > fullBands {
			put(percentile(&histogram, n, 0) / 255)
			put(percentile(&histogram, n, 100) / 255)
			continue
		}
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
	if bands > pairedBands {
		return
	}
	for a := range bands {
		for b := a + 1; b < bands; b++ {
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

// floatStatistics is imageStatistics of floats [bands, size, size].
func floatStatistics(image []float32, bands, size int, out []float32) {
	n := size * size
	at := 0
	put := func(v float64) { out[at] = float32(v); at++ }
	sorted := make([]float32, n)
	for b := range bands {
		band := image[b*n : (b+1)*n]
		m := newMomentsAround(float64(band[0]))
		for _, v := range band {
			m.add(float64(v))
		}
		put(m.mean())
		put(m.sd())
		if bands > fullBands {
			put(float64(slices.Min(band)))
			put(float64(slices.Max(band)))
			continue
		}
		copy(sorted, band)
		slices.Sort(sorted)
		for _, p := range percentiles {
			place := float64(p) / 100 * float64(n-1)
			low := int(place)
			v := float64(sorted[low])
			if share := place - float64(low); share > 0 {
				v += share * (float64(sorted[low+1]) - v)
			}
			put(v)
		}
		var gradient, laplacian moments
		for r := 1; r < size-1; r++ {
			for c := 1; c < size-1; c++ {
				k := r*size + c
				w, e, u, d := float64(band[k-1]), float64(band[k+1]), float64(band[k-size]), float64(band[k+size])
				dx, dy := (e-w)/2, (d-u)/2
				gradient.add(math.Sqrt(dx*dx + dy*dy))
				laplacian.add(math.Abs(w + e + u + d - 4*float64(band[k])))
			}
		}
		put(gradient.mean())
		put(gradient.sd())
		put(laplacian.mean())
		put(laplacian.sd())
	}
	if bands > pairedBands {
		return
	}
	for a := range bands {
		for b := a + 1; b < bands; b++ {
			var m moments
			for k := range n {
				va, vb := min(max(float64(image[a*n+k]), 0), 1), min(max(float64(image[b*n+k]), 0), 1)
				m.add((va - vb) / (va + vb + 2.0/255))
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

// moments gathers mean and standard deviation (by n) of values near 0 to 1, or of
// any size around a number of theirs.
type moments struct {
	n, sum, squares float64
	origin          float64
}

func newMomentsAround(origin float64) moments { return moments{origin: origin} }

func (m *moments) add(v float64) {
	v -= m.origin
	m.n++
	m.sum += v
	m.squares += v * v
}

func (m *moments) mean() float64 {
	if m.n == 0 {
		return 0
	}
	return m.origin + m.sum/m.n
}

func (m *moments) sd() float64 {
	if m.n == 0 {
		return 0
	}
	off := m.sum / m.n
	v := m.squares/m.n - off*off
	if v < 1e-12*max(1, off*off) { // rounding alone
		return 0
	}
	return math.Sqrt(v)
}
