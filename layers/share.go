package layers

import "opencarbon/torch"

// Share says which tiles of a batch this process encodes, where several processes
// have one model and cut every batch up. What looks across tiles, or draws for
// each, then gives what one process would get with all of them.
type Share struct {
	Group    *torch.Group
	From, To int // of the batch's tiles; none: the process encodes one that does not count
	Of       int // tiles of the batch
}

// Shared runs f, which encodes those tiles.
func (s *Params) Shared(share Share, f func()) {
	before := s.share
	defer func() { s.share = before }()
	s.share = &share
	f()
}

// Dropout is torch.Dropout of x [U, ...], which has a row a tile, in train mode.
func (s *Params) Dropout(x *torch.Tensor, p float64) *torch.Tensor {
	if r := s.parts; r != nil && s.training && p > 0 {
		shape := x.Shape()
		shape[0] = r.Of
		all := func() *torch.Tensor { return torch.Dropout(torch.Ones(x.DType(), x.Device(), shape...), p, true) }
		return r.each(p, x, all, func(x, own *torch.Tensor) *torch.Tensor { return x.Mul(own) })
	}
	if s.share == nil || !s.training || p == 0 {
		return torch.Dropout(x, p, s.training)
	}
	shape := x.Shape()
	shape[0] = s.share.Of
	all := torch.Dropout(torch.Ones(x.DType(), x.Device(), shape...), p, true) // every process draws the same for all tiles
	rows := x.Size(0)
	return x.Mul(all.Narrow(0, min(s.share.From, s.share.Of-rows), rows))
}

// Draws are random numbers in [0, 1), width of them for each of the rows, one a tile.
func (s *Params) Draws(rows, width int) []float64 {
	draw := func(rows int) *torch.Tensor { return torch.Uniform(0, 1, torch.Float64, torch.CPU, rows, width) }
	if r := s.parts; r != nil {
		return r.each(width, nil, func() *torch.Tensor { return draw(r.Of) }, func(_, own *torch.Tensor) *torch.Tensor { return own }).Float64s()
	}
	if s.share != nil {
		return draw(s.share.Of).Narrow(0, min(s.share.From, s.share.Of-rows), rows).Contiguous().Float64s()
	}
	return draw(rows).Float64s()
}
