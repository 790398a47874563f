package opencarbon

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// FeaturesView is what the head takes of a cell's features: what they add to the
// prediction, and their embedding, [1+m].
const FeaturesView = "features"

// limit clamps standardized numbers: without it one strange tile carries a
// whole prediction away.
const limit = 4

// hidden is the width of the perceptrons that lead statistics to embeddings.
const hidden = 64

// wide is what the variant plus knows of a tile beside its encoders, the wide
// part of a wide and deep network (Cheng et al. 2016). Simple statistics of image
// and POIs, which pooling and raw counts lose, reach the embeddings X_s and X_p
// through a perceptron each. Hand-made features of the cell and its surroundings
// reach the head through another, and the prediction in a straight line: a linear
// model on them is the simple rival that the network must not fall behind.
type wide struct {
	image, poi, features *layers.Standardizer // nil without the modality or its switch
	toImage, toPOI       *layers.Perceptron
	toHead               *layers.Perceptron
	toPrediction         *layers.Linear
	width, bands         int // m; of images
	dropout              float64
	params               *layers.Params
}

// newWide registers what c asks for, or returns nil where that is nothing.
func newWide(p layers.Path, c layers.ModelConfig) *wide {
	w := &wide{params: p.Params(), dropout: c.WideDropout, width: c.Embedding, bands: c.ImageInput().Bands}
	if c.Statistics && c.Image && !c.FrozenImage {
		statistics := layers.ImageStatisticsWidth(w.bands)
		w.image = layers.NewStandardizer(p.Sub("statistics"), statistics, limit)
		w.toImage = layers.NewPerceptron(p.Sub("statistics", "to_image"), statistics, hidden, c.Embedding)
	}
	if c.LogCounts && c.POI {
		w.poi = layers.NewStandardizer(p.Sub("counts"), c.Categories+1, limit)
		w.toPOI = layers.NewPerceptron(p.Sub("counts", "to_poi"), c.Categories+1, hidden, c.Embedding)
	}
	if c.Features > 0 {
		w.features = layers.NewStandardizer(p.Sub("features"), c.Features, limit)
		w.toHead = layers.NewPerceptron(p.Sub("features", "to_head"), c.Features, hidden, c.Embedding)
		w.toPrediction = layers.NewLinear(p.Sub("features", "to_prediction"), layers.LinearConfig{In: c.Features, Out: 1, NoBias: true})
		torch.NoGrad(func() { w.toPrediction.Weight.FillInPlace(0) }) // the network begins without it
	}
	if w.image == nil && w.poi == nil && w.features == nil {
		return nil
	}
	return w
}

// raw are the statistics of tiles as they are; nil for what is not there.
func (w *wide) raw(t layers.Tiles) (image, poi, features *torch.Tensor) {
	torch.NoGrad(func() {
		switch {
		case w.image == nil:
		case t.Fixed != nil:
			image = t.Fixed.Narrow(1, layers.Pooled, layers.ImageStatisticsWidth(w.bands)).Cast(w.params.DType) // see Model.Freeze
		case t.Images != nil:
			image = layers.ImageStatistics(t.Images, w.params.DType) // [U, ImageStatisticsWidth]
		}
		if w.poi != nil && (t.Points != nil || t.POIs != nil) {
			poi = layers.CountStatistics(t, w.params.DType) // [U, C+1]
		}
		if w.features != nil && t.Features != nil {
			features = t.Features.Cast(w.params.DType) // [U, F]
		}
	})
	return image, poi, features
}

// encode adds the statistics' part to the embeddings e of tiles, and the view of
// the features.
func (w *wide) encode(t layers.Tiles, e layers.Views) (out layers.Views) {
	image, poi, features := w.raw(t)
	add := func(view layers.View, raw *torch.Tensor, s *layers.Standardizer, path *layers.Perceptron) {
		out = out.With(view.Name, view.X.Add(path.Forward(s.Forward(raw)).Cast(view.X.DType())))
	}
	for _, view := range e {
		switch {
		case view.Name == layers.ImageView && image != nil:
			add(view, image, w.image, w.toImage)
		case view.Name == layers.POIView && poi != nil:
			add(view, poi, w.poi, w.toPOI)
		default:
			out = append(out, view)
		}
	}
	if features != nil {
		x := w.params.Dropout(w.features.Forward(features), w.dropout)
		out = out.With(FeaturesView, torch.Cat([]*torch.Tensor{w.toPrediction.Forward(x), w.toHead.Forward(x)}, 1)) // [U, 1+m]
	}
	return out
}

// views are those that encode adds.
func (w *wide) views() []layers.Width {
	if w == nil || w.features == nil {
		return nil
	}
	return []layers.Width{{Name: FeaturesView, Width: 1 + w.width}}
}

// head takes the head's further inputs [B, m] and what is added to the prediction
// [B] out of the tiles' embeddings e, by the cells' index [B, M, M].
func (w *wide) head(e layers.Views, index *torch.Tensor) (deep, shift *torch.Tensor) {
	x := layers.Own(e.Get(FeaturesView), index)
	return x.Narrow(1, 1, w.width), x.Select(1, 0)
}
