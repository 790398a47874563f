package learn

import "opencarbon/torch"

// Losses are the loss of a step on b as it is computed launch by launch, and as a
// captured step does, from numbers that were packed, padded and unpacked.
func (l *Learner) Losses(b *Batch, contrastive bool) (launched, replayed float64) {
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			launched = l.forward(b, contrastive).Item()
			s := shape{cells: len(b.Cells), points: roomFor(len(b.Points.Tile)), contrastive: contrastive}
			ints, floats := l.pack(b, s, 1)
			d := l.Model.Params().Device
			replayed = l.lossOf(l.unpack(torch.FromSlice(ints).To(d), torch.FromSlice(floats).To(d), s), contrastive).Item()
		})
	})
	return launched, replayed
}

var RoomFor = roomFor
