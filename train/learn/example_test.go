package learn_test

import (
	"context"
	"fmt"
	"math"
	"os"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/bench"
	"opencarbon/train/learn"
	"opencarbon/train/networks"
)

// OpenCarbon is trained for some epochs on the cells of a store, and then predicts
// them. Everything that touches tensors happens inside torch.Run.
func ExampleLearner() {
	dir, err := os.MkdirTemp("", "learn")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	made := bench.Spec{Cells: 16, Size: 32, Categories: 3, Points: 20}
	if err := made.Make(context.Background(), dir); err != nil {
		panic(err)
	}
	s, err := store.Open(made.Store)
	if err != nil {
		panic(err)
	}
	defer s.Close()
	var cells []int32
	var ln []float64
	for i, y := range s.Targets() {
		cells, ln = append(cells, int32(i)), append(ln, math.Log(y))
	}

	var first, last float64 // loss a cell
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		torch.ManualSeed(1)
		parameters := layers.NewParams(torch.CPU)
		defer parameters.Close()
		network, err := networks.New(parameters, layers.ModelConfig{Kind: layers.KindOpenCarbon, Image: true, POI: true, Categories: 3, ImageSize: 32,
			Embedding: 8, Neighborhood: 3, POIEncoder: "k7", SE: true, SERatio: 4, Heads: 2})
		if err != nil {
			panic(err)
		}
		network.SetTargetBias(9)
		assembler, err := learn.NewAssembler(s, learn.Inputs(network), network.Traits().Around, ln, nil)
		if err != nil {
			panic(err)
		}
		adam := torch.NewAdam(parameters.Parameters(), torch.AdamOptions{LearningRate: 1e-3})
		defer adam.Close()
		learner := learn.NewLearner(network, assembler, adam, learn.Options{Encode: learn.Unique, Batch: 8, Temperature: 0.07})
		defer learner.Close()
		sampler := learn.Sampler{Cells: cells, Place: s.Cells(), Batch: 8}
		for epoch := range 20 {
			batches := sampler.Epoch(epoch)
			feed := learner.NewFeed(batches, epoch)
			for range batches {
				b := feed.Next()
				err := learner.Step(b, false)
				if err != nil {
					panic(err)
				}
				feed.Done(b)
			}
			feed.Close()
			sum, n, err := learner.Collect()
			if err != nil {
				panic(err)
			}
			if last = sum / float64(n); epoch == 0 {
				first = last
			}
		}
		predicted, err := learner.Evaluate(context.Background(), cells, nil, nil)
		if err != nil {
			panic(err)
		}
		fmt.Println(len(predicted), "cells are predicted; the loss fell:", last < first)
	}); err != nil {
		panic(err)
	}
	// Output:
	// 16 cells are predicted; the loss fell: true
}
