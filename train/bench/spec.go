package bench

import (
	"fmt"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/train/learn"
)

// Spec is what one row of the table runs. Data: Cells tiles of Size x Size
// pixels on a square grid, Points POIs of Categories each, all of them training
// cells.
type Spec struct {
	Name         string `json:"name"`
	Cells        int    `json:"cells"`
	Size         int    `json:"size"`       // pixels along a tile's edge, images and POIs
	Categories   int    `json:"categories"` // of POIs
	Points       int    `json:"points"`     // a tile
	Neighborhood int    `json:"neighborhood"`
	Batch        int    `json:"batch"`
	Epochs       int    `json:"epochs"` // timed, after one step to warm up
	Threads      int    `json:"threads"`
	Device       string `json:"device"`
	Sampler      string `json:"sampler"`   // random, blocks (4 x 4 cells) or patches
	Encode       string `json:"encode"`    // unique, slices or historical
	Precision    string `json:"precision"` // fp32 or bf16
	DensePOIs    bool   `json:"dense_pois"`
	NCHW         bool   `json:"nchw"`
	NoPrefetch   bool   `json:"no_prefetch"`
	NoPool       bool   `json:"no_pool"`
	Graphs       bool   `json:"graphs"`
	Store        string `json:"store"`    // folder of the made tile store
	Ranks        int    `json:"ranks"`    // processes that train together, Threads in all of them; 0 and 1: one
	Rank         int    `json:"rank"`     // of them, which one this is
	Port         int    `json:"port"`     // where they meet on this machine
	InParts      int    `json:"in_parts"` // that batches are encoded in (train.parts); 0: none
	Seed         uint64 `json:"seed"`
}

// Check refuses what cannot be run.
func (s *Spec) Check() error {
	whole := func(flag string, v, low, high int) error {
		if v < low || v > high {
			return fault.New("--"+flag, fmt.Sprintf("is %d", v), fmt.Sprintf("Give %d to %d.", low, high))
		}
		return nil
	}
	among := func(flag, v string, list ...string) error {
		for _, x := range list {
			if v == x {
				return nil
			}
		}
		return fault.New("--"+flag, fmt.Sprintf("is %q", v), fmt.Sprintf("Give one of %v.", list))
	}
	for _, err := range []error{whole("cells", s.Cells, 4, 1<<20), whole("size", s.Size, 32, 512), whole("categories", s.Categories, 1, 1000),
		whole("points", s.Points, 0, 60000), whole("batch", s.Batch, 2, 4096), whole("epochs", s.Epochs, 1, 100000), whole("threads", s.Threads, 0, 1024), whole("ranks", s.Ranks, 0, 64),
		among("neighborhood", fmt.Sprint(s.Neighborhood), "1", "3", "5", "7"), among("sampler", s.Sampler, "random", "blocks", "patches"),
		among("encode", s.Encode, learn.Unique, learn.Slices, learn.Historical), among("precision", s.Precision, "fp32", "bf16")} {
		if err != nil {
			return err
		}
	}
	if s.Ranks > 1 && s.Encode == learn.Slices {
		return fault.New("--ranks", "cannot train with slices", "Give --encode historical or unique.")
	}
	if p := s.InParts; p != 0 && (p < 2 || p > 64 || p&(p-1) != 0 || p%max(1, s.Ranks) != 0 || s.Encode == learn.Slices || s.Precision != "fp32") {
		return fault.New("--parts", fmt.Sprintf("is %d", p), "Give 0, or a power of two, 2 to 64, that --ranks divides, with --precision fp32 and --encode historical or unique.")
	}
	return nil
}

// Levers are ways in which training is made faster, each with what a row is
// like without it.
var Levers = []struct {
	Name string // of the row without it
	Off  func(s *Spec)
}{
	{"exact gradients (unique, blocks)", func(s *Spec) { s.Encode, s.Sampler = learn.Unique, "blocks" }},
	{"exact gradients (unique, random)", func(s *Spec) { s.Encode, s.Sampler = learn.Unique, "random" }},
	{"as published (slices, random)", func(s *Spec) { s.Encode, s.Sampler, s.DensePOIs = learn.Slices, "random", true }},
	{"in the other precision", func(s *Spec) { s.Precision = map[string]string{"fp32": "bf16", "bf16": "fp32"}[s.Precision] }},
	{"without sparse POIs", func(s *Spec) { s.DensePOIs = true }},
	{"without channels_last and Winograd", func(s *Spec) { s.NCHW = true }},
	{"without pooled memory", func(s *Spec) { s.NoPool = true }},
	{"without prefetch", func(s *Spec) { s.NoPrefetch = true }},
	{graphs, func(s *Spec) { s.Graphs = !s.Graphs }},
	{"without threads (1)", func(s *Spec) { s.Threads = 1 }},
}

// graphs is the lever of GPUs alone.
const graphs = "with or without CUDA graphs, the other way"

// LeverRows are the rows of s without each lever that its device has.
func LeverRows(s Spec) (rows []Spec) {
	for _, l := range Levers {
		if l.Name == graphs && !strings.HasPrefix(s.Device, "cuda") {
			continue
		}
		row := s
		row.Name = l.Name
		l.Off(&row)
		rows = append(rows, row)
	}
	return rows
}

// Result is what a row measured.
type Result struct {
	Spec              Spec               `json:"spec"`
	Emulated          bool               `json:"emulated,omitempty"` // nothing was measured: the device only imitates the precision, and would take hours
	Eager             string             `json:"eager,omitempty"`    // why steps on a GPU were not replayed as graphs
	Libtorch          string             `json:"libtorch"`
	Device            string             `json:"device"`
	Threads           int                `json:"threads"`
	EpochSeconds      float64            `json:"epoch_seconds"`      // mean over the timed epochs
	Encodings         float64            `json:"encodings"`          // tiles encoded with gradients, a sample
	EvaluationSeconds float64            `json:"evaluation_seconds"` // every cell predicted once
	PeakBytes         int64              `json:"peak_bytes"`         // of the process's memory, the mapped store included; of ranks the first's
	TileBytes         float64            `json:"tile_bytes"`         // in the store
	DenseTileBytes    int64              `json:"dense_tile_bytes"`   // of a tile's POIs in the published program
	Parts             map[string]float64 `json:"parts"`              // seconds an epoch: data, encode, heads, backward, optimizer; of several ranks also together
	FLOPs             float64            `json:"flops"`              // floating-point operations of ResNet-18's convolutions an epoch
}

// ImagesPerSecond is encoded tiles a second of training.
func (r *Result) ImagesPerSecond() float64 {
	return r.Encodings * float64(r.Spec.Cells) / r.EpochSeconds
}

// resNet18FLOPs is twice the multiply-adds of ResNet-18's convolutions on an
// image of size x size pixels (torchvision's layers; 3.6e9 at 224).
func resNet18FLOPs(size int) float64 {
	half := func(n int) int { return (n + 1) / 2 }
	edge := half(size)
	sum := float64(edge*edge) * 64 * 3 * 49
	edge = half(edge)
	in := 64
	for i, width := range []int{64, 128, 256, 512} {
		if i > 0 {
			edge = half(edge)
			sum += float64(edge*edge) * float64(width*in) // 1 x 1 shortcut
		}
		area := float64(edge * edge)
		sum += area * float64(width*in*9) // the first of four 3 x 3 convolutions
		sum += 3 * area * float64(width*width*9)
		in = width
	}
	return 2 * sum
}
