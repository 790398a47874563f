package imagery

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/half"
	"opencarbon/data/label"
	"opencarbon/data/raster"
)

// What a picture's numbers are kept as.
const (
	UInt8   = "uint8"   // 0 to 255, clamped
	Float16 = "float16" // 11 bits of precision; not clamped
	Float32 = "float32"
)

// Codes of the mosaic's own numbers.
const (
	CodeNone = ""
	// CodeQuadratic is of signed bytes v that stand for sign(v) (|v| / 127.5)^2, as
	// AlphaEarth's embeddings have them.
	CodeQuadratic = "quadratic"
)

// MaxBands is how many bands a picture may have.
const MaxBands = 1024

// AllBands as the only one of Spec.Named is all of the file's, but for alpha.
const AllBands = "all"

// typeBytes is how many bytes a number takes; 0: not a type.
func typeBytes(t string) int {
	switch t {
	case UInt8:
		return 1
	case Float16:
		return 2
	case Float32:
		return 4
	}
	return 0
}

// Band is a band that a file offers.
type offered struct {
	name  string // empty: none
	dtype raster.DType
	alpha bool
}

// choose finds the bands that are asked for among those that there are, and with
// them what is read.
func (m *Mosaic) choose(have []offered) error {
	s := &m.spec
	switch {
	case len(s.Named) == 1 && strings.EqualFold(s.Named[0], AllBands):
		for i, b := range have {
			if !b.alpha {
				s.Bands = append(s.Bands, i+1)
			}
		}
	case len(s.Named) > 0:
		for _, text := range s.Named {
			b, err := m.find(have, text, "bands")
			if err != nil {
				return err
			}
			s.Bands = append(s.Bands, b)
		}
	}
	if len(s.Bands) > MaxBands {
		return fault.New(s.Path, fmt.Sprintf("%d bands are more than a picture can have (%d)", len(s.Bands), MaxBands), "name those that count in data.imagery.bands")
	}
	for _, b := range s.Bands {
		if b >= 1 && b <= len(have) {
			continue
		}
		remedy := fmt.Sprintf("the file has bands 1 to %d: set data.imagery.bands accordingly", len(have))
		switch {
		case len(have) == 1:
			remedy = "the file has one band: set data.imagery.bands to [1] (or to [1, 1, 1], to use it as gray)"
		case m.tiles != nil:
			return fault.New(s.Path, fmt.Sprintf("band %d was asked for, and map tiles have 3 bands", b), "set data.imagery.bands to [1, 2, 3]")
		}
		return fault.New(s.Path, fmt.Sprintf("band %d was asked for, and the file has %d band(s)", b, len(have)), remedy)
	}
	if n := len(s.Range); s.Scale == ScaleRange && n != 2 && n != 2*len(s.Bands) {
		return fault.New("data.imagery.range", fmt.Sprintf("has %d numbers for %d bands", n, len(s.Bands)), fmt.Sprintf("give two numbers for all bands, or two for each: %d", 2*len(s.Bands)))
	}
	m.dtype, m.read, m.pick = "", nil, nil
	for _, b := range s.Bands {
		at := slices.Index(m.read, b)
		if at < 0 {
			at = len(m.read)
			m.read = append(m.read, b)
			if t := have[b-1].dtype; m.dtype == "" || m.dtype == raster.Byte {
				m.dtype = t
			}
		}
		m.pick = append(m.pick, at)
		if t := have[b-1].dtype; s.Code == CodeQuadratic && t != raster.Int8 {
			return fault.New(s.Path, fmt.Sprintf("band %d has pixels of type %s, and data.imagery.code: quadratic is of signed bytes (Int8)", b, t),
				"remove data.imagery.code where the numbers are the embedding itself, or fetch the file as it was published")
		}
		m.names = append(m.names, have[b-1].name)
	}
	return m.choosePreview(have)
}

// choosePreview finds the three bands that pictures for people are made of.
func (m *Mosaic) choosePreview(have []offered) error {
	m.preview = [3]int{0, min(1, len(m.pick)-1), min(2, len(m.pick)-1)}
	if len(m.pick) == 2 {
		m.preview[2] = 0
	}
	for i, text := range m.spec.Preview {
		b, err := m.find(have, text, "preview")
		if err != nil {
			return err
		}
		if m.preview[i] = slices.Index(m.spec.Bands, b); m.preview[i] < 0 {
			return fault.New("data.imagery.preview", fmt.Sprintf("band %s is none of data.imagery.bands", text), "name three of those that are read")
		}
	}
	return nil
}

// find is the number of a band, from 1, that is asked for by number or by name.
func (m *Mosaic) find(have []offered, text, key string) (int, error) {
	for i, b := range have {
		if b.name == text {
			return i + 1, nil
		}
	}
	for i, b := range have {
		if b.name != "" && strings.EqualFold(b.name, text) {
			return i + 1, nil
		}
	}
	if n, err := strconv.Atoi(text); err == nil {
		if n < 1 || n > len(have) {
			return 0, fault.New(m.spec.Path, fmt.Sprintf("band %d was asked for, and the file has %d band(s)", n, len(have)),
				fmt.Sprintf("the file has bands 1 to %d: set data.imagery.%s accordingly", len(have), key))
		}
		return n, nil
	}
	var names []string
	for _, b := range have {
		if b.name != "" {
			names = append(names, label.Printable(b.name))
		}
	}
	remedy := fmt.Sprintf("its bands have no names: give numbers from 1 to %d in data.imagery.%s", len(have), key)
	if len(names) > 0 {
		if len(names) > 20 {
			names = append(names[:20:20], "...")
		}
		remedy = fmt.Sprintf("set data.imagery.%s to some of: %s; or to numbers from 1 to %d", key, strings.Join(names, ", "), len(have))
	}
	return 0, fault.New(m.spec.Path, fmt.Sprintf("there is no band named %q", text), remedy)
}

// Patches are cut by the number of bands, so that memory does not grow with it:
// three bands' worth.
func (m *Mosaic) patchPixels() int { return patchPixels * 3 / max(3, len(m.read)) }

// edge is a window's edge with as many numbers as three bands of edge n.
func (m *Mosaic) edge(n int) int {
	return int(float64(n) * math.Sqrt(3/float64(max(3, len(m.read)))))
}

// decoding reads patches whose numbers are in a code.
type decoding struct{ reader }

// ReadPatch implements reader.
func (d decoding) ReadPatch(bands []int, p *raster.Patch) error {
	if err := d.reader.ReadPatch(bands, p); err != nil {
		return err
	}
	for i, v := range p.Data {
		p.Data[i] = v * float32(math.Abs(float64(v))) / (127.5 * 127.5)
	}
	return nil
}

// bytes turns resampled bands, as read, into a picture [B, H, W] of n.Type. Pixels
// whose mask is 0 become 0; a nil mask means that all have a value.
func (m *Mosaic) bytes(n *Normalization, out []byte, bands []float32, mask []uint8) {
	area := len(out) / len(m.pick) / n.bytes()
	for i, k := range m.pick {
		src := bands[k*area : (k+1)*area]
		if n.bytes() == 1 {
			gray(out[i*area:(i+1)*area], src, n.Low[i], n.High[i], mask)
			continue
		}
		low, scale := float32(n.Low[i]), float32(0)
		if width := n.High[i] - n.Low[i]; width > 0 {
			scale = float32(1 / width)
		}
		for j, v := range src {
			if v = (v - low) * scale; mask != nil && mask[j] == 0 {
				v = 0
			}
			if at := i*area + j; n.bytes() == 2 {
				binary.LittleEndian.PutUint16(out[2*at:], half.From(v))
			} else {
				binary.LittleEndian.PutUint32(out[4*at:], math.Float32bits(v))
			}
		}
	}
}

// colors makes a picture for people, uint8 [3, H, W], of the bands of the preview.
func (m *Mosaic) colors(n *Normalization, rgb []uint8, bands []float32, mask []uint8) {
	area := len(rgb) / 3
	for i, place := range m.preview {
		low, high := n.Low[place], n.High[place]
		if n.PreviewLow != nil {
			low, high = n.PreviewLow[i], n.PreviewHigh[i]
		}
		k := m.pick[place]
		gray(rgb[i*area:(i+1)*area], bands[k*area:(k+1)*area], low, high, mask)
	}
}

// gray makes bytes of numbers: low becomes 0 and high 255.
func gray(dst []uint8, src []float32, from, to float64, mask []uint8) {
	low, scale := float32(from), float32(0)
	if width := to - from; width > 0 {
		scale = float32(255 / width)
	}
	for j, v := range src {
		v = (v-low)*scale + 0.5
		switch {
		case v >= 255:
			dst[j] = 255
		case v > 0:
			dst[j] = uint8(v)
		default: // also NaN, which no path produces
			dst[j] = 0
		}
	}
	for j, ok := range mask {
		if ok == 0 {
			dst[j] = 0
		}
	}
}

// Colors is how a picture for people is made of a picture as it is kept: from the
// bands at three places, of whose numbers Low becomes black and High full color.
type Colors struct {
	Places    [3]int
	Low, High [3]float64
}

// Colors says it; nil where a picture is one for people as it is.
func (n *Normalization) Colors() *Colors {
	if len(n.Bands) == 3 && n.bytes() == 1 && n.Preview == nil {
		return nil
	}
	c := &Colors{Places: [3]int{0, min(1, len(n.Bands)-1), min(2, len(n.Bands)-1)}, High: [3]float64{255, 255, 255}}
	if len(n.Bands) == 2 {
		c.Places[2] = 0
	}
	copy(c.Places[:], n.Preview)
	if n.bytes() > 1 {
		c.High = [3]float64{1, 1, 1}
		copy(c.Low[:], n.PreviewLow)
		copy(c.High[:], n.PreviewHigh)
	}
	return c
}

// bytes is how many a number of the picture has.
func (n *Normalization) bytes() int { return max(1, typeBytes(n.Type)) }

// Constant are the bands, as the file counts them, that say nothing: the mosaic has
// one number nearly everywhere.
func (n *Normalization) Constant() (bands []int) {
	if n.Scale != ScalePercentile && n.Scale != ScaleMinMax {
		return nil
	}
	for i, b := range n.Bands {
		if n.Low[i] == n.High[i] && !slices.Contains(bands, b) {
			bands = append(bands, b)
		}
	}
	return bands
}
