package imagery

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // map tiles are JPEG
	_ "image/png"  // or PNG
	"io"
	"path/filepath"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// tileCacheBytes bounds the decoded tiles that a reader keeps.
const tileCacheBytes = 48 << 20

// tileReader reads patches from a tile set and keeps the last decoded tiles.
type tileReader struct {
	set   *tileSet
	cache map[[2]int][]uint8 // [px, px, 4], not premultiplied
	order [][2]int           // of arrival
}

func newTileReader(t *tileSet) *tileReader {
	return &tileReader{set: t, cache: map[[2]int][]uint8{}}
}

// Close drops the cache.
func (r *tileReader) Close() { r.cache, r.order = nil, nil }

// ReadPatch fills p like raster.Dataset.ReadPatch: a pixel is valid where its
// tile exists and is opaque at least by half.
func (r *tileReader) ReadPatch(bands []int, p *raster.Patch) error {
	area, px := p.W*p.H, r.set.px
	p.Bands = len(bands)
	if cap(p.Data) < area*len(bands) {
		p.Data = make([]float32, area*len(bands))
	}
	p.Data = p.Data[:area*len(bands)]
	clear(p.Data)
	if cap(p.Valid) < area {
		p.Valid = make([]uint8, area)
	}
	p.Valid = p.Valid[:area]
	clear(p.Valid)
	missing := area
	for ty := p.Y / px; ty*px < p.Y+p.H; ty++ {
		for tx := p.X / px; tx*px < p.X+p.W; tx++ {
			tile, err := r.tile([2]int{r.set.x0 + tx, r.set.y0 + ty})
			if err != nil {
				return err
			}
			if tile == nil {
				continue
			}
			for y := max(p.Y, ty*px); y < min(p.Y+p.H, (ty+1)*px); y++ {
				for x := max(p.X, tx*px); x < min(p.X+p.W, (tx+1)*px); x++ {
					v := tile[((y-ty*px)*px+x-tx*px)*4:][:4]
					if v[3] < 128 {
						continue
					}
					at := (y-p.Y)*p.W + x - p.X
					for k, b := range bands {
						p.Data[k*area+at] = float32(v[b-1])
					}
					p.Valid[at] = 1
					missing--
				}
			}
		}
	}
	if missing == 0 {
		p.Valid = nil
	}
	return nil
}

// tile returns a decoded tile, or nil if there is none.
func (r *tileReader) tile(key [2]int) ([]uint8, error) {
	if t, ok := r.cache[key]; ok {
		return t, nil
	}
	file, ok := r.set.files[key]
	if !ok {
		return nil, nil
	}
	t, err := r.set.decode(file)
	if err != nil {
		return nil, err
	}
	if len(r.order) >= max(4, tileCacheBytes/len(t)) {
		delete(r.cache, r.order[0])
		r.order = r.order[1:]
	}
	r.cache[key], r.order = t, append(r.order, key)
	return t, nil
}

// decode reads a tile as [px, px, 4] bytes: red, green, blue, alpha, whatever
// its own color model is (palettes are expanded, gray is repeated).
func (t *tileSet) decode(file string) ([]uint8, error) {
	f, err := t.fsys.Open(file)
	if err != nil {
		return nil, t.tileFault(file, err)
	}
	defer f.Close()
	const limit = 128 << 20 // no tile is larger
	content, err := io.ReadAll(io.LimitReader(f, limit))
	if err != nil {
		return nil, t.tileFault(file, err)
	}
	// The size first: a small file may unpack to a huge picture.
	c, _, err := image.DecodeConfig(bytes.NewReader(content))
	if err != nil {
		return nil, t.tileFault(file, err)
	}
	if c.Width != t.px || c.Height != t.px {
		return nil, fault.New(filepath.Join(t.root, file), fmt.Sprintf("the tile is %d x %d pixels, the others %d x %d", c.Width, c.Height, t.px, t.px), "bring all tiles to one size")
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, t.tileFault(file, err)
	}
	b := img.Bounds()
	out := make([]uint8, 4*t.px*t.px)
	put := func(i int, c color.NRGBA) { out[4*i], out[4*i+1], out[4*i+2], out[4*i+3] = c.R, c.G, c.B, c.A }
	var palette []color.NRGBA
	if p, ok := img.(*image.Paletted); ok {
		for _, c := range p.Palette {
			palette = append(palette, color.NRGBAModel.Convert(c).(color.NRGBA))
		}
	}
	i := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			switch img := img.(type) {
			case *image.NRGBA:
				put(i, img.NRGBAAt(x, y))
			case *image.RGBA: // what PNG without alpha becomes: opaque
				c := img.RGBAAt(x, y)
				if c.A == 255 {
					put(i, color.NRGBA(c))
				} else {
					put(i, color.NRGBAModel.Convert(c).(color.NRGBA))
				}
			case *image.YCbCr:
				c := img.YCbCrAt(x, y)
				red, green, blue := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
				put(i, color.NRGBA{red, green, blue, 255})
			case *image.Gray:
				v := img.GrayAt(x, y).Y
				put(i, color.NRGBA{v, v, v, 255})
			case *image.Paletted:
				if at := int(img.ColorIndexAt(x, y)); at < len(palette) {
					put(i, palette[at])
				}
			default:
				put(i, color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA))
			}
			i++
		}
	}
	return out, nil
}
