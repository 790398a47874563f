// Package learn is what happens to tensors within an epoch: cells are sampled
// into batches, tiles encoded, the loss taken, the weights updated, the model
// evaluated. It joins the data floor's slices to the layers.
//
// A newcomer starts at Learner.Step. What may not enter: configs, run folders,
// checkpoints and everything else that is a file (package train), and GDAL, so
// that cmd/bench runs on a bare machine.
package learn
