// Command prepare builds the tile store of an experiment from its imagery,
// emissions and points of interest, prints what became of them, and can draw
// pictures to check by eye.
package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/build"
	"opencarbon/cmd/internal/cli"
	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/preview"
	"opencarbon/data/store"
	"opencarbon/train/config"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source, previewDir, init, bbox, districts string
	var set []string
	var force, pictures bool
	cmd := &cobra.Command{
		Use:   "prepare --config X.yaml | --init NAME --bbox W,S,E,N | --init NAME --districts FILE",
		Short: "Build the tile store of an experiment, and say what is in it",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if init != "" {
				return begin(cmd, init, bbox, districts)
			}
			if bbox != "" || districts != "" {
				return fault.New("--bbox", "and --districts are for --init", "Write a new configuration with --init NAME, or set data.region in yours.")
			}
			if source == "" {
				return fault.New("--config", "is not given", "Name an experiment file or a preset: --config demo.yaml")
			}
			cfg, err := config.Load(source, set)
			if err != nil {
				return err
			}
			report, err := build.Store(cmd, cfg, data.Options{Force: force, Verify: true})
			if err != nil {
				return err
			}
			if err := report.Print(cmd.OutOrStdout()); err != nil {
				return err
			}
			if !pictures && previewDir == "" {
				return nil
			}
			if previewDir == "" {
				previewDir = filepath.Join(report.Store, "preview")
			}
			s, err := store.Open(report.Store)
			if err != nil {
				return err
			}
			defer s.Close()
			files, err := preview.Write(cmd.Context(), s, previewDir)
			for _, f := range files {
				cmd.Println("picture", f)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&source, "config", "", "experiment file or preset (required)")
	f.StringArrayVar(&set, "set", nil, "override a key, e.g. --set data.imagery.size=64; may be repeated")
	f.StringVar(&init, "init", "", "write NAME.yaml to begin with, for a region by --bbox or --districts, and do nothing else")
	f.StringVar(&bbox, "bbox", "", "of --init: west,south,east,north in degrees")
	f.StringVar(&districts, "districts", "", "of --init: file of the region's borders (GeoJSON, Shapefile, GeoPackage)")
	f.BoolVar(&force, "force", false, "build even if the store is up to date")
	f.BoolVar(&pictures, "preview", false, "draw the mosaic, the POI density and the emissions as PNG")
	f.StringVar(&previewDir, "preview-dir", "", "folder of the pictures (default: preview in the store's folder)")
	return cmd
}
