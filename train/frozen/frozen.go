// Package frozen makes features of images by a pretrained ResNet-18 whose weights
// stay as they are: mean and standard deviation of every channel behind its second
// and third stage, in principal components. A tile is encoded once, and what comes
// of it is a row of numbers, like image statistics; the rows are kept beside the
// store.
//
// Where pixels are meters wide such features say more than statistics; where they
// are tens of meters, nothing more.
package frozen

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train/tabular"
	"opencarbon/train/tint"
)

// stages whose channels are features, and how many components of each are kept.
var stages = []int{2, 3}

const components = 64

// Encoder is a pretrained encoder, with the principal components once they are
// known.
type Encoder struct {
	arrays map[string]safetensors.Array // of conv1, bn1, layer1 to layer3, by torchvision's names
	sum    string                       // SHA-256 of the file that they are of
	pca    []*PCA                       // of each stage; nil: not yet known
}

// New takes the weights of a ResNet-18 by torchvision's names; what lies behind
// the last stage is left out. sum is the SHA-256 of the file that they come from.
func New(arrays map[string]safetensors.Array, sum string) *Encoder {
	e := &Encoder{arrays: map[string]safetensors.Array{}, sum: sum}
	for name, a := range arrays {
		if first, _, _ := strings.Cut(name, "."); first == "conv1" || first == "bn1" || strings.HasPrefix(first, "layer") && first <= fmt.Sprint("layer", slices.Max(stages)) {
			e.arrays[name] = a
		}
	}
	return e
}

// prefix of the encoder's arrays in a checkpoint.
const prefix = "frozen."

// Keep adds the encoder to the arrays of a checkpoint.
func (e *Encoder) Keep(arrays map[string]safetensors.Array) {
	for name, a := range e.arrays {
		arrays[prefix+name] = a
	}
	for i, p := range e.pca {
		arrays[fmt.Sprintf("%spca%d.mean", prefix, i)] = floats(p.Mean, len(p.Mean))
		arrays[fmt.Sprintf("%spca%d.components", prefix, i)] = floats(p.Components, p.K, len(p.Mean))
	}
}

// Kept finds the encoder among the arrays of a checkpoint; nil where there is
// none. sum is of Sum.
func Kept(arrays map[string]safetensors.Array, sum string) (*Encoder, error) {
	own := map[string]safetensors.Array{}
	for name, a := range arrays {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			own[rest] = a
		}
	}
	if len(own) == 0 {
		return nil, nil
	}
	e := New(own, sum)
	for i, s := range stages {
		mean, c := own[fmt.Sprintf("pca%d.mean", i)], own[fmt.Sprintf("pca%d.components", i)]
		d := 2 * layers.StageWidth(s)
		if mean.DType != "F32" || !slices.Equal(mean.Shape, []int{d}) || c.DType != "F32" || len(c.Shape) != 2 || c.Shape[1] != d || c.Shape[0] < 1 {
			return nil, fmt.Errorf("its principal components of stage %d have the shapes %v and %v", s, mean.Shape, c.Shape)
		}
		e.pca = append(e.pca, &PCA{Mean: numbers(mean), Components: numbers(c), K: c.Shape[0]})
	}
	return e, nil
}

// Sum is the SHA-256 of the file of weights.
func (e *Encoder) Sum() string { return e.sum }

// Features are the store's tiles in principal components, which are found on them
// where they are not known yet; where spread is above 0 those of the tiles in other
// colors as well (tint.Draw). It runs inside torch.Run. Errors that the user can mend are
// *fault.Input.
func (e *Encoder) Features(ctx context.Context, s *store.Store, d torch.Device, spread float64) (*tabular.More, error) {
	if !s.HasImages() {
		return nil, fault.New(s.Dir(), "has no images that a pretrained encoder could see", "Give data.imagery.path, or leave model.image_features empty.")
	}
	raw, err := e.raw(ctx, s, d, tint.Tint{})
	if err != nil {
		return nil, err
	}
	more := &tabular.More{About: fmt.Sprintf("frozen ResNet-18 (stages %s)", strings.Trim(strings.ReplaceAll(fmt.Sprint(stages), " ", ", "), "[]")),
		Key: e.sum}
	if more.Values, err = e.project(raw, s.Len()); err != nil {
		return nil, err
	}
	for i, stage := range stages {
		for k := range e.pca[i].K {
			more.Names = append(more.Names, fmt.Sprintf("stage %d component %d", stage, k+1))
		}
	}
	more.Key += fmt.Sprintf("/%x", e.fingerprint())
	if spread == 0 {
		return more, nil
	}
	for k := range tint.Draws {
		if raw, err = e.raw(ctx, s, d, tint.Draw(k+1, 3, spread)); err != nil {
			return nil, err
		}
		values, err := e.project(raw, s.Len())
		if err != nil {
			return nil, err
		}
		more.Tinted = append(more.Tinted, values)
	}
	return more, nil
}

// project are the features of n tiles in principal components, [n, sum of K], which are
// found on them where they are not known yet.
func (e *Encoder) project(raw []float32, n int) ([]float32, error) {
	whole, at := len(raw)/n, 0
	fresh := e.pca == nil
	var parts [][]float32
	for i, stage := range stages {
		width := 2 * layers.StageWidth(stage)
		x := make([]float32, 0, n*width)
		for t := range n {
			x = append(x, raw[t*whole+at:t*whole+at+width]...)
		}
		at += width
		if fresh {
			p, err := newPCA(x, n, components)
			if err != nil {
				return nil, fault.Wrap(err, "model.image_features", "gives no features here", "Leave it empty, or check the images with: go run ./cmd/prepare --config ... --preview")
			}
			e.pca = append(e.pca, p)
		}
		p := e.pca[i]
		out := make([]float32, n*p.K)
		for t := range n {
			p.apply(x[t*width:(t+1)*width], out[t*p.K:(t+1)*p.K])
		}
		parts = append(parts, out)
	}
	var values []float32
	for t := range n {
		for i, p := range e.pca {
			values = append(values, parts[i][t*p.K:(t+1)*p.K]...)
		}
	}
	return values, nil
}

// fingerprint tells principal components apart.
func (e *Encoder) fingerprint() uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for _, p := range e.pca {
		for _, v := range p.Components {
			h = (h ^ uint64(math.Float32bits(v))) * 1099511628211
		}
	}
	return h
}

// encode runs all tiles, seen through a tint, through the encoder, [N, sum of 2 StageWidth].
func (e *Encoder) encode(ctx context.Context, s *store.Store, d torch.Device, colors tint.Tint) (out []float32, err error) {
	p := layers.NewParams(d)
	defer p.Close()
	trunk := layers.NewImageTrunk(p.Root(), slices.Max(stages))
	p.Eval()
	torch.InScope(func(*torch.Scope) {
		values := map[string]*torch.Tensor{}
		for _, name := range slices.Sorted(maps.Keys(e.arrays)) {
			values[name] = torch.FromArray(e.arrays[name])
		}
		for _, entry := range p.Entries() {
			if values[entry.Name] == nil && strings.HasSuffix(entry.Name, ".num_batches_tracked") {
				values[entry.Name] = entry.Tensor
			}
		}
		err = p.Load("", values, true)
	})
	if err != nil {
		return nil, fault.Wrap(err, "model.image_features", "is no ResNet-18", "Give torchvision's resnet18-5c106cde.pth or resnet18-f37072fd.pth.")
	}
	const chunk = 16
	size := s.ImageSize()
	pixels := make([]uint8, chunk*3*size*size)
	torch.NoGrad(func() {
		for at := 0; at < s.Len() && err == nil; at += chunk {
			if err = ctx.Err(); err != nil {
				return
			}
			n := min(chunk, s.Len()-at)
			for i := range n {
				image := pixels[i*3*size*size : (i+1)*3*size*size]
				if err = s.ReadColors(at+i, image); err != nil {
					return
				}
				colors.Apply(image)
			}
			torch.InScope(func(*torch.Scope) {
				x := trunk.Moments(torch.FromSlice(pixels[:n*3*size*size], n, 3, size, size).To(d), stages)
				out = append(out, x.Cast(torch.Float32).Float32s()...)
			})
		}
	})
	return out, err
}

func floats(v []float32, shape ...int) safetensors.Array {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return safetensors.Array{DType: "F32", Shape: shape, Data: b}
}

func numbers(a safetensors.Array) []float32 {
	out := make([]float32, len(a.Data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(a.Data[4*i:]))
	}
	return out
}
