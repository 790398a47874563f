package learn

import (
	"context"

	"opencarbon/layers"
	"opencarbon/torch"
)

// EvaluationTiles is how many tiles are encoded at once in evaluation: enough
// to fill the cores, little memory.
const EvaluationTiles = 64

// gpuEvaluationTiles is EvaluationTiles for Evaluate on a GPU, which 64 tiles do not
// fill: their kernels run for less time than their launching takes.
const gpuEvaluationTiles = 256

func (e *Encoder) evaluationTiles() int {
	if e.Model.Params().Device.IsCUDA() {
		return gpuEvaluationTiles
	}
	return EvaluationTiles
}

// Evaluate predicts ln emission of cells, encoding every tile that their
// neighborhoods need exactly once, whatever M. done, where given, hears of the
// tiles encoded so far; each sees every chunk's output and cells while its
// tensors are alive. It ends with ctx's error when ctx does.
func (e *Encoder) Evaluate(ctx context.Context, cells []int32, done func(tiles, of int), each func(cells []int32, o layers.Output)) (
	predicted []float64, err error) {
	parameters := e.Model.Params()
	if parameters.Training() {
		defer parameters.Train()
	}
	parameters.Eval()
	tiles := e.Assembler.NeededTiles(cells)
	torch.NoGrad(func() {
		torch.InScope(func(*torch.Scope) {
			var x layers.Views
			if x, err = e.all(ctx, tiles, e.evaluationTiles(), done); err == nil {
				predicted = e.Predict(x, tiles, cells, each)
			}
		})
	})
	return predicted, err
}

// all encodes tiles in chunks -> [T, m], in the model's present mode; processes
// that train together share each chunk.
func (e *Encoder) all(ctx context.Context, tiles []int32, chunk int, done func(tiles, of int)) (x layers.Views, err error) {
	var parts []layers.Views
	var b Batch
	for at := 0; at < len(tiles); at += chunk {
		err := ctx.Err()
		if err == nil {
			err = e.Assembler.loadShare(&b, tiles[at:min(at+chunk, len(tiles))])
		}
		if err := e.agree(err); err != nil {
			return x, err
		}
		parts = append(parts, e.encodeAll(&b))
		if done != nil {
			done(at+len(b.Tiles), len(tiles))
		}
	}
	return layers.Join(parts), nil
}

// Predict runs the model above the encoders for cells in chunks; x are the
// embeddings [T, m] of tiles. It returns ln emission.
func (e *Encoder) Predict(x layers.Views, tiles, cells []int32, each func(cells []int32, o layers.Output)) []float64 {
	place := placesOf(tiles)
	predicted := make([]float64, 0, len(cells))
	const chunk = 1024
	for at := 0; at < len(cells); at += chunk {
		part := cells[at:min(at+chunk, len(cells))]
		torch.InScope(func(*torch.Scope) {
			o := e.Model.Predict(x, e.index(part, place, len(tiles)))
			predicted = append(predicted, o.LnEmission.Float64s()...)
			if each != nil {
				each(part, o)
			}
		})
	}
	return predicted
}

func placesOf(tiles []int32) map[int32]int64 {
	place := make(map[int32]int64, len(tiles))
	for i, t := range tiles {
		place[t] = int64(i)
	}
	return place
}

// index is where the cells' neighbors lie among n tiles, [B, M, M] int64; n
// stands for no such cell.
func (e *Encoder) index(cells []int32, place map[int32]int64, n int) *torch.Tensor {
	m := e.Assembler.M
	index := make([]int64, 0, len(cells)*m*m)
	for _, c := range cells {
		for _, t := range e.Assembler.Neighbors[int(c)*m*m : (int(c)+1)*m*m] {
			if t < 0 {
				index = append(index, int64(n))
			} else {
				index = append(index, place[t])
			}
		}
	}
	return torch.FromSlice(index, len(cells), m, m).To(e.Model.Params().Device)
}
