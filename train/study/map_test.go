package study

import (
	"math"
	"path/filepath"
	"strconv"
	"testing"

	"opencarbon/layers"
	"opencarbon/train/export"
	"opencarbon/train/tsne"
)

// mapped: t-SNE of two representations, with its anchors.
func (w *studied) mapped(t *testing.T) {
	study := w.study
	m, err := Map(t.Context(), MapOptions{Options: study, Embeddings: []string{layers.GridView, layers.POIView}, TSNE: tsne.Config{Perplexity: 10, Iterations: 250}, Cells: 60})
	if err != nil {
		t.Fatal(err)
	}
	if m.Dir != filepath.Join(filepath.Dir(w.study.Checkpoint), "tsne") {
		t.Errorf("the results lie in %s", m.Dir)
	}
	files(t, m.Dir, "embeddings_grid.csv", "embeddings_grid.parquet", "embeddings_grid.npy", "projector_grid/"+export.ProjectorFile, "tsne_grid.csv", "tsne_grid.png", "tsne_poi.png")
	rows := table(t, filepath.Join(m.Dir, "tsne_grid.csv"))
	anchors := 0
	last := math.Inf(-1)
	for _, row := range rows {
		if row["anchor"] == "" {
			continue
		}
		anchors++
		value(t, row["x"])
	}
	for k := 1; k <= anchors; k++ { // numbered along the gradient
		for _, row := range rows {
			if row["anchor"] == strconv.Itoa(k) {
				if y := value(t, row["ln_true"]); y > last {
					last = y
				} else {
					t.Errorf("anchor %d has less emission than the one before", k)
				}
			}
		}
	}
	if len(rows) != 60 || anchors < 4 || anchors > 6 || len(table(t, filepath.Join(m.Dir, "embeddings_grid.csv"))) != 64 {
		t.Errorf("%d rows, %d anchors", len(rows), anchors)
	}
}

// apart: another region's map has a folder of its own.
func (w *studied) apart(t *testing.T) {
	r, study := w.r, w.study
	other := study
	other.Store = r.Regions[1].Store
	m, err := Map(t.Context(), MapOptions{Options: other, TSNE: tsne.Config{Iterations: 250}, Anchors: -1})
	if err != nil {
		t.Fatal(err)
	}
	if want := "tsne-" + r.Regions[1].Name; filepath.Base(m.Dir) != want {
		t.Errorf("the results lie in %s, not %s", m.Dir, want)
	}
}
