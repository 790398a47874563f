package learn

import (
	"math/rand/v2"

	"opencarbon/torch"
)

// symmetries is the number of D4's elements: a square comes to lie upon itself
// in eight ways.
const symmetries = 8

// turn is where D4's element s puts the pixel (row, col) of a square of size x
// size pixels: mirrored left to right (bit 0), top to bottom (bit 1), then along
// the diagonal (bit 2).
func turn(s uint8, row, col, size int) (int, int) {
	if s&1 != 0 {
		col = size - 1 - col
	}
	if s&2 != 0 {
		row = size - 1 - row
	}
	if s&4 != 0 {
		row, col = col, row
	}
	return row, col
}

// augment draws one of D4's elements for each tile of b that this process encodes and turns its
// points; Encoder.inputs turns the image likewise. The draw depends on seed,
// epoch and tile alone, so that a resumed run sees the same.
func (a *Assembler) augment(b *Batch, seed, epoch uint64) {
	b.Turns = b.Turns[:0]
	for _, t := range b.here {
		b.Turns = append(b.Turns, uint8(rand.NewPCG(seed^0xd4, epoch<<32|uint64(t)).Uint64()>>61))
	}
	size, p := a.Store.POISize(), &b.Points
	for i, t := range p.Tile {
		row, col := turn(b.Turns[t], int(p.Row[i]), int(p.Col[i]), size)
		p.Row[i], p.Col[i] = uint16(row), uint16(col)
	}
}

// origins are the pixels that each of D4's elements fetches, [8, size*size]
// int64: the turned image's pixel i is the image's pixel origins[s][i].
func origins(size int) *torch.Tensor {
	v := make([]int64, symmetries*size*size)
	for s := range symmetries {
		for row := range size {
			for col := range size {
				r, c := turn(uint8(s), row, col, size)
				v[(s*size+r)*size+c] = int64(row*size + col)
			}
		}
	}
	return torch.FromSlice(v, symmetries, size*size)
}

// turned are images [E, B, H, H], each turned by its element of D4.
func (e *Encoder) turned(images *torch.Tensor, turns []uint8) *torch.Tensor {
	which := make([]int64, len(turns))
	for i, s := range turns {
		which[i] = int64(s)
	}
	return e.turnedBy(images, torch.FromSlice(which).To(images.Device()))
}

// turnedBy is turned with the elements on the device, [E] int64.
func (e *Encoder) turnedBy(images, turns *torch.Tensor) (out *torch.Tensor) {
	n, bands, size := images.Size(0), images.Size(1), e.Model.Config().ImageSize
	torch.InScope(func(s *torch.Scope) { // the index is 16 MiB for 32 tiles of 256 pixels
		if e.origins == nil {
			e.origins = origins(size).To(e.Model.Params().Device).Own()
		}
		from := e.origins.IndexSelect(0, turns) // [E, H*H]
		from = from.Unsqueeze(1).Expand(n, bands, size*size)
		out = images.Reshape(n, bands, size*size).Gather(2, from).Reshape(n, bands, size, size)
		s.Keep(out)
	})
	return out
}

// Recolor draws a tint, or none, for each tile of b that this process encodes and gives
// it the features of its image seen through it; Encoder.inputs tints the image itself.
// The draw depends on seed, epoch and tile alone.
func (a *Assembler) Recolor(b *Batch, seed, epoch uint64) {
	if len(a.Tints) == 0 {
		return
	}
	for i, t := range b.here {
		k := rand.New(rand.NewPCG(seed^0x71c7, epoch<<32|uint64(t))).IntN(len(a.Tints) + 1)
		b.Tints = append(b.Tints, uint8(k))
		if k > 0 && len(a.Tinted) > 0 {
			w := a.Features.Width()
			a.Tinted[k-1].Of(b.here[i:i+1], b.Features[i*w:(i+1)*w])
		}
	}
}

// tinted are images [E, B, H, W] of bytes, each seen through its tint.
func (e *Encoder) tinted(images *torch.Tensor, tints []uint8) (out *torch.Tensor) {
	n, bands := images.Size(0), images.Size(1)
	gain, offset := make([]float32, 0, n*bands), make([]float32, 0, n*bands)
	for _, k := range tints {
		for b := range bands {
			g, o := 1.0, 0.0
			if k > 0 {
				g, o = e.Assembler.Tints[k-1].Gain[b], e.Assembler.Tints[k-1].Offset[b]
			}
			gain, offset = append(gain, float32(g)), append(offset, float32(255*o+0.5)) // casting cuts fractions off
		}
	}
	torch.InScope(func(s *torch.Scope) {
		on := func(v []float32) *torch.Tensor { return torch.FromSlice(v, n, bands, 1, 1).To(images.Device()) }
		out = images.Cast(torch.Float32).Mul(on(gain)).Add(on(offset)).Clamp(0, 255).Cast(images.DType())
		s.Keep(out)
	})
	return out
}
