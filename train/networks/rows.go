package networks

import (
	"context"
	"fmt"

	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/tabular"
)

// rows is a fitted method of package tabular as a network, so that all that
// works with a trained network works with it: maps, totals, intervals, studies.
// Of a tile it wants the features; there is nothing in it to train.
type rows struct {
	config layers.ModelConfig
	params *layers.Params
	body   *torch.Tensor // [Bytes] uint8: the method's file
	fitted tabular.Fitted
}

// RowsView is the view of a cell's features, [F]: what a method sees of it.
const RowsView = "features"

func newRows(p *layers.Params, c layers.ModelConfig) (*rows, error) {
	if c.Features < 1 || c.Bytes < 1 {
		return nil, fmt.Errorf("a fitted method of %d bytes on %d features is none", c.Bytes, c.Features)
	}
	return &rows{config: c, params: p, body: p.Root().Buffer("method", p.Bytes(c.Bytes))}, nil
}

// RowsModel is a fitted method of a region as an architecture, and its array.
func RowsModel(f tabular.Fitted, c layers.ModelConfig, name string, features int) (layers.ModelConfig, []byte, error) {
	body, err := tabular.Encode(f)
	if err != nil {
		return c, nil, err
	}
	return layers.ModelConfig{Kind: layers.KindRows, Method: name, Bytes: len(body), Features: features, Image: c.Image, POI: c.POI,
		Categories: c.Categories, ImageSize: c.ImageSize, Bands: c.Bands, Pixels: c.Pixels, POISize: c.POISize, Neighborhood: 1}, body, nil
}

// Config returns the architecture.
func (m *rows) Config() layers.ModelConfig { return m.config }

// Params returns the method's file as the only buffer.
func (m *rows) Params() *layers.Params { return m.params }

// Traits says that the features are all that is wanted of a tile.
func (m *rows) Traits() layers.Traits {
	return layers.Traits{Embeddings: []layers.Width{{Name: RowsView, Width: m.config.Features}}, Around: layers.Around{M: 1},
		FeaturesAlone: true, MovingStatistics: true}
}

// Encode passes the features on.
func (m *rows) Encode(t layers.Tiles) (e layers.Views) { return e.With(RowsView, t.Features) }

// Predict asks the method for each cell. A file that is damaged or a library that
// is missing panics with a *torch.Error.
func (m *rows) Predict(e layers.Views, index *torch.Tensor) layers.Output {
	if m.fitted == nil {
		var err error
		if m.fitted, err = tabular.Decode(m.body.To(torch.CPU).Bytes()); err != nil {
			panic(&torch.Error{Op: m.config.Method, Message: err.Error()})
		}
	}
	x := layers.Own(e.Get(RowsView), index).Cast(torch.Float32)
	f, err := tabular.FromRows(m.fitted.Columns(), x.Float32s())
	if err != nil {
		panic(&torch.Error{Op: m.config.Method, Message: err.Error()})
	}
	cells := make([]int32, f.Cells())
	for i := range cells {
		cells[i] = int32(i)
	}
	ln, err := m.fitted.Predict(context.Background(), f, cells)
	if err != nil {
		panic(&torch.Error{Op: m.config.Method, Message: err.Error()})
	}
	return layers.Output{LnEmission: torch.FromSlice(ln).To(x.Device()).Cast(torch.Float32), Views: layers.Views{{Name: RowsView, X: x}}}
}

// Loss is the error of the predictions; there is nothing to train by it.
func (m *rows) Loss(out layers.Output, target *torch.Tensor, o layers.LossOptions) *torch.Tensor {
	return layers.RegressionLoss(out.LnEmission, target, o)
}

// SetTargetBias does nothing: the method is fitted.
func (m *rows) SetTargetBias(float64) {}
