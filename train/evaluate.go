package train

import (
	"context"

	"opencarbon/layers"
	"opencarbon/torch"
)

// evaluationTiles is how many tiles are encoded at once in evaluation: enough
// to fill the cores, little memory.
const evaluationTiles = 128

// evaluate predicts ln emission of cells, encoding every tile that their
// neighborhoods need exactly once, whatever M. each, where given, sees every
// chunk's output and cells while its tensors are alive.
func (t *trainer) evaluate(ctx context.Context, cells []int32, each func(cells []int32, o layers.Output)) ([]float64, error) {
	return evaluate(ctx, t.model, t.assembler, cells, t.encoding(), nil, each)
}

func evaluate(ctx context.Context, m *layers.Model, a *assembler, cells []int32, encode func(layers.Tiles) layers.Embeddings,
	done func(tiles, of int), each func(cells []int32, o layers.Output)) (predicted []float64, err error) {
	training := m.Store.Training()
	m.Store.Eval()
	defer func() {
		if training {
			m.Store.Train()
		}
	}()
	var whole batch
	tiles := neededTiles(a, cells)
	torch.NoGrad(func() {
		torch.InScope(func(s *torch.Scope) {
			var image, poi []*torch.Tensor
			for at := 0; at < len(tiles); at += evaluationTiles {
				if err = ctx.Err(); err != nil {
					return
				}
				whole.cells, whole.index = nil, nil
				whole.tiles = tiles[at:min(at+evaluationTiles, len(tiles))]
				a.load(&whole)
				torch.InScope(func(inner *torch.Scope) {
					in, _ := whole.inputs(m.Config, m.Store.Device)
					e := encode(in)
					if e.Image != nil {
						inner.Keep(e.Image)
						image = append(image, e.Image)
					}
					if e.POI != nil {
						inner.Keep(e.POI)
						poi = append(poi, e.POI)
					}
				})
				if done != nil {
					done(at+len(whole.tiles), len(tiles))
				}
			}
			var e layers.Embeddings // [T, m]
			if image != nil {
				e.Image = torch.Cat(image, 0)
			}
			if poi != nil {
				e.POI = torch.Cat(poi, 0)
			}
			predicted = predictCells(m, a, e, tiles, cells, each)
		})
	})
	if err != nil {
		return nil, err
	}
	return predicted, nil
}

// predictCells runs the model above the encoders for cells in chunks.
func predictCells(m *layers.Model, a *assembler, e layers.Embeddings, tiles, cells []int32,
	each func(cells []int32, o layers.Output)) []float64 {
	place := make(map[int32]int64, len(tiles))
	for i, t := range tiles {
		place[t] = int64(i)
	}
	predicted := make([]float64, 0, len(cells))
	mm := a.m * a.m
	const chunk = 1024
	for at := 0; at < len(cells); at += chunk {
		part := cells[at:min(at+chunk, len(cells))]
		index := make([]int64, 0, len(part)*mm)
		for _, c := range part {
			for _, n := range a.neighbors[int(c)*mm : (int(c)+1)*mm] {
				if n < 0 {
					index = append(index, int64(len(tiles)))
				} else {
					index = append(index, place[n])
				}
			}
		}
		torch.InScope(func(*torch.Scope) {
			o := m.Predict(e, torch.FromSlice(index, len(part), a.m, a.m).To(m.Store.Device))
			predicted = append(predicted, o.LnEmission.Float64s()...)
			if each != nil {
				each(part, o)
			}
		})
	}
	return predicted
}

// neededTiles lists the distinct tiles of cells' neighborhoods, cells first.
func neededTiles(a *assembler, cells []int32) []int32 {
	seen := make([]bool, len(a.place))
	tiles := make([]int32, 0, len(cells))
	add := func(t int32) {
		if t >= 0 && !seen[t] {
			seen[t] = true
			tiles = append(tiles, t)
		}
	}
	for _, c := range cells {
		add(c)
	}
	mm := a.m * a.m
	for _, c := range cells {
		for _, n := range a.neighbors[int(c)*mm : (int(c)+1)*mm] {
			add(n)
		}
	}
	return tiles
}
