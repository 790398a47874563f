// Package layers holds the modules of OpenCarbon, one a file, reading like
// section 4 of the paper, and the few standard layers they are made of.
// Parameter names and initialization are PyTorch's. The package knows tensors
// (package torch) and nothing of files, data or training loops.
//
// A module is a plain struct made by a New function that registers its
// parameters under a Path and has a Forward method. All of it runs inside
// torch.Run.
package layers
