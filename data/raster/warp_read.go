//go:build !nogdal

package raster

import (
	"fmt"
	"math"

	"github.com/lukeroth/gdal"

	"opencarbon/data/fault"
)

// Palette reports whether the raster is one band of indices into a color table.
// ReadPatch expands it, so that it has the bands 1, 2, 3 for red, green, blue.
func (d *Dataset) Palette() bool { return len(d.bands) == 1 && d.bands[0].Color == "Palette" }

// Files lists the files that the raster is made of, as GDAL names them: its own,
// and masks, overviews and world files beside it; of a VRT also its sources.
func (d *Dataset) Files() []string {
	var files []string
	_ = nativeLenient(func() error {
		files = d.ds.FileList()
		return nil
	})
	return files
}

// Overviews lists the reduced copies of the first band, in the file's order.
func (d *Dataset) Overviews() []Overview {
	var list []Overview
	_ = nativeLenient(func() error {
		b := d.ds.RasterBand(1)
		for i := 0; i < b.OverviewCount(); i++ {
			o := b.Overview(i)
			list = append(list, Overview{i, o.XSize(), o.YSize()})
		}
		return nil
	})
	return list
}

// ReadPatch fills p.Data and p.Valid with the window p.X, p.Y, p.W, p.H of
// several bands (from 1). Its slices are reused when they are large enough.
//
// A pixel is not valid where the raster's mask or alpha says so, where a band is
// NaN or infinite, and where bands hold their nodata value: all of them for
// unsigned integers (a dark pixel may be 0 in one band of a mosaic whose nodata
// is 0), any of them for signed and floating-point numbers. Neither is a pixel
// valid in a block of a GeoTIFF that was never written, as a program leaves them
// that was stopped half-way: GDAL would read 0, which is black.
func (d *Dataset) ReadPatch(bands []int, p *Patch) error {
	if err := d.window(p.X, p.Y, p.W, p.H, 1, 1); err != nil {
		return err
	}
	area := p.W * p.H
	p.Bands, p.Valid = len(bands), p.Valid[:0]
	if cap(p.Data) < area*len(bands) {
		p.Data = make([]float32, area*len(bands))
	}
	p.Data = p.Data[:area*len(bands)]
	if d.Palette() {
		return d.readPalette(bands, p)
	}
	for _, b := range bands {
		if _, err := d.Band(b); err != nil {
			return err
		}
	}
	var masks []int // bands whose GDAL mask is more than their nodata value
	if d.oddAlpha(bands[0]) > 0 {
		masks = []int{bands[0]}
	}
	err := native(func() error {
		for _, b := range bands {
			switch flags := d.ds.RasterBand(b).GetMaskFlags(); {
			case flags&(gdal.GMF_ALL_VALID|gdal.GMF_NODATA) != 0:
			case flags&gdal.GMF_PER_DATASET != 0:
				masks = []int{b}
			default:
				masks = append(masks, b)
			}
		}
		return d.ds.IO(gdal.Read, p.X, p.Y, p.W, p.H, p.Data, p.W, p.H, len(bands), bands, 0, 0, 0)
	})
	if err != nil {
		return d.readFault(p.X, p.Y, p.W, p.H, err)
	}
	for k, b := range bands {
		if d.bands[b-1].unsigned {
			sign(p.Data[k*area : (k+1)*area])
		}
	}
	valid := make([]uint8, 0)
	for _, b := range masks {
		if cap(valid) < area {
			valid = make([]uint8, area)
		}
		valid = valid[:area]
		if err := d.ReadMask(b, p.X, p.Y, p.W, p.H, valid); err != nil {
			return err
		}
		p.narrow(func(i int) bool { return valid[i] >= alphaThreshold })
	}
	d.narrowByValue(bands, p)
	d.narrowUnwritten(bands[0], p)
	if len(p.Valid) == 0 {
		p.Valid = nil
	}
	return nil
}

// narrow takes away the pixels for which ok is false.
func (p *Patch) narrow(ok func(i int) bool) {
	area := p.W * p.H
	for i := 0; i < area; i++ {
		if ok(i) {
			continue
		}
		p.needMask()
		p.Valid[i] = 0
	}
}

// needMask makes the mask, of valid pixels, if there is none yet.
func (p *Patch) needMask() {
	if len(p.Valid) > 0 {
		return
	}
	area := p.W * p.H
	if cap(p.Valid) < area {
		p.Valid = make([]uint8, area)
	}
	p.Valid = p.Valid[:area]
	for k := range p.Valid {
		p.Valid[k] = 1
	}
}

// narrowByValue takes away NaN, infinities and nodata values.
func (d *Dataset) narrowByValue(bands []int, p *Patch) {
	area := p.W * p.H
	var everywhere [][]float32 // bands of unsigned integers with a nodata value
	var values []float32
	for k, b := range bands {
		band, data := d.bands[b-1], p.Data[k*area:(k+1)*area]
		nodata := float32(math.Max(-math.MaxFloat32, math.Min(band.Nodata, math.MaxFloat32)))
		switch band.DType {
		case Byte, UInt16, UInt32:
			if band.HasNodata {
				everywhere, values = append(everywhere, data), append(values, nodata)
			}
		case Int8, Int16, Int32:
			if band.HasNodata {
				p.narrow(func(i int) bool { return data[i] != nodata })
			}
		default:
			has := band.HasNodata && !math.IsNaN(band.Nodata)
			p.narrow(func(i int) bool { return data[i]-data[i] == 0 && !(has && data[i] == nodata) })
		}
	}
	if len(everywhere) > 0 && len(everywhere) == len(bands) {
		p.narrow(func(i int) bool {
			for k, data := range everywhere {
				if data[i] != values[k] {
					return true
				}
			}
			return false
		})
	}
}

// narrowUnwritten takes away the blocks of a GeoTIFF that are not in the file.
// Only blocks that begin with 0 or nodata in the patch are looked up.
func (d *Dataset) narrowUnwritten(band int, p *Patch) {
	b := d.bands[band-1]
	empty := float32(0)
	if b.HasNodata {
		empty = float32(b.Nodata)
	}
	type block struct{ x, y int }
	var suspects, missing []block
	for by := p.Y / b.BlockHeight; by*b.BlockHeight < p.Y+p.H; by++ {
		for bx := p.X / b.BlockWidth; bx*b.BlockWidth < p.X+p.W; bx++ {
			x, y := max(p.X, bx*b.BlockWidth), max(p.Y, by*b.BlockHeight)
			if p.Data[(y-p.Y)*p.W+x-p.X] == empty {
				suspects = append(suspects, block{bx, by})
			}
		}
	}
	if len(suspects) == 0 {
		return
	}
	_ = nativeLenient(func() error {
		if d.ds.Driver().ShortName() != "GTiff" {
			return nil
		}
		raw := d.ds.RasterBand(band)
		for _, s := range suspects {
			if raw.MetadataItem(fmt.Sprintf("BLOCK_OFFSET_%d_%d", s.x, s.y), "TIFF") == "" {
				missing = append(missing, s)
			}
		}
		return nil
	})
	for _, m := range missing {
		p.needMask()
		x0, x1 := max(p.X, m.x*b.BlockWidth)-p.X, min(p.X+p.W, (m.x+1)*b.BlockWidth)-p.X
		for y := max(p.Y, m.y*b.BlockHeight) - p.Y; y < min(p.Y+p.H, (m.y+1)*b.BlockHeight)-p.Y; y++ {
			clear(p.Valid[y*p.W+x0 : y*p.W+x1])
		}
	}
}

// readPalette reads a window of indices and looks their colors up.
func (d *Dataset) readPalette(bands []int, p *Patch) error {
	for _, b := range bands {
		if b < 1 || b > 3 {
			return fault.New(d.path, fmt.Sprintf("there is no band %d", b), "an image with a palette has bands 1 to 3: red, green, blue")
		}
	}
	area := p.W * p.H
	index := make([]uint16, area)
	var colors [][4]uint8
	err := native(func() error {
		table := d.ds.RasterBand(1).ColorTable()
		for i := 0; i < table.EntryCount(); i++ {
			e := table.Entry(i)
			r, g, b, a := e.Get()
			colors = append(colors, [4]uint8{r, g, b, a})
		}
		return d.ds.RasterBand(1).IO(gdal.Read, p.X, p.Y, p.W, p.H, index, p.W, p.H, 0, 0)
	})
	if err != nil {
		return d.readFault(p.X, p.Y, p.W, p.H, err)
	}
	nodata, has := d.Nodata(1)
	p.narrow(func(i int) bool {
		at := int(index[i])
		return at < len(colors) && colors[at][3] >= alphaThreshold && !(has && float64(at) == nodata)
	})
	for k, b := range bands {
		data := p.Data[k*area : (k+1)*area]
		for i, at := range index {
			data[i] = 0
			if int(at) < len(colors) {
				data[i] = float32(colors[at][b-1])
			}
		}
	}
	if len(p.Valid) == 0 {
		p.Valid = nil
	}
	return nil
}
