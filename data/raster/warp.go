package raster

import "math"

// Frame is a picture to be made: a rectangle of a coordinate system, north up,
// cut into Rows x Cols pixels.
type Frame struct {
	West, South, East, North float64 // in the target's coordinate system
	Cols, Rows               int
}

// Patch is a window of a raster in memory.
type Patch struct {
	X, Y, W, H int       // where it lies in the raster, in pixels
	Bands      int       //
	Data       []float32 // [Bands, H, W]
	Valid      []uint8   // [H, W], 1 where there is a value; nil: everywhere
}

// Positions says where in the source the centers of a frame's pixels fall, in
// source pixels (pixel i reaches from i to i+1).
type Positions struct {
	Cols, Rows int
	Separable  bool      // X depends on the column only, and Y on the row only
	X, Y       []float64 // [Cols] and [Rows] if Separable, else [Rows, Cols] each; NaN: no such place
	ScaleX     float64   // source pixels per target pixel, across
	ScaleY     float64   // the same, down
}

// meshError is the largest error, in source pixels, of interpolating positions
// between the points of a mesh instead of projecting every pixel. gdalwarp
// allows 0.125 (-et).
const meshError = 0.02

// Place computes the positions of a frame. toSource projects points in place
// from the frame's coordinate system to the source's and may leave NaN or Inf
// where there is no image; nil means that both have the same one. inverse is
// the source's inverted geotransform. p's slices are reused.
func (p *Positions) Place(f Frame, inverse [6]float64, toSource func(x, y []float64)) {
	p.Cols, p.Rows = f.Cols, f.Rows
	dx, dy := (f.East-f.West)/float64(f.Cols), (f.South-f.North)/float64(f.Rows)
	p.Separable = toSource == nil && inverse[2] == 0 && inverse[4] == 0
	if p.Separable {
		p.X, p.Y = resize(p.X, f.Cols), resize(p.Y, f.Rows)
		for c := range p.X {
			p.X[c] = inverse[0] + inverse[1]*(f.West+(float64(c)+0.5)*dx)
		}
		for r := range p.Y {
			p.Y[r] = inverse[3] + inverse[5]*(f.North+(float64(r)+0.5)*dy)
		}
		p.ScaleX, p.ScaleY = math.Abs(inverse[1]*dx), math.Abs(inverse[5]*dy)
		return
	}
	p.X, p.Y = resize(p.X, f.Cols*f.Rows), resize(p.Y, f.Cols*f.Rows)
	// project turns fractions of the frame's pixels into source pixels.
	project := func(x, y []float64) {
		for i := range x {
			x[i], y[i] = f.West+x[i]*dx, f.North+y[i]*dy
		}
		if toSource != nil {
			toSource(x, y)
		}
		for i := range x {
			gx, gy := x[i], y[i]
			x[i] = inverse[0] + inverse[1]*gx + inverse[2]*gy
			y[i] = inverse[3] + inverse[4]*gx + inverse[5]*gy
		}
	}
	for n := 4; n < max(f.Cols, f.Rows); n *= 2 {
		if p.placeByMesh(n, project) {
			return
		}
	}
	p.placeExactly(project)
}

// placeExactly projects every pixel's center.
func (p *Positions) placeExactly(project func(x, y []float64)) {
	for r, i := 0, 0; r < p.Rows; r++ {
		for c := 0; c < p.Cols; c++ {
			p.X[i], p.Y[i] = float64(c)+0.5, float64(r)+0.5
			i++
		}
	}
	project(p.X, p.Y)
	last := len(p.X) - 1
	p.setScale(p.X[0], p.Y[0], p.X[p.Cols-1], p.Y[p.Cols-1], p.X[last-p.Cols+1], p.Y[last-p.Cols+1],
		math.Max(1, float64(p.Cols-1)), math.Max(1, float64(p.Rows-1)))
}

// placeByMesh projects the corners of n x n meshes and interpolates between
// them; it reports false where the center of a mesh is off by more than
// meshError.
func (p *Positions) placeByMesh(n int, project func(x, y []float64)) bool {
	corners := (n + 1) * (n + 1)
	x, y := make([]float64, corners+n*n), make([]float64, corners+n*n)
	stepX, stepY := float64(p.Cols)/float64(n), float64(p.Rows)/float64(n)
	for j := 0; j <= n; j++ {
		for i := 0; i <= n; i++ {
			x[j*(n+1)+i], y[j*(n+1)+i] = float64(i)*stepX, float64(j)*stepY
			if i < n && j < n {
				k := corners + j*n + i
				x[k], y[k] = (float64(i)+0.5)*stepX, (float64(j)+0.5)*stepY
			}
		}
	}
	project(x, y)
	for j := 0; j < n; j++ {
		for i := 0; i < n; i++ {
			a, b, k := j*(n+1)+i, (j+1)*(n+1)+i, corners+j*n+i
			ex := (x[a]+x[a+1]+x[b]+x[b+1])/4 - x[k]
			ey := (y[a]+y[a+1]+y[b]+y[b+1])/4 - y[k]
			if !(math.Abs(ex) <= meshError && math.Abs(ey) <= meshError) { // also where NaN
				return false
			}
		}
	}
	for r := 0; r < p.Rows; r++ {
		v := (float64(r) + 0.5) / stepY
		j := min(int(v), n-1)
		v -= float64(j)
		for c := 0; c < p.Cols; c++ {
			u := (float64(c) + 0.5) / stepX
			i := min(int(u), n-1)
			u -= float64(i)
			a, b := j*(n+1)+i, (j+1)*(n+1)+i
			p.X[r*p.Cols+c] = (1-v)*((1-u)*x[a]+u*x[a+1]) + v*((1-u)*x[b]+u*x[b+1])
			p.Y[r*p.Cols+c] = (1-v)*((1-u)*y[a]+u*y[a+1]) + v*((1-u)*y[b]+u*y[b+1])
		}
	}
	p.setScale(x[0], y[0], x[n], y[n], x[n*(n+1)], y[n*(n+1)], float64(p.Cols), float64(p.Rows))
	return true
}

// setScale takes the positions of the top left, top right and bottom left
// corners, which lie cols and rows target pixels apart.
func (p *Positions) setScale(x0, y0, x1, y1, x2, y2, cols, rows float64) {
	p.ScaleX = math.Hypot((x1-x0)/cols, (x2-x0)/rows)
	p.ScaleY = math.Hypot((y1-y0)/cols, (y2-y0)/rows)
	if !(p.ScaleX > 0) || math.IsInf(p.ScaleX, 0) {
		p.ScaleX = 1
	}
	if !(p.ScaleY > 0) || math.IsInf(p.ScaleY, 0) {
		p.ScaleY = 1
	}
}

// Window is the part of a width x height source that resampling at these
// positions reads; w or h is 0 where none of it is touched.
func (p *Positions) Window(r Resampling, width, height int) (x, y, w, h int) {
	x0, x1 := span(p.X, r.reach(p.ScaleX), width)
	y0, y1 := span(p.Y, r.reach(p.ScaleY), height)
	if x1 <= x0 || y1 <= y0 {
		return 0, 0, 0, 0
	}
	return x0, y0, x1 - x0, y1 - y0
}

// span is the half-open range of pixels within reach of those positions that
// lie in [0, size).
func span(pos []float64, reach float64, size int) (lo, hi int) {
	limit := float64(size)
	low, high := limit, -1.0
	for _, v := range pos { // comparisons, not math.Min: this runs for every pixel
		if !(v >= 0 && v < limit) {
			continue
		}
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	if high < low {
		return 0, 0
	}
	return max(0, int(math.Floor(low-reach))-1), min(size, int(math.Ceil(high+reach))+1)
}

// inside reports whether every position lies on the source, so that no target
// pixel is without a value for want of source.
func (p *Positions) inside(width, height int) bool {
	for _, v := range p.X {
		if !(v >= 0 && v < float64(width)) {
			return false
		}
	}
	for _, v := range p.Y {
		if !(v >= 0 && v < float64(height)) {
			return false
		}
	}
	return true
}

func resize(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}
