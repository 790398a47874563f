package train

import (
	"math/rand/v2"

	"opencarbon/torch"
)

// recalibrationBatches is how many batches the statistics are averaged over: a
// pass over a few thousand tiles at most.
const recalibrationBatches = 32

// recalibrate replaces the running statistics of batch normalization by plain
// averages over random batches of training cells, before the model is
// evaluated. The usual moving average remembers about ten batches; where a few
// tiles hold most of the POIs, and batches are of neighbors, it says more about
// the last ten batches than about the region, and validation scores jump. The
// batches depend on seed and epoch alone, so that a resumed run sees the same.
//
// The published program uses the moving average; so does the reference variant.
func (t *trainer) recalibrate() {
	if t.config.Model.Variant == "reference" {
		return
	}
	rng := rand.New(rand.NewPCG(t.sampler.seed^0x5eed, uint64(t.state.Epoch)))
	cells := append([]int32(nil), t.data.train...)
	rng.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	parameters := t.model.Store
	parameters.Train()
	defer parameters.SetMomentum(0)
	var b batch
	n := t.config.Train.BatchSize
	torch.NoGrad(func() {
		for k := 0; k < recalibrationBatches && (k == 0 || (k+1)*n <= len(cells)); k++ {
			t.assembler.assemble(&b, cells[k*n:min((k+1)*n, len(cells))])
			parameters.SetMomentum(1 / float64(k+1))
			torch.InScope(func(*torch.Scope) {
				in, index := b.inputs(t.model.Config, parameters.Device)
				t.model.Predict(t.encoding()(in), index)
			})
		}
	})
}
