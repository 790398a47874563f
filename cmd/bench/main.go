// Command bench measures how fast OpenCarbon trains and evaluates here.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
	"opencarbon/train/bench"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	s := bench.Spec{Name: "this", Seed: 1}
	var neighborhoods, sizes, peerThreads, ranks, parts []int
	var encode, sampler, precision []string
	var levers, peer, agree bool
	var peerBatch, peerTrain, peerEvaluate, rounds int
	var python, dir, out string
	var peak float64
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure training and evaluation on made data, and what each lever brings",
		Long: `Bench makes a city of the given size, trains on it for an epoch and predicts it,
and prints images a second, the epoch's time by its parts, encoded tiles a cell,
achieved TFLOP/s (of ResNet-18's convolutions) and peak memory. Each row is a
process of its own; with --rounds the rows take turns and medians are printed.
No GDAL is needed: it runs on a bare GPU machine.

With --levers every way of being faster gets a row without it. With --peer the
published program's scheme in plain PyTorch (cmd/bench/peer/published.py) runs in
the same turns; at M = 7 a batch of 32 would take it some 60 GB, so give it less
(--peer-batch 4): its time a cell is the same.

With --ranks 1,2 the second row is two processes that train together (train/SCALE.md),
with half of the threads each; "epoch x" is then how good they are at it.`,
		Example: `  go run ./cmd/bench
  go run ./cmd/bench --neighborhood 3,7 --peer --peer-batch 4 --peer-train 40
  go run ./cmd/bench --levers --rounds 3
  go run ./cmd/bench --cells 100,400,1600,6400
  go run ./cmd/bench --threads 2 --ranks 1,2 --rounds 5
  go run ./cmd/bench --device cuda --agree --precision fp32,bf16 --encode historical,historical --sampler random,random
  go run ./cmd/bench --device cuda --cells 778 --epochs 300 --peak 989   # London's size on a GPU`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ways := max(len(encode), len(sampler), len(precision))
			for name, list := range map[string][]string{"--encode": encode, "--sampler": sampler, "--precision": precision} {
				if len(list) != 1 && len(list) != ways {
					return fault.New(name, fmt.Sprintf("has %d values, another of --encode, --sampler and --precision has %d", len(list), ways), "Give one for each row, or one for all.")
				}
			}
			o := bench.Options{Rounds: rounds, Dir: dir, Say: func(line string) { fmt.Fprintln(cmd.ErrOrStderr(), line) }}
			for _, cells := range sizes {
				for _, m := range neighborhoods {
					for i := range ways {
						row := s
						row.Cells, row.Neighborhood = cells, m
						row.Encode, row.Sampler, row.Precision = encode[min(i, len(encode)-1)], sampler[min(i, len(sampler)-1)], precision[min(i, len(precision)-1)]
						row.Name = fmt.Sprintf("OpenCarbon, %s, %s, %s", row.Encode, row.Sampler, row.Precision)
						for _, n := range ranks {
							together := row
							if together.Ranks = n; n > 1 {
								together.Name = fmt.Sprintf("%s, %d ranks", row.Name, n)
							}
							for _, p := range parts {
								in := together
								if in.InParts = p; p > 0 {
									in.Name = fmt.Sprintf("%s, %d parts", together.Name, p)
								}
								o.Specs = append(o.Specs, in)
							}
						}
						if levers {
							o.Specs = append(o.Specs, bench.LeverRows(row)...)
						}
					}
					if !peer {
						continue
					}
					for _, threads := range peerThreads {
						o.Peers = append(o.Peers, bench.Peer{Python: python, Script: filepath.Join("cmd", "bench", "peer", "published.py"), Cells: cells,
							Size: s.Size, Categories: s.Categories, Points: s.Points, Neighborhood: m, Batch: peerBatch, Train: peerTrain,
							Evaluate: peerEvaluate, Threads: threads})
					}
				}
			}
			if agree {
				return agreements(cmd, o.Specs, dir)
			}
			t, err := bench.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if out != "" {
				if err := atomicfile.Write(out, func(w io.Writer) error {
					e := json.NewEncoder(w)
					e.SetIndent("", "  ")
					return e.Encode(t)
				}); err != nil {
					return err
				}
			}
			return t.Print(cmd.OutOrStdout(), peak)
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&sizes, "cells", []int{400}, "cells of the made city; several make several rows")
	f.IntSliceVar(&neighborhoods, "neighborhood", []int{3}, "M; several make several rows")
	f.IntVar(&s.Size, "size", 256, "pixels along a tile's edge")
	f.IntVar(&s.Categories, "categories", 14, "POI categories")
	f.IntVar(&s.Points, "points", 100, "POIs a tile")
	f.IntVar(&s.Batch, "batch", 32, "cells a step")
	f.IntVar(&s.Epochs, "epochs", 1, "epochs timed")
	f.IntVar(&s.Threads, "threads", 0, "libtorch's threads; 0: all cores")
	f.IntSliceVar(&ranks, "ranks", []int{1}, "processes that train together on this machine and share --threads; several make several rows")
	f.IntSliceVar(&parts, "parts", []int{0}, "parts that batches are encoded in (train.parts), on the CPU; several make several rows")
	f.StringVar(&s.Device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.StringSliceVar(&encode, "encode", []string{"historical"}, "historical, unique or slices (train.encode); several make several rows")
	f.StringSliceVar(&sampler, "sampler", []string{"random"}, "random, blocks (4 x 4 cells) or patches (train.block: 0); one for each row, or one for all")
	f.StringSliceVar(&precision, "precision", []string{"fp32"}, "fp32 or bf16 (train.precision); one for each row, or one for all")
	f.BoolVar(&s.DensePOIs, "dense-pois", false, "convolve POIs as dense tensors")
	f.BoolVar(&s.NCHW, "nchw", false, "images in PyTorch's default memory format instead of channels_last")
	f.BoolVar(&s.NoPrefetch, "no-prefetch", false, "assemble each batch only when it is needed")
	f.BoolVar(&s.NoPool, "no-pool", false, "give the memory of CPU tensors back to the system at once")
	f.BoolVar(&s.Graphs, "graphs", false, "on a GPU replay a training step as a CUDA graph instead of launching its kernels one by one")
	f.BoolVar(&levers, "levers", false, "add a row without each lever")
	f.BoolVar(&agree, "agree", false, "measure no time: compare losses and predictions with the CPU's in fp32, from the same weights on the same batches")
	f.IntVar(&rounds, "rounds", 1, "times that the rows take turns; medians are printed")
	f.BoolVar(&peer, "peer", false, "run the published program's scheme in Python beside")
	f.StringVar(&python, "python", "/usr/bin/python3", "interpreter that has PyTorch and torchvision, for --peer")
	f.IntVar(&peerBatch, "peer-batch", 32, "cells a step of the peer")
	f.IntSliceVar(&peerThreads, "peer-threads", []int{0}, "threads of the peer; several make several rows. 0: PyTorch's own choice")
	f.IntVar(&peerTrain, "peer-train", 0, "cells that the peer is timed on in training; its epoch is in proportion. 0: all")
	f.IntVar(&peerEvaluate, "peer-evaluate", 0, "the same in evaluation")
	f.StringVar(&dir, "dir", filepath.Join(os.TempDir(), "opencarbon-bench"), "folder of the made data, which is kept")
	f.StringVar(&out, "json", "", "file for the whole result")
	f.Float64Var(&peak, "peak", 0, "the device's peak in TFLOP/s, to print the share that is reached")
	cmd.AddCommand(&cobra.Command{Use: "row", Hidden: true, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return bench.Serve(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
	}})
	cmd.AddCommand(encoder())
	return cmd
}

// encoder is the command for encoders alone.
func encoder() *cobra.Command {
	var s bench.EncoderSpec
	var sizes []int
	var peer bool
	var python string
	cmd := &cobra.Command{
		Use:   "encoder",
		Short: "Measure the image encoder alone, beside the processor's peak and plain PyTorch",
		Long: `Encoder runs ResNet-18 forward, and forward and backward, in every way of this
program and, with --peer, of plain PyTorch, in turn in one run. It prints images a
second, and GFLOP/s a core: the operations that direct convolutions need, over the
processor time that a way took. Where build/bench-peak is (make bench builds it),
that is set beside what a core can do. Winograd's algorithm needs fewer
operations, so that its figure may lie above the peak.`,
		Example: `  go run ./cmd/bench encoder --peer
  ONEDNN_MAX_CPU_ISA=AVX2 ATEN_CPU_CAPABILITY=avx2 go run ./cmd/bench encoder --peer   # as without AVX-512`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s.Script = filepath.Join("cmd", "bench", "peer", "encoder.py")
			if s.Python = ""; peer {
				s.Python = python
			}
			for _, size := range sizes {
				s.Size = size
				t, err := bench.Encoder(cmd.Context(), s)
				if err != nil {
					return err
				}
				if err := t.Print(cmd.OutOrStdout()); err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout())
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.IntSliceVar(&sizes, "size", []int{64, 256}, "pixels along a tile's edge; several make several tables")
	f.IntVar(&s.Batch, "batch", 32, "images a pass")
	f.IntVar(&s.Turns, "rounds", 5, "times that the ways take turns; medians are printed")
	f.IntVar(&s.Threads, "threads", 0, "libtorch's threads, and PyTorch's; 0: all cores")
	f.BoolVar(&peer, "peer", false, "run the published program's encoder in plain PyTorch beside")
	f.StringVar(&python, "python", "/usr/bin/python3", "interpreter that has PyTorch and torchvision, for --peer")
	f.StringVar(&s.Peak, "peak-program", filepath.Join("build", "bench-peak"), "program that measures a core's peak; without it no shares are printed")
	return cmd
}

// agreements compares every row with the CPU; all are made before one that is off
// ends the command.
func agreements(cmd *cobra.Command, specs []bench.Spec, dir string) error {
	var off error
	for _, s := range specs {
		a, err := bench.Agree(cmd.Context(), s, dir)
		if a == nil {
			return err
		}
		if err := a.Print(cmd.OutOrStdout()); err != nil {
			return err
		}
		if err != nil {
			off = err
		}
	}
	return off
}
