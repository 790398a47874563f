package emissions

import (
	"context"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// rasterSource is a stack of rasters on one pixel grid whose bands are summed.
type rasterSource struct {
	s      *Spec
	files  []string
	sets   []*raster.Dataset
	bands  [][]int  // [sets] that are added up, counted from 1
	masked [][]bool // [sets][bands] a mask says where the numbers are good
	gt     [6]float64
	width  int
	height int
	crs    *raster.CRS
}

// openRasters opens all files and checks that they lie on the same pixels.
func openRasters(s *Spec, files []string) (*rasterSource, error) {
	src := &rasterSource{s: s}
	for _, f := range files {
		d, err := raster.Open(f, raster.Options{CRS: s.CRS, Nodata: s.Nodata})
		if err != nil {
			src.close()
			return nil, err
		}
		bands, err := chooseBands(s, d, files)
		if err == nil && bands == nil { // all of it is of other years
			d.Close()
			continue
		}
		src.sets, src.bands, src.files = append(src.sets, d), append(src.bands, bands), append(src.files, f)
		if err == nil {
			err = src.admit(d)
		}
		if err != nil {
			src.close()
			return nil, err
		}
	}
	if len(src.sets) == 0 {
		return nil, notOfYear(s, files)
	}
	first := src.sets[0]
	src.gt, _ = first.GeoTransform()
	src.width, src.height, src.crs = first.Width(), first.Height(), first.CRS()
	return src, nil
}

// admit checks one file of the stack.
func (src *rasterSource) admit(d *raster.Dataset) error {
	if err := d.Georeferenced(); err != nil {
		return err
	}
	bands := src.bands[len(src.sets)-1]
	masked := make([]bool, len(bands))
	for i, b := range bands {
		var err error
		if masked[i], err = d.Masked(b); err != nil {
			return err
		}
	}
	src.masked = append(src.masked, masked)
	first := src.sets[0]
	a, _ := first.GeoTransform()
	b, _ := d.GeoTransform()
	same := first.Width() == d.Width() && first.Height() == d.Height() && first.CRS().Same(d.CRS())
	for i := range a {
		scale := math.Abs(a[1]) + math.Abs(a[2])
		same = same && math.Abs(a[i]-b[i]) <= 1e-6*scale
	}
	if !same {
		return fault.New(d.Path(), "its pixels do not lie on those of "+first.Path(), "files that are summed must share size, CRS and geotransform; warp one to the other with gdalwarp")
	}
	return nil
}

// count is how many bands of all files are added up.
func (src *rasterSource) count() (n int) {
	for _, b := range src.bands {
		n += len(b)
	}
	return n
}

func (src *rasterSource) close() {
	for _, d := range src.sets {
		d.Close()
	}
}

// stripPoints bounds the lattice points held at once (16 bytes each).
const stripPoints = 1 << 19

// loadRasters spreads a stack of rasters, a strip of rows at a time, and only
// the window that the region needs.
func loadRasters(ctx context.Context, s *Spec, files []string, t *target, r *Report, progress Progress) error {
	src, err := openRasters(s, files)
	if err != nil {
		return err
	}
	defer src.close()
	year, err := calendarOf(s, src.parts())
	if err != nil {
		return err
	}
	r.YearFactor, r.MissingMonths, r.Times = year.factor, year.missing, year.text
	r.Files = src.containers()
	r.Bands = src.text()
	r.Note = s.contradicted(src.sets[0].Unit())
	tr, err := raster.NewTransform(src.crs, t.g.CRS())
	if err != nil {
		return err
	}
	defer tr.Close()
	l := &lattice{src: src, g: t.g, t: tr}
	if !src.crs.Same(t.g.CRS()) {
		_, l.period = t.g.Turn()
	}
	windows, err := l.windows(t)
	if err != nil {
		return err
	}
	if len(windows) == 0 {
		a, b, c, d, _ := raster.Geometry{Polygons: []raster.Polygon{src.sets[0].Outline(1)}}.Bounds()
		return t.noOverlap(files[0], [4]float64{a, b, c, d}, src.crs)
	}
	factor, _ := unitFactor(s.Units)
	if s.Per != "cell" {
		factor *= s.areaFactor()
	}
	if s.Per == "cell" && !s.proxy() {
		if err := src.whole(ctx, r, year.weights, factor); err != nil {
			return err
		}
	}
	b := &strip{src: src, t: t, r: r, l: l, factor: factor, weights: year.weights}
	all, done := 0.0, 0.0 // pixels
	for _, w := range windows {
		all += float64(w.right-w.left) * float64(w.bottom-w.top)
	}
	for _, w := range windows {
		if err := b.window(ctx, w, func(pixels float64) { done += pixels; progress(done / all) }); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if b.touched == 0 {
		a, b, c, d, _ := raster.Geometry{Polygons: []raster.Polygon{src.sets[0].Outline(1)}}.Bounds()
		return t.noOverlap(files[0], [4]float64{a, b, c, d}, src.crs)
	}
	return nil
}

// window spreads a block of pixels, a strip of rows at a time.
func (b *strip) window(ctx context.Context, w window, progress func(pixels float64)) error {
	l := b.l
	b.x0, b.w = w.left, w.right-w.left
	l.choosePieces(w.left, w.top, b.w, w.bottom-w.top)
	perRow := b.w * l.n
	if l.n > 1 {
		perRow += (b.w + 1) * (l.n - 1)
	}
	rows := max(1, min(w.bottom-w.top, stripPoints/(perRow+1)))
	for top := w.top; top < w.bottom; top += rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(rows, w.bottom-top)
		if err := b.read(top, n); err != nil {
			return err
		}
		b.spread(ctx, top, n)
		progress(float64(n) * float64(b.w))
	}
	return nil
}
