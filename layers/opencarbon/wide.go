package opencarbon

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// Views of a tile's standardized statistics.
const (
	StatisticsView = "statistics" // of the image, [18]
	CountsView     = "counts"     // of the POIs, [C+1]
)

// limit clamps standardized statistics: without it one strange tile carries a
// whole prediction away.
const limit = 4

// hidden is the width of the perceptrons that lead statistics to embeddings.
const hidden = 64

// wide is what the variant plus knows of a tile beside its encoders: simple
// statistics of image and POIs, which pooling and raw counts lose. They reach the
// embeddings X_s and X_p (through a perceptron each) and, with those of the
// surroundings, the head (through a perceptron, and straight to the prediction).
type wide struct {
	image, poi     *layers.Standardizer // nil without the modality or its switch
	toImage, toPOI *layers.Perceptron
	toHead         *layers.Perceptron // nil where the head sees none
	toPrediction   *layers.Linear
	width          int // F
	dropout        float64
	params         *layers.Params
}

// newWide registers what c asks for, or returns nil where that is nothing.
func newWide(p layers.Path, c layers.ModelConfig) *wide {
	w := &wide{params: p.Params(), dropout: c.WideDropout}
	if c.Statistics && c.Image {
		w.image = layers.NewStandardizer(p.Sub("statistics"), layers.ImageStatisticsWidth, limit)
		w.toImage = layers.NewPerceptron(p.Sub("statistics", "to_image"), layers.ImageStatisticsWidth, hidden, c.Embedding)
		w.width += layers.ImageStatisticsWidth
	}
	if c.LogCounts && c.POI {
		w.poi = layers.NewStandardizer(p.Sub("counts"), c.Categories+1, limit)
		w.toPOI = layers.NewPerceptron(p.Sub("counts", "to_poi"), c.Categories+1, hidden, c.Embedding)
		w.width += c.Categories + 1
	}
	if w.width == 0 {
		return nil
	}
	if c.Wide {
		w.toHead = layers.NewPerceptron(p.Sub("to_head"), w.inputs(c), hidden, c.Embedding)
		w.toPrediction = layers.NewLinear(p.Sub("to_prediction"), layers.LinearConfig{In: w.inputs(c), Out: 1, NoBias: true})
		torch.NoGrad(func() { w.toPrediction.Weight.FillInPlace(0) }) // the network begins without it
	}
	return w
}

// inputs is the number of features that the head sees: the cell's own, and the
// mean of its neighborhood where there is one.
func (w *wide) inputs(c layers.ModelConfig) int {
	if c.Neighborhood > 1 {
		return 2 * w.width
	}
	return w.width
}

// raw are the statistics of tiles as they are; nil for what is not there.
func (w *wide) raw(t layers.Tiles) (image, poi *torch.Tensor) {
	torch.NoGrad(func() {
		if w.image != nil && t.Images != nil {
			image = layers.ImageStatistics(t.Images, w.params.DType) // [U, 18]
		}
		if w.poi != nil && (t.Points != nil || t.POIs != nil) {
			poi = layers.CountStatistics(t, w.params.DType) // [U, C+1]
		}
	})
	return image, poi
}

// encode adds the statistics' part to the embeddings e of tiles, and views of
// the statistics themselves where the head wants them.
func (w *wide) encode(t layers.Tiles, e layers.Views) (out layers.Views) {
	image, poi := w.raw(t)
	var own layers.Views
	add := func(view layers.View, raw *torch.Tensor, s *layers.Standardizer, path *layers.Perceptron, name string) {
		x := s.Forward(raw)
		own = own.With(name, x)
		out = out.With(view.Name, view.X.Add(path.Forward(x).Cast(view.X.DType())))
	}
	for _, view := range e {
		switch {
		case view.Name == layers.ImageView && image != nil:
			add(view, image, w.image, w.toImage, StatisticsView)
		case view.Name == layers.POIView && poi != nil:
			add(view, poi, w.poi, w.toPOI, CountsView)
		default:
			out = append(out, view)
		}
	}
	if w.toHead != nil {
		out = append(out, own...)
	}
	return out
}

// views are those that encode adds, for a head that wants them.
func (w *wide) views() (v []layers.Width) {
	if w == nil || w.toHead == nil {
		return nil
	}
	if w.image != nil {
		v = append(v, layers.Width{Name: StatisticsView, Width: layers.ImageStatisticsWidth})
	}
	if w.poi != nil {
		v = append(v, layers.Width{Name: CountsView, Width: w.width - len(v)*layers.ImageStatisticsWidth})
	}
	return v
}

// head maps the statistics of tiles among e and the cells' index [B, M, M] to the
// head's further inputs [B, m] and what is added to the prediction [B].
func (w *wide) head(e layers.Views, index *torch.Tensor) (deep, shift *torch.Tensor) {
	var parts []*torch.Tensor
	for _, v := range w.views() {
		parts = append(parts, e.Get(v.Name))
	}
	features := torch.Cat(parts, 1)  // [U, F]
	x := layers.Own(features, index) // [B, F]
	if index.Size(1) > 1 {
		x = torch.Cat([]*torch.Tensor{x, around(features, index)}, 1) // [B, 2F]
	}
	x = torch.Dropout(x, w.dropout, w.params.Training())
	return w.toHead.Forward(x), w.toPrediction.Forward(x).Squeeze(-1)
}

// around is the mean of x [U, F] over the cells of each neighborhood that there
// are, [B, F].
func around(x, index *torch.Tensor) *torch.Tensor {
	ones := torch.Ones(x.DType(), x.Device(), x.Size(0), 1)
	sums := layers.GatherNeighborhood(torch.Cat([]*torch.Tensor{x, ones}, 1), index).Sum(torch.Along(2, 3)) // [B, F+1]
	f := x.Size(1)
	return sums.Narrow(1, 0, f).Div(sums.Narrow(1, f, 1)) // the cell itself is always there
}
