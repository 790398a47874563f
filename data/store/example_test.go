package store_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"opencarbon/data/store"
)

// Two tiles of 32 pixels, one with a POI, written and read back.
func ExampleCreate() {
	parent, err := os.MkdirTemp("", "store")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(parent)
	dir := filepath.Join(parent, "two")
	w, err := store.Create(dir, store.Meta{Name: "two", Grid: store.GridSpec{Scheme: "degrees", EPSG: 4326, CellSize: 0.01}, TargetUnit: "tCO2/yr"}, 2, 32)
	if err != nil {
		panic(err)
	}
	defer w.Abort()
	for i := range 2 {
		if err := w.SetImage(i, make([]uint8, 3*32*32)); err != nil {
			panic(err)
		}
	}
	w.SetCells([]store.Cell{{Col: 18000, Row: 4000}, {Col: 18001, Row: 4000}})
	w.SetLonLat([]float64{0.005, 49.995, 0.015, 49.995})
	w.SetAreaKM2([]float64{0.8, 0.8})
	w.SetCoverage([]float32{1, 1})
	w.SetTargets([]float64{1200, 30})
	w.SetSplits([]store.Split{store.Train, store.Test})
	w.SetPOIs([]string{"school"}, 32, []int64{0, 1, 1}, store.Points{Category: []uint16{0}, Row: []uint16{5}, Col: []uint16{9}, Count: []float32{2}})
	if err := w.Commit(context.Background()); err != nil {
		panic(err)
	}
	s, err := store.Open(dir)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	neighbors, err := s.Neighbors(3)
	if err != nil {
		panic(err)
	}
	fmt.Println(s.Len(), s.Targets(), s.POIs(0).Count)
	fmt.Println(neighbors[5]) // the tile east of the first is the second
	// Output:
	// 2 [1200 30] [2]
	// 1
}
