// Command synth makes a city that does not exist, as real files to try every
// other command with: a mosaic, monthly emissions, points of interest, district
// borders and an experiment file. How well a model can do on it is known and
// printed.
package main

import (
	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/progress"
	"opencarbon/data/synth"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var cfg synth.Config
	var out, cells string
	cmd := &cobra.Command{
		Use:   "synth --out DIR",
		Short: "Make a city that does not exist, with a known best R2",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if cfg.Rows, cfg.Cols, err = synth.ParseCells(cells); err != nil {
				return err
			}
			if cfg.Noise == 0 {
				cfg.Noise = -1 // asked for none; the zero value of the library means the default
			}
			bar := progress.New(cmd.ErrOrStderr())
			cities, err := synth.Write(cmd.Context(), out, cfg, func(done, total int) { bar.Set("painting", done, total) })
			bar.Close()
			if err != nil {
				return err
			}
			return synth.Report(cmd.OutOrStdout(), out, cities)
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "folder to make (required)")
	f.StringVar(&cells, "cells", "32x32", "rows x columns of cells, 8x8 to 200x200")
	f.IntVar(&cfg.Size, "size", 32, "pixels along a cell's edge, 16 to 512")
	f.Int64Var(&cfg.Seed, "seed", 1, "seed; the same seed makes the same files")
	f.Float64Var(&cfg.Noise, "noise", 0.35, "standard deviation of the noise in ln emission")
	f.IntVar(&cfg.Cities, "cities", 1, "how many cities; several lie in folders of their own")
	f.Float64Var(&cfg.Shift, "shift", 0.3, "how far the emission factors of further cities stray, in ln units")
	f.IntVar(&cfg.Year, "year", 18, "year in the names of the monthly files, two digits")
	return cmd
}
