// Package bench measures training and evaluation on made data of any size: each
// row of its table is a process of its own, so that peak memory and thread
// counts are the row's alone, and rows take turns over several rounds, so that
// all see the same machine. The published program's scheme in plain PyTorch runs
// beside them (cmd/bench/peer).
//
// What may not enter: GDAL and everything that needs it.
package bench
