package learn

import (
	"context"
	"math/rand/v2"

	"opencarbon/layers"
	"opencarbon/torch"
)

// recalibrationCells is how many training cells the statistics are averaged
// over, at most.
const recalibrationCells = 1024

// Recalibrate replaces the running statistics of batch normalization by plain
// averages over the tiles and cells of a random part of the training cells,
// before the model is evaluated. The usual moving average remembers about ten
// batches; where a few tiles hold most of the POIs, and batches are of
// neighbors, it says more about the last ten batches than about the region, and
// validation scores jump. Each tile is encoded once. The part depends on seed
// and epoch alone, so that a resumed run sees the same. It ends with ctx's error
// when ctx does.
//
// A network that asks for moving averages (Traits) is left as it is.
func (l *Learner) Recalibrate(ctx context.Context, train []int32, epoch int) (err error) {
	if l.Model.Traits().MovingStatistics {
		return nil
	}
	rng := rand.New(rand.NewPCG(l.options.Seed^0x5eed, uint64(epoch)))
	cells := append([]int32(nil), train...)
	rng.Shuffle(len(cells), func(i, j int) { cells[i], cells[j] = cells[j], cells[i] })
	cells = cells[:min(recalibrationCells, len(cells))]
	tiles := l.Assembler.NeededTiles(cells)
	rng.Shuffle(len(tiles), func(i, j int) { tiles[i], tiles[j] = tiles[j], tiles[i] })
	parameters := l.Model.Params()
	training := parameters.Training()
	parameters.Train()
	defer func() {
		parameters.SetMomentum(0)
		if !training {
			parameters.Eval()
		}
	}()
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			var x layers.Views // [T, m]
			parameters.SetMomentum(1)
			chunk := evenly(len(tiles), EvaluationTiles)
			if x, err = l.all(ctx, tiles, chunk, func(done, _ int) { parameters.SetMomentum(1 / float64(done/chunk+1)) }); err != nil {
				return
			}
			place := placesOf(tiles)
			n := max(2, l.options.Batch)
			for k := 0; k == 0 || (k+1)*n <= len(cells); k++ {
				parameters.SetMomentum(1 / float64(k+1))
				torch.InScope(func(*torch.Scope) {
					l.Model.Predict(x, l.index(cells[k*n:min((k+1)*n, len(cells))], place, len(tiles)))
				})
			}
		})
	})
	return err
}

// evenly is the size of at most most that cuts n into parts of about one size:
// batch statistics of a part of one are none.
func evenly(n, most int) int {
	parts := (n + most - 1) / most
	return (n + parts - 1) / parts
}
