package store

import (
	"encoding/binary"
	"fmt"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/half"
)

// Pixel is the type of the images' numbers.
type Pixel uint8

// The values of Pixel.
const (
	UInt8 Pixel = iota
	Float16
	Float32
)

// pixelNames are the names of the types, by Pixel.
var pixelNames = []string{"uint8", "float16", "float32"}

// String is the type's name as configurations spell it.
func (p Pixel) String() string {
	if int(p) < len(pixelNames) {
		return pixelNames[p]
	}
	return fmt.Sprintf("pixel(%d)", uint8(p))
}

// ParsePixel is the type of a name; empty is uint8.
func ParsePixel(name string) (Pixel, bool) {
	if name == "" {
		return UInt8, true
	}
	for p, n := range pixelNames {
		if n == name {
			return Pixel(p), true
		}
	}
	return 0, false
}

// Bytes is how many bytes a number takes.
func (p Pixel) Bytes() int { return 1 << p }

// MaxBands is the number of bands that images may have.
const MaxBands = 1024

// Shape is that of every image of a store: [Bands, Size, Size] numbers of type
// Pixel. The zero value is a store without images.
type Shape struct {
	Size, Bands int
	Pixel       Pixel
}

// RGB is the shape of images of red, green and blue bytes.
func RGB(size int) Shape {
	if size == 0 {
		return Shape{}
	}
	return Shape{Size: size, Bands: 3}
}

// Bytes is how many bytes an image takes.
func (s Shape) Bytes() int64 {
	return int64(s.Bands) * int64(s.Size) * int64(s.Size) * int64(s.Pixel.Bytes())
}

// check says what no image can be.
func (s Shape) check() error {
	switch {
	case s == Shape{}:
		return nil
	case s.Size < 1 || s.Size > maxImageSize:
		return fault.New("data.imagery.size", fmt.Sprintf("images of %d px cannot be stored", s.Size), fmt.Sprintf("Choose a size up to %d.", maxImageSize))
	case s.Bands < 1 || s.Bands > MaxBands:
		return fault.New("data.imagery.bands", fmt.Sprintf("images of %d bands cannot be stored", s.Bands), fmt.Sprintf("Choose 1 to %d bands.", MaxBands))
	case int(s.Pixel) >= len(pixelNames):
		return fault.New("data.imagery.type", fmt.Sprintf("images of type %s cannot be stored", s.Pixel), "Choose uint8, float16 or float32.")
	}
	return nil
}

// Colors is how an image becomes one for people: of the bands at three places, of
// whose numbers Low becomes black and High full color. Stores of red, green and
// blue bytes have none, since their images are such as they are.
type Colors struct {
	Places [3]int     `json:"places"`
	Low    [3]float64 `json:"low"`
	High   [3]float64 `json:"high"`
}

// Shape is that of the store's images, zero without images.
func (s *Store) Shape() Shape { return s.head.image }

// HasImages says whether the store has the image modality.
func (s *Store) HasImages() bool { return s.head.image.Size > 0 }

// ImageSize is H = W of the images in pixels, 0 without images.
func (s *Store) ImageSize() int { return s.head.image.Size }

// Images is all images, [N, B, H, W] numbers of type Shape().Pixel (little-endian),
// commonly bytes of red, green and blue; row 0 in the north; nil without images.
func (s *Store) Images() []byte { return s.images }

// Image is tile i's image, [B, H, W] as Images has it; nil without images.
func (s *Store) Image(i int) []byte {
	n := int(s.head.image.Bytes())
	return s.images[i*n : (i+1)*n : (i+1)*n]
}

// ReadImage copies tile i's image, [B, H, W] as Images has it, into dst, which has
// Shape().Bytes(). It reads the file: pages of the mapping, once looked at, count
// as the process's memory, and an epoch looks at every image. A failing disk is an
// error here and a crash in Image.
func (s *Store) ReadImage(i int, dst []byte) error {
	n := int(s.head.image.Bytes())
	if i < 0 || i >= s.head.tiles || len(dst) != n {
		return fmt.Errorf("image %d of %d tiles into %d bytes, where an image has %d", i, s.head.tiles, len(dst), n)
	}
	if _, err := s.file.ReadAt(dst, s.imagesAt+int64(i)*int64(n)); err != nil {
		return fault.Wrap(err, s.dir, fmt.Sprintf("the image of tile %d cannot be read", i), "Check the disk, or build the store again.")
	}
	return nil
}

// ReadColors makes a picture for people of tile i's image: uint8 [3, H, W], red,
// green and blue.
func (s *Store) ReadColors(i int, dst []uint8) error {
	shape := s.head.image
	area := shape.Size * shape.Size
	c := s.meta.Colors
	if c == nil && shape == RGB(shape.Size) {
		return s.ReadImage(i, dst)
	}
	if len(dst) != 3*area {
		return fmt.Errorf("a picture of tile %d into %d bytes, where it has %d", i, len(dst), 3*area)
	}
	if c == nil { // of a store that somebody made without it
		last := shape.Bands - 1
		c = &Colors{Places: [3]int{0, min(1, last), min(2, last)}, High: [3]float64{1, 1, 1}}
	}
	raw := make([]byte, shape.Bytes())
	if err := s.ReadImage(i, raw); err != nil {
		return err
	}
	band := area * shape.Pixel.Bytes()
	for k, place := range c.Places {
		if place < 0 || place >= shape.Bands {
			return fault.New(s.dir, fmt.Sprintf("its pictures show band %d of %d", place+1, shape.Bands), remedyBuild)
		}
		out, src := dst[k*area:(k+1)*area], raw[place*band:(place+1)*band]
		if shape.Pixel == UInt8 {
			copy(out, src)
			continue
		}
		scale := 0.0
		if c.High[k] > c.Low[k] {
			scale = 255 / (c.High[k] - c.Low[k])
		}
		for j := range out {
			out[j] = uint8(math.Max(0, math.Min(255, (float64(shape.Pixel.At(src, j))-c.Low[k])*scale+0.5)))
		}
	}
	return nil
}

// At is number i of an image's bytes: 0 to 1 of uint8, floating-point numbers as
// they are.
func (p Pixel) At(b []byte, i int) float32 {
	switch p {
	case Float16:
		return half.To(binary.LittleEndian.Uint16(b[2*i:]))
	case Float32:
		return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return float32(b[i]) / 255
}
