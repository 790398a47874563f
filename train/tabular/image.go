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
// of a pixel, the summand for black ones, of numbers within 0 to 1. Percentiles are
// interpolated between the two values around place p/100 (n - 1), as numpy does.
func imageStatistics(image []byte, shape store.Shape, out []float32) {
	if shape.Pixel == store.UInt8 {
		statistics(image, shape, 255, sortBytes, out)
		return
	}
	values := make([]float32, shape.Bands*shape.Size*shape.Size)
	for i := range values {
		values[i] = shape.Pixel.At(image, i)
	}
	statistics(values, shape, 1, slices.Sort, out)
}

// statistics is imageStatistics of pixels whose number for 1 is white.
func statistics[T uint8 | float32](image []T, shape store.Shape, white float64, sort func([]T), out []float32) {
	bands, size := shape.Bands, shape.Size
	n := size * size
	at := 0
	put := func(v float64) { out[at] = float32(v); at++ }
	sorted := make([]T, n)
	for b := range bands {
		band := image[b*n : (b+1)*n]
		var m moments
		if white == 1 { // of any size
			m.origin = float64(band[0])
		}
		for _, v := range band {
			m.add(float64(v) / white)
		}
		put(m.mean())
		put(m.sd())
		if bands > fullBands {
			put(float64(slices.Min(band)) / white)
			put(float64(slices.Max(band)) / white)
			continue
		}
		copy(sorted, band)
		sort(sorted)
		for _, p := range percentiles {
			place := float64(p) / 100 * float64(n-1)
			low := int(place)
			v := float64(sorted[low])
			if share := place - float64(low); share > 0 {
				v += share * (float64(sorted[low+1]) - v)
			}
			put(v / white)
		}
		var gradient, laplacian moments
		two := 2 * white
		for r := 1; r < size-1; r++ {
			for c := 1; c < size-1; c++ {
				k := r*size + c
				w, e, u, d := float64(band[k-1]), float64(band[k+1]), float64(band[k-size]), float64(band[k+size])
				dx, dy := (e-w)/two, (d-u)/two
				gradient.add(math.Sqrt(dx*dx + dy*dy))
				laplacian.add(math.Abs(w+e+u+d-4*float64(band[k])) / white)
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
	black := 2 * white / 255
	for a := range bands {
		for b := a + 1; b < bands; b++ {
			var m moments
			for k := range n {
				va, vb := float64(image[a*n+k]), float64(image[b*n+k])
				if white == 1 {
					va, vb = min(max(va, 0), 1), min(max(vb, 0), 1)
				}
				m.add((va - vb) / (va + vb + black))
			}
			put(m.mean())
			put(m.sd())
		}
	}
}

// sortBytes sorts by counting: there are many bytes and few values.
func sortBytes(v []uint8) {
	var count [256]int
	for _, x := range v {
		count[x]++
	}
	at := 0
	for x, n := range count {
		for range n {
			v[at] = uint8(x)
			at++
		}
	}
}

// moments gathers mean and standard deviation (by n) of values near 0 to 1, or of
// any size around a number of theirs.
type moments struct {
	n, sum, squares float64
	origin          float64
}

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
