// Package train joins the floors: it turns a tile store into batches, trains
// an OpenCarbon model on them (sections 4.3 and 5 of the paper), keeps
// checkpoints that resume exactly, and predicts with them.
//
// The rooms below it need no tensors: config (experiments), metrics,
// baselines, progress, runlog (run folders), plots, tbevents. Here is the only
// place that knows both data and layers.
package train
