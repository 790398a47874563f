package torch

/*
#include "../cgo/opencarbon.h"
*/
import "C"

// Points is a tensor [Tiles, Categories, Height, Width] of which nearly
// everything is zero: POI counts. Its tensors are [n], one entry a point,
// sorted by tile.
type Points struct {
	Tiles, Categories, Height, Width int

	Channel                  *Tensor // int64, tile * Categories + category
	tile, category, row, col *Tensor // int32
	Count                    *Tensor
}

// NewPoints copies points to the device; the slices have one entry a point and
// are sorted by tile. Counts at the same place add up.
func NewPoints(tile []int32, category, row, col []uint16, count []float32, tiles, categories, height, width int,
	dtype DType, device Device) *Points {
	const op = "points"
	n := len(tile)
	if len(category) != n || len(row) != n || len(col) != n || len(count) != n {
		fail(op, nil, "the slices have %d tiles, %d categories, %d rows, %d columns and %d counts: they must agree",
			n, len(category), len(row), len(col), len(count))
	}
	checkShape(op, []int{tiles, categories, height, width}, dtype)
	channel, wide := make([]int64, n), [3][]int32{make([]int32, n), make([]int32, n), make([]int32, n)}
	for i, t := range tile {
		c, y, x := category[i], row[i], col[i]
		if t < 0 || int(t) >= tiles || int(c) >= categories || int(y) >= height || int(x) >= width || (i > 0 && tile[i-1] > t) {
			fail(op, nil, "point %d (tile %d, category %d, row %d, col %d) lies outside [%d %d %d %d] or is not in the order of tiles",
				i, t, c, y, x, tiles, categories, height, width)
		}
		channel[i] = int64(t)*int64(categories) + int64(c)
		wide[0][i], wide[1][i], wide[2][i] = int32(c), int32(y), int32(x)
	}
	return &Points{Tiles: tiles, Categories: categories, Height: height, Width: width,
		Channel: FromSlice(channel, n).To(device), tile: FromSlice(tile, n).To(device), category: FromSlice(wide[0], n).To(device),
		row: FromSlice(wide[1], n).To(device), col: FromSlice(wide[2], n).To(device),
		Count: FromSlice(count, n).Cast(dtype).To(device)}
}

// PointsOf is NewPoints of tensors [n] that lie on their device already: int64, and
// counts. What they hold is not looked at, which would have to wait for the device.
func PointsOf(tile, category, row, col, count *Tensor, tiles, categories, height, width int) *Points {
	const op = "points"
	requireAll(op, tile, category, row, col, count)
	checkShape(op, []int{tiles, categories, height, width}, count.DType())
	return &Points{Tiles: tiles, Categories: categories, Height: height, Width: width,
		Channel: tile.MulScalar(float64(categories)).Add(category), tile: tile.Cast(Int32), category: category.Cast(Int32),
		row: row.Cast(Int32), col: col.Cast(Int32), Count: count}
}

// ChannelMean is the mean over the pixels, [Tiles, Categories].
func (p *Points) ChannelMean() *Tensor {
	p.must("channel_mean")
	zero := Zeros(p.Count.DType(), p.Count.Device(), p.Tiles*p.Categories)
	return zero.IndexAdd(0, p.Channel, p.Count).DivScalar(float64(p.Height*p.Width)).Reshape(p.Tiles, p.Categories)
}

// Scaled are the counts times a factor per tile and category, [Tiles,
// Categories]; the result [n] goes into Conv2d.
func (p *Points) Scaled(factor *Tensor) *Tensor {
	p.must("scaled")
	return p.Count.Mul(factor.Reshape(-1).IndexSelect(0, p.Channel))
}

// Conv2d convolves the points, with the given values [n] in the place of their
// counts, with w [O, Categories, k, k] and adds b [O] (nil: none), exactly as
// Conv2d does the dense tensor -> [Tiles, O, H', W'].
//
// On the CPU a loop over the points does it, elsewhere gathers and scatters;
// where more than a twentieth of the places are filled, the dense convolution.
func (p *Points) Conv2d(values, w, b *Tensor, stride, padding int) *Tensor {
	return p.conv2d(values, w, b, stride, padding, C.OCG_ROAD_CHOSEN)
}

// Conv2dGathered is Conv2d by the operations that other devices than the CPU
// take, on any device.
func (p *Points) Conv2dGathered(values, w, b *Tensor, stride, padding int) *Tensor {
	return p.conv2d(values, w, b, stride, padding, C.OCG_ROAD_GATHERED)
}

func (p *Points) conv2d(values, w, b *Tensor, stride, padding int, road C.int64_t) *Tensor {
	const op = "point_conv2d"
	p.must(op)
	requireAll(op, values, w)
	optional(op, b)
	if shape := values.Shape(); len(shape) != 1 || shape[0] != p.Count.Size(0) {
		fail(op, []*Tensor{values, w, b}, "there are %d points", p.Count.Size(0))
	}
	if shape := w.Shape(); len(shape) != 4 || shape[1] != p.Categories || stride < 1 || padding < 0 {
		fail(op, []*Tensor{values, w, b}, "stride %d and padding %d over %d categories do not fit", stride, padding, p.Categories)
	}
	var h C.ocg_tensor
	check(op, C.ocg_point_conv2d(values.h, w.h, b.handle(), p.tile.h, p.category.h, p.row.h, p.col.h, C.int64_t(p.Tiles),
		C.int64_t(p.Height), C.int64_t(p.Width), C.int64_t(stride), C.int64_t(padding), road, &h), values, w, b)
	return adopt(h)
}

// Dense is the whole tensor [Tiles, Categories, Height, Width].
func (p *Points) Dense() *Tensor {
	p.must("dense")
	place := p.Channel.MulScalar(float64(p.Height)).Add(p.row).MulScalar(float64(p.Width)).Add(p.col)
	zero := Zeros(p.Count.DType(), p.Count.Device(), p.Tiles*p.Categories*p.Height*p.Width)
	return zero.IndexAdd(0, place, p.Count).Reshape(p.Tiles, p.Categories, p.Height, p.Width)
}

func (p *Points) must(op string) {
	if p == nil {
		fail(op, nil, "nil points")
	}
	requireAll(op, p.Channel, p.tile, p.category, p.row, p.col, p.Count)
}
