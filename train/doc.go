// Package train joins the floors: it turns a tile store into batches, trains
// an OpenCarbon model on them (sections 4.3 and 5 of the paper), keeps
// checkpoints that resume exactly, and predicts with them.
//
// The rooms below it need no tensors: config (experiments), metrics, tabular and
// baselines (what a network must beat), progress, runlog (run folders), plots,
// tbevents, rank, tsne, conformal, export, output (what is written of predictions).
// Others below have them: learn (an epoch), networks, checkpoint (a run's weights in
// a file, and which stores they fit), encoded (a prediction under way), pytorch
// (checkpoints of the published program), torchvision (weights of a ResNet-18). Above
// it are observe (what a model says beside its predictions), study (transfer, maps,
// explanations) and report (the page of a run).
package train
