package learn

import (
	"opencarbon/layers"
	"opencarbon/torch"
)

// EncodeSlices encodes as the published program does: all B*M*M tiles in M*M
// consecutive slices of B rows of the flattened index [B, M, M], so that batch
// statistics are per slice. Cells that are missing (index = number of tiles;
// the published program has none) are left out of their slice.
func EncodeSlices(t layers.Tiles, index *torch.Tensor, encode func(layers.Tiles) layers.Views) (layers.Views, *torch.Tensor) {
	if t.Points != nil {
		t.POIs, t.Points = t.Points.Dense(), nil // slices of rows are taken of the dense tensor
	}
	tiles := 0
	if t.Images != nil {
		tiles = t.Images.Size(0)
	} else {
		tiles = t.POIs.Size(0)
	}
	shape := index.Shape()
	flat := index.To(torch.CPU).Reshape(-1).Int64s() // [B*M*M]
	var parts [][]int64                              // tiles of each slice
	encoded := int64(0)
	for at := 0; at < len(flat); at += shape[0] {
		var rows []int64
		for i, tile := range flat[at : at+shape[0]] {
			if tile == int64(tiles) {
				flat[at+i] = -1
				continue
			}
			rows = append(rows, tile)
			flat[at+i] = encoded
			encoded++
		}
		if n := len(parts); n > 0 && (len(rows) == 1 || len(parts[n-1]) == 1) { // one row alone has no batch statistics
			parts[n-1] = append(parts[n-1], rows...)
		} else if len(rows) > 0 {
			parts = append(parts, rows)
		}
	}
	for i, p := range flat {
		if p < 0 {
			flat[i] = encoded // the row of zeros behind the embeddings
		}
	}
	var done []layers.Views
	for _, rows := range parts {
		slice := torch.FromSlice(rows).To(index.Device())
		var part layers.Tiles
		if t.Images != nil {
			part.Images = t.Images.IndexSelect(0, slice)
		}
		if t.POIs != nil {
			part.POIs = t.POIs.IndexSelect(0, slice)
		}
		if t.Features != nil {
			part.Features = t.Features.IndexSelect(0, slice)
		}
		done = append(done, encode(part))
	}
	return layers.Join(done), torch.FromSlice(flat, shape...).To(index.Device())
}
