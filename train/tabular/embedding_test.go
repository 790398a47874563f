package tabular_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data"
	"opencarbon/data/store"
	"opencarbon/train/config"
	"opencarbon/train/tabular"
)

const (
	embeddingBands        = 64
	embeddingW, embedding = 128, 96 // pixels, of 1/4096 degree
)

// writeEmbedding writes a GeoTIFF by hand, as GDAL's releases differ in how they
// write signed bytes: signed bytes of the quadratic code, or 32-bit floats. upward:
// the first row is the southernmost, as AlphaEarth's files have it. One corner cell
// has no data.
func writeEmbedding(t *testing.T, path string, floats, upward bool) {
	t.Helper()
	le := binary.LittleEndian
	var pixels bytes.Buffer
	for line := range embedding {
		row := line
		if upward {
			row = embedding - 1 - line
		}
		for col := range embeddingW {
			for b := range embeddingBands {
				// A smooth pattern of each band's own, in steps of the code.
				code := math.Round(120 * math.Sin(float64(b+1)*0.7+float64(row)*0.05*float64(1+b%3)+float64(col)*0.03*float64(1+b%5)))
				gap := row < 32 && col < 32
				if floats {
					v := float32(math.Copysign(code*code/(127.5*127.5), code))
					if gap {
						v = float32(math.NaN())
					}
					binary.Write(&pixels, le, v)
				} else if gap {
					binary.Write(&pixels, le, int8(-128))
				} else {
					binary.Write(&pixels, le, int8(code))
				}
			}
		}
	}
	bits, format := uint16(8), uint16(2)
	if floats {
		bits, format = 32, 3
	}
	const step = 1.0 / 4096
	north, down := 50.0, -step
	if upward {
		north, down = 50-embedding*step, step
	}
	each := func(v uint16) []uint16 {
		list := make([]uint16, embeddingBands)
		for i := range list {
			list[i] = v
		}
		return list
	}
	tags := []struct {
		tag   uint16
		value any
	}{
		{256, []uint16{embeddingW}}, {257, []uint16{embedding}}, {258, each(bits)}, {259, []uint16{1}}, {262, []uint16{1}},
		{273, []uint32{0}}, {277, []uint16{embeddingBands}}, {278, []uint16{embedding}}, {279, []uint32{uint32(pixels.Len())}},
		{284, []uint16{1}}, {338, each(0)[1:]}, {339, each(format)},
		{34264, []float64{step, 0, 0, 8, 0, down, 0, north, 0, 0, 0, 0, 0, 0, 0, 1}}, // pixels to degrees
		{34735, []uint16{1, 1, 0, 3, 1024, 0, 1, 2, 1025, 0, 1, 1, 2048, 0, 1, 4326}},
	}
	kinds := map[string]uint16{"[]uint16": 3, "[]uint32": 4, "[]float64": 12}
	var entries, rest bytes.Buffer
	at := 8 + 2 + 12*len(tags) + 4
	put := func(offset uint32) {
		entries.Reset()
		rest.Reset()
		for _, e := range tags {
			var raw bytes.Buffer
			if e.tag == 273 {
				e.value = []uint32{offset}
			}
			binary.Write(&raw, le, e.value)
			kind := kinds[fmt.Sprintf("%T", e.value)]
			binary.Write(&entries, le, []uint16{e.tag, kind})
			binary.Write(&entries, le, uint32(raw.Len()/map[uint16]int{3: 2, 4: 4, 12: 8}[kind]))
			if raw.Len() <= 4 {
				entries.Write(append(raw.Bytes(), make([]byte, 4-raw.Len())...))
				continue
			}
			binary.Write(&entries, le, uint32(at+rest.Len()))
			rest.Write(raw.Bytes())
		}
	}
	put(0)
	put(uint32(at + rest.Len()))
	var file bytes.Buffer
	file.WriteString("II")
	binary.Write(&file, le, uint16(42))
	binary.Write(&file, le, uint32(8))
	binary.Write(&file, le, uint16(len(tags)))
	file.Write(entries.Bytes())
	binary.Write(&file, le, uint32(0))
	file.Write(rest.Bytes())
	file.Write(pixels.Bytes())
	if err := os.WriteFile(path, file.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
}

// An embedding of 64 bands takes six lines. Files that begin in the north and in the
// south, of signed bytes in the quadratic code and of floats, give the same
// features: mean, deviation, least and greatest number of every band.
func TestEmbeddings(t *testing.T) {
	build := func(floats, upward bool) *store.Store {
		dir := t.TempDir()
		writeEmbedding(t, filepath.Join(dir, "embedding.tif"), floats, upward)
		lines := `data:
  grid: {scheme: degrees, cell_degrees: 0.0078125}
  imagery:
    path: embedding.tif
    bands: all
    type: float16
    scale: none
    size: 32
`
		if !floats {
			lines += "    code: quadratic\n"
		}
		path := filepath.Join(dir, "x.yaml")
		if err := os.WriteFile(path, []byte(lines+"  split: {method: none}\nmodel: {modalities: [image], contrastive: false}\n"), 0o666); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, []string{"data.store=" + filepath.Join(dir, "store")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := data.Build(t.Context(), &c.Data, data.Options{Name: "x"}); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(c.Data.Store)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	var first [][]float64
	for _, floats := range []bool{false, true} {
		for _, upward := range []bool{false, true} {
			s := build(floats, upward)
			if want := (store.Shape{Size: 32, Bands: embeddingBands, Pixel: store.Float16}); s.Shape() != want || s.Len() != 11 {
				t.Fatalf("%d images are %+v", s.Len(), s.Shape())
			}
			f, err := tabular.New(t.Context(), s, tabular.Inputs{Images: true})
			if err != nil {
				t.Fatal(err)
			}
			if f.Width() != 3*4*embeddingBands {
				t.Fatalf("%d features", f.Width())
			}
			var rows [][]float64
			for i, c := range s.Cells() {
				row := f.Rows([]int32{int32(i)}).RawRowView(0)
				rows = append(rows, row)
				// By hand: the cell's pixels of the last band.
				top, left := int(c.Row-s.Cells()[0].Row)*32, int(c.Col-s.Cells()[3].Col)*32
				n, sum, least, most := 0.0, 0.0, math.Inf(1), math.Inf(-1)
				for y := top; y < top+32; y++ {
					for x := left; x < left+32; x++ {
						code := math.Round(120 * math.Sin(64*0.7+float64(y)*0.05+float64(x)*0.03*4))
						v := math.Copysign(code*code/(127.5*127.5), code)
						n, sum, least, most = n+1, sum+v, math.Min(least, v), math.Max(most, v)
					}
				}
				for k, want := range []float64{sum / n, row[4*63+1], least, most} {
					if got := row[4*63+k]; math.Abs(got-want) > 1e-3 {
						t.Errorf("cell %d, %s: %v, want %v", i, f.Names()[4*63+k], got, want)
					}
				}
			}
			if first == nil {
				first = rows
				continue
			}
			for i, row := range rows {
				for k, v := range row {
					if math.Abs(v-first[i][k]) > 1e-3 {
						t.Fatalf("floats %v, upward %v: %s of cell %d is %v, not %v", floats, upward, f.Names()[k], i, v, first[i][k])
					}
				}
			}
			// A picture for people has some contrast.
			picture := make([]uint8, 3*32*32)
			if err := s.ReadColors(0, picture); err != nil {
				t.Fatal(err)
			}
			if low, high := picture[0], picture[0]; true {
				for _, v := range picture {
					low, high = min(low, v), max(high, v)
				}
				if high-low < 50 {
					t.Errorf("the picture lies between %d and %d", low, high)
				}
			}
		}
	}
}
