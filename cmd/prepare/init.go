package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/grid"
	"opencarbon/train/config"
)

// begin writes a configuration to begin with. What is there already stays.
func begin(cmd *cobra.Command, called, bbox, districts string) error {
	s := config.Starter{}
	var file string
	if s.Name, file = config.StarterName(called); s.Name == "" {
		return fault.New("--init", fmt.Sprintf("%q is no name", called), "Name the region with letters and digits: --init mycity")
	}
	switch {
	case (bbox == "") == (districts == ""):
		return fault.New("--init", "needs --bbox or --districts, and one of them only", "For example --init mycity --bbox 116.2,39.8,116.6,40.1, or --init mycity --districts districts.geojson")
	case bbox != "":
		box, err := parseBox(bbox)
		if err != nil {
			return err
		}
		s.Box = [4]float64{box.West, box.South, box.East, box.North}
	default:
		d, err := data.ReadDistricts(cmd.Context(), districts)
		if err != nil {
			return err
		}
		s.Box, s.Field, s.Names = d.Box, d.Field, d.Names
		if s.Districts, err = seenFrom(filepath.Dir(file), districts); err != nil {
			return err
		}
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fault.Wrap(err, file, "is there already", "Choose another name with --init, or remove the file.")
	} else if err != nil {
		return fault.Wrap(err, file, "cannot be written", "Check the folder and its permissions.")
	}
	_, err = f.WriteString(s.Text())
	if err = errors.Join(err, f.Close()); err != nil {
		os.Remove(file)
		return fault.Wrap(err, file, "cannot be written", "Check that the disk has room.")
	}
	c, err := config.Load(file, nil)
	if err != nil { // of a name that is none, such as one in another alphabet
		os.Remove(file)
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "wrote %s\n", file)
	if err := config.CheckFiles(c); err != nil {
		fmt.Fprintf(cmd.OutOrStdout(), "next: %v\n", err)
	}
	return nil
}

// parseBox reads west,south,east,north.
func parseBox(text string) (grid.BBox, error) {
	var v []float64
	for _, part := range strings.FieldsFunc(strings.Trim(text, "[]"), func(r rune) bool { return strings.ContainsRune(", ;", r) }) {
		x, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return grid.BBox{}, fault.New("--bbox", fmt.Sprintf("%q is no number", part), "Write west,south,east,north in degrees: --bbox 116.2,39.8,116.6,40.1")
		}
		v = append(v, x)
	}
	return grid.ParseBBox(v)
}

// seenFrom is a file's path as one writes it in a file of the folder.
func seenFrom(folder, path string) (string, error) {
	from, err := filepath.Abs(folder)
	if err != nil {
		return "", err
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if rel, err := filepath.Rel(from, abs); err == nil && !strings.HasPrefix(rel, "..") {
		return filepath.ToSlash(rel), nil
	}
	return abs, nil
}
