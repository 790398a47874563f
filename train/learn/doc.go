// Package learn is what happens to tensors within an epoch: cells are sampled
// into batches, tiles encoded, the loss taken, the weights updated, the model
// evaluated. It joins the data floor's slices to the layers.
//
// A network is trained and asked like this, inside torch.Run; the example of Learner
// has the whole of it:
//
//	learner := learn.NewLearner(network, assembler, adam, learn.Options{Encode: learn.Unique, Batch: 8, Temperature: 0.07})
//	defer learner.Close()
//	sampler := learn.Sampler{Cells: cells, Place: s.Cells(), Batch: 8}
//	batches := sampler.Epoch(epoch)
//	feed := learner.NewFeed(batches, epoch)
//	b := feed.Next()
//	err := learner.Step(b, false)
//	predicted, err := learner.Evaluate(context.Background(), cells, nil, nil)
//
// A newcomer starts at Learner.Step. What may not enter: configs, run folders,
// checkpoints and everything else that is a file (package train), and GDAL, so
// that cmd/bench runs on a bare machine.
package learn
