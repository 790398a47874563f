package study

import (
	"context"
	"fmt"
	"image"
	"math"
	"slices"
	"strconv"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/train/checkpoint"
	"opencarbon/train/export"
	"opencarbon/train/metrics"
	"opencarbon/train/observe"
	"opencarbon/train/plots"
	"opencarbon/train/tsne"
)

// MapOptions of Map.
type MapOptions struct {
	Options
	Embeddings []string    // of observe.EmbeddingNames; empty: X_g, of a model without it the first that it has
	TSNE       tsne.Config // Seed is taken from Options
	Cells      int         // a map shows at most so many cells, drawn by the seed; 0: all
	Anchors    int         // points shown by their satellite image; 0: 6 as in the paper, negative: none
}

// Symbols of the representations, as in the paper.
var symbols = map[string]string{layers.ImageView: "X_s", layers.POIView: "X_p", layers.GridView: "X_g",
	layers.NeighborhoodView: "X_n", layers.FinalView: "X_g^f"}

// usual is the representation that is shown where none is asked for: X_g, or the
// first that a model without it has, as the paper's rivals.
func usual(c *checkpoint.Checkpoint) []string {
	if there := observe.Available(c); len(there) > 0 {
		return there[:1] // EmbeddingNames begins with X_g
	}
	return []string{layers.GridView} // a forest: observe.Has says why not
}

// Map exports the representations of all cells of a store and lays them out on a
// plane by t-SNE (paper, Figure 5). For each representation NAME it leaves
// embeddings_NAME.csv, .parquet and .npy, projector_NAME/ (TensorBoard),
// tsne_NAME.csv and tsne_NAME.png. Fewer cells than the perplexity allows and a
// representation that the model has not are *fault.Input errors, found before
// the files are written.
func Map(ctx context.Context, o MapOptions) (*Result, error) {
	if o.Anchors == 0 {
		o.Anchors = 6
	}
	if err := atLeast("--cells", o.Cells, 0); err != nil {
		return nil, err
	}
	in, r, err := o.open("tsne")
	if err != nil {
		return nil, err
	}
	defer in.store.Close()
	if len(o.Embeddings) == 0 {
		o.Embeddings = usual(in.checkpoint)
	}
	for _, name := range o.Embeddings {
		if err := observe.Has(in.checkpoint, name); err != nil {
			return nil, err
		}
	}
	shown := sample(in.store.Len(), o.Cells, o.Seed)
	if err := o.TSNE.Check(len(shown)); err != nil {
		return nil, err
	}
	if err := makeFolder(r.Dir); err != nil {
		return nil, err
	}
	x, err := observe.Model(ctx, in.checkpoint, in.store, o.observing(observe.Options{Embeddings: o.Embeddings}))
	if err != nil {
		return nil, err
	}
	if len(shown) < in.store.Len() {
		r.note("the maps show %d of %d cells; the exports hold all", len(shown), in.store.Len())
	}
	for _, name := range o.Embeddings {
		if err := o.export(r, in, x, name); err != nil {
			return nil, err
		}
		if err := o.lay(ctx, r, in, x, name, shown); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func (o MapOptions) export(r *Result, in *opened, x *observe.Observations, name string) error {
	e := x.Embeddings[name]
	t := &export.Table{LnTrue: x.Ln, LnPredicted: x.Predicted, Embedding: e.X, D: e.D}
	lonlat, places := in.store.LonLat(), in.store.Cells()
	for i, c := range x.Cells {
		t.Col, t.Row, t.Split = append(t.Col, places[c].Col), append(t.Row, places[c].Row), append(t.Split, x.Split[i].String())
		t.Lon, t.Lat = append(t.Lon, lonlat[2*c]), append(t.Lat, lonlat[2*c+1])
	}
	for _, write := range []struct {
		end string
		to  func(string) error
	}{{".csv", t.WriteCSV}, {".parquet", t.WriteParquet}, {".npy", t.WriteNPY}} {
		if err := write.to(r.path("embeddings_" + name + write.end)); err != nil {
			return err
		}
	}
	return t.WriteProjector(r.path("projector_"+name), symbols[name])
}

// lay makes the map of the shown rows of x.
func (o MapOptions) lay(ctx context.Context, r *Result, in *opened, x *observe.Observations, name string, shown []int) error {
	e := x.Embeddings[name]
	points := tsne.Points{D: e.D}
	ln, label := emissions(x, in.checkpoint.Header.TargetUnit)
	var values []float64
	for _, i := range shown {
		points.X = append(points.X, e.X[i*e.D:(i+1)*e.D]...)
		values = append(values, ln[i])
	}
	c := o.TSNE
	c.Seed, c.Workers = o.Seed, o.Threads
	m, err := tsne.Run(ctx, points, c)
	if err != nil {
		return err
	}
	r.note("%s: KL divergence %.3f after %d iterations, perplexity %g, %s", symbols[name], m.KL, m.Iterations, m.Perplexity, m.Method)
	var anchors []int
	if o.Anchors > 0 {
		if anchors, err = tsne.Anchors(m.Y, values, o.Anchors); err != nil {
			return err
		}
	}
	numbered := map[int]int{}
	data := plots.EmbeddingData{Title: fmt.Sprintf("%s: t-SNE of %s", in.store.Meta().Name, symbols[name]), Places: m.Y, Values: values,
		Label: label, Ln: true}
	for k, p := range anchors {
		numbered[p] = k + 1
		data.Anchors = append(data.Anchors, plots.Anchor{Point: p, Image: picture(in.store, int(x.Cells[shown[p]])),
			Text: amount(values[p], in.checkpoint.Header.TargetUnit)})
	}
	rows := make([][]string, len(shown))
	for k, i := range shown {
		anchor := ""
		if n, ok := numbered[k]; ok {
			anchor = strconv.Itoa(n)
		}
		rows[k] = append(labels(in.store, x, i), number(m.Y[2*k]), number(m.Y[2*k+1]), anchor)
	}
	err = writeTable(r.path("tsne_"+name+".csv"), append(slices.Clone(labelColumns), "x", "y", "anchor"), rows)
	if err != nil {
		return err
	}
	r.draw("tsne_"+name+".png", func() (*plots.Figure, error) { return plots.Embedding(data) })
	return nil
}

// picture is the satellite image of a tile, nil where the store has none.
func picture(s *store.Store, tile int) image.Image {
	if !s.HasImages() {
		return nil
	}
	n := s.ImageSize()
	px := make([]uint8, 3*n*n)
	if s.ReadColors(tile, px) != nil {
		return nil
	}
	img := image.NewRGBA(image.Rect(0, 0, n, n))
	for i := range n * n {
		img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], img.Pix[4*i+3] = px[i], px[n*n+i], px[2*n*n+i], 255
	}
	return img
}

// amount writes exp(ln) with its unit.
func amount(ln float64, unit string) string {
	if unit == "proxy" {
		unit = ""
	}
	text := metrics.Amount(math.Exp(ln))
	if unit != "" {
		text += " " + unit
	}
	return text
}
