package train

import (
	"hash/crc32"
	"math"
	"strings"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
	"opencarbon/train/learn"
)

// The batch of testdata/parity.py.
const (
	parityTiles, parityCategories, parityEmbedding = 5, 2, 8
	parityImage                                    = 48 // pixels along an edge
	parityAlpha                                    = 0.01
)

// parityOwn are the tiles of the batch's cells. Three cells have 75 neighbors
// of 5 x 5, which the reference variant encodes all.
func parityOwn(m int) []int64 {
	if m >= 5 {
		return []int64{0, 2, 4}
	}
	return []int64{0, 1, 3, 4}
}

var paritySizes = map[string]int{"k7": 32, "k37": 134}

// parityBits are parity.py's well mixed numbers that depend on the name.
func parityBits(name string, n int) []uint32 {
	out := make([]uint32, n)
	seed := crc32.ChecksumIEEE([]byte(name))
	for i := range out {
		h := uint32(i)*2654435769 + seed
		h ^= h >> 16
		h *= 0x7feb352d
		h ^= h >> 15
		h *= 0x846ca68b
		out[i] = h ^ h>>16
	}
	return out
}

func parityFill(name string, n int) []float64 {
	out := make([]float64, n)
	for i, h := range parityBits(name, n) {
		out[i] = float64(h)/(1<<31) - 1
	}
	return out
}

func product(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// parityImages and parityPoints make the tiles' inputs.
func parityImages(tiles, size int) *torch.Tensor {
	v := make([]uint8, tiles*3*size*size)
	for j, h := range parityBits("images", len(v)) {
		i, c, y, x := j/(3*size*size), j/(size*size)%3, j/size%size, j%size
		v[j] = uint8((x*(i+1)*(c+1)+y*(3*i%7)*2)%97 + 12*i + int(h%32))
	}
	return torch.FromSlice(v, tiles, 3, size, size)
}

func parityPoints(tiles, size int) *torch.Tensor {
	v := make([]float64, tiles*parityCategories*size*size)
	for j, h := range parityBits("points", len(v)) {
		if int(h%32) <= j/(parityCategories*size*size) {
			v[j] = float64(1 + h>>8%3)
		}
	}
	return torch.FromSlice(v, tiles, parityCategories, size, size)
}

// parityWeights gives every tensor its numbers by name.
func parityWeights(s *layers.Params) {
	torch.NoGrad(func() {
		for _, e := range s.Entries() {
			torch.InScope(func(*torch.Scope) {
				shape := e.Tensor.Shape()
				x := torch.FromSlice(parityFill(e.Name, product(shape))).Reshape(shape...)
				switch {
				case strings.HasSuffix(e.Name, "num_batches_tracked"):
					e.Tensor.FillInPlace(0)
					return
				case strings.HasSuffix(e.Name, "running_var"):
					x = x.MulScalar(0.3).AddScalar(1)
				case strings.HasSuffix(e.Name, "running_mean"):
					x = x.MulScalar(0.1)
				case len(shape) == 1 && strings.HasSuffix(e.Name, "weight"):
					x = x.MulScalar(0.3).AddScalar(1)
				case len(shape) == 1:
					x = x.MulScalar(0.3)
				default:
					x = x.MulScalar(math.Sqrt(3 / float64(product(shape[1:]))))
				}
				e.Tensor.CopyInPlace(x)
			})
		}
	})
}

// parityIndex is the batch's index [B, M, M]; -1 = no such cell.
func parityIndex(m int) []int64 {
	own := parityOwn(m)
	out := make([]int64, len(own)*m*m)
	for i, h := range parityBits("index", len(out)) {
		out[i] = max(-1, int64(h%(parityTiles+3))-3)
	}
	for i, tile := range own {
		out[i*m*m+m*m/2] = tile
	}
	return out
}

// parityBatch makes tiles, index and target of the batch.
func parityBatch(c layers.ModelConfig) (in layers.Tiles, index, target *torch.Tensor) {
	in = layers.Tiles{Images: parityImages(parityTiles, c.ImageSize), POIs: parityPoints(parityTiles, c.POISize)}
	ids := parityIndex(c.Neighborhood)
	for i, x := range ids {
		if x < 0 && c.Kind == layers.KindPublished {
			ids[i] = 0
		} else if x < 0 {
			ids[i] = parityTiles
		}
	}
	cells := len(parityOwn(c.Neighborhood))
	index = torch.FromSlice(ids, cells, c.Neighborhood, c.Neighborhood)
	return in, index, torch.FromSlice(parityFill("target", cells)).AddScalar(9)
}

// parityConfig is how the batch is trained on; the contrastive term is on in
// both variants in parityEpoch.
func parityConfig(variant string) *config.Config {
	cfg := config.Defaults()
	cfg.SetVariant(variant)
	cfg.Train.Alpha = parityAlpha
	return &cfg
}

const parityEpoch = 101

// encodeBatch encodes a batch's tiles exactly, in slices in the reference
// variant, and returns the index to give to Predict.
func encodeBatch(model learn.Network, in layers.Tiles, index *torch.Tensor) (layers.Views, *torch.Tensor) {
	if model.Config().Kind == layers.KindPublished {
		return learn.EncodeSlices(in, index, model.Encode)
	}
	return model.Encode(in), index
}
