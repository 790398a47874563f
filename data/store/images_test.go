package store

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"opencarbon/data/half"
)

// Images of any bands and numbers come back, count as version 3, and are shown to
// people by the bands and limits that the store says.
func TestShapes(t *testing.T) {
	const size = 5
	for _, shape := range []Shape{{size, 3, UInt8}, {size, 1, UInt8}, {size, 4, UInt8}, {size, 3, Float16}, {size, 64, Float16}, {size, 2, Float32}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			m := makeTiles(4, 2, 3, 0, 2)
			number := func(tile, i int) float32 { return float32((tile*31+i)%200) / 100 }
			for tile := range m.cells {
				image := make([]byte, shape.Bytes())
				for i := range shape.Bands * size * size {
					switch v := number(tile, i); shape.Pixel {
					case UInt8:
						image[i] = uint8(100 * v)
					case Float16:
						binary.LittleEndian.PutUint16(image[2*i:], half.From(v))
					case Float32:
						binary.LittleEndian.PutUint32(image[4*i:], math.Float32bits(v))
					}
				}
				m.images = append(m.images, image)
			}
			meta := Meta{Name: "x", Built: "then"}
			last := shape.Bands - 1
			if shape != RGB(size) {
				meta.Colors = &Colors{Places: [3]int{last, 0, last}, Low: [3]float64{0.5, 0, 0}, High: [3]float64{1.5, 1, 2}}
			}
			dir := filepath.Join(t.TempDir(), "s")
			w, err := CreateAs(dir, meta, len(m.cells)+1, shape)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.SetImage(0, m.images[0][1:]); err == nil {
				t.Error("an image that is a byte short was taken")
			}
			for i, image := range m.images { // one tile in front is left out
				if err := w.SetImage(i+1, image); err != nil {
					t.Fatal(err)
				}
			}
			if err := w.Select([]int{1, 2, 3, 4, 5, 6}); err != nil {
				t.Fatal(err)
			}
			images := m.images
			m.images = nil
			m.fill(t, w)
			if err := w.Commit(context.Background()); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			want := 3
			if shape == RGB(size) {
				want = 1
			}
			if s.Shape() != shape || s.Meta().FormatVersion != want || !slices.Equal(s.Images(), slices.Concat(images...)) {
				t.Fatalf("%v of version %d came back", s.Shape(), s.Meta().FormatVersion)
			}
			if err := s.Verify(context.Background()); err != nil {
				t.Error(err)
			}
			got, picture := make([]byte, shape.Bytes()), make([]uint8, 3*size*size)
			for tile := range m.cells {
				if err := s.ReadImage(tile, got); err != nil || !slices.Equal(got, images[tile]) || !slices.Equal(got, s.Image(tile)) {
					t.Fatalf("tile %d: %v", tile, err)
				}
				if err := s.ReadColors(tile, picture); err != nil {
					t.Fatal(err)
				}
				if shape == RGB(size) && !slices.Equal(picture, got) {
					t.Error("a picture of colors is another one")
				}
				for i := range size * size {
					if c := meta.Colors; c != nil && shape.Pixel != UInt8 {
						v := float64(number(tile, last*size*size+i))
						if want := math.Min(255, math.Max(0, 255*(v-0.5))); math.Abs(float64(picture[i])-want) > 1 {
							t.Fatalf("pixel %d of tile %d is shown as %d, want %.1f", i, tile, picture[i], want)
						}
					} else if c != nil && (picture[i] != got[last*size*size+i] || picture[size*size+i] != got[i]) {
						t.Fatal("other bands are shown")
					}
				}
			}
		})
	}
}

// A shape that no image has is refused, by the writer and in a header.
func TestImpossibleShapes(t *testing.T) {
	for _, shape := range []Shape{{8, 0, UInt8}, {8, MaxBands + 1, UInt8}, {8, 3, 9}, {-1, 3, UInt8}, {maxImageSize + 1, 3, UInt8}} {
		if w, err := CreateAs(filepath.Join(t.TempDir(), "s"), Meta{}, 2, shape); err == nil {
			w.Abort()
			t.Errorf("%v was taken", shape)
		}
	}
	base := header{tiles: 2, image: Shape{8, 4, Float16}}
	for name, change := range map[string]func(b []byte){
		"no bands":   func(b []byte) { binary.LittleEndian.PutUint32(b[52:], 0) },
		"many bands": func(b []byte) { binary.LittleEndian.PutUint32(b[52:], 1<<30) },
		"a type":     func(b []byte) { binary.LittleEndian.PutUint32(b[56:], 3) },
		"no size":    func(b []byte) { binary.LittleEndian.PutUint32(b[24:], 0) },
		"plain ones": func(b []byte) { binary.LittleEndian.PutUint32(b[52:], 3); binary.LittleEndian.PutUint32(b[56:], 0) },
		"many of all": func(b []byte) {
			binary.LittleEndian.PutUint64(b[16:], maxTiles)
			binary.LittleEndian.PutUint32(b[52:], MaxBands)
			binary.LittleEndian.PutUint32(b[24:], maxImageSize)
		},
	} {
		b := base.encode()
		change(b)
		rehash(b)
		if _, err := parseHeader(b, 0); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, want := range map[string]Pixel{"": UInt8, "uint8": UInt8, "float16": Float16, "float32": Float32} {
		if p, ok := ParsePixel(name); !ok || p != want || name != "" && p.String() != name {
			t.Errorf("%q is %v", name, p)
		}
	}
	if _, ok := ParsePixel("float64"); ok {
		t.Error("float64 is a type")
	}
}
