package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// beijing.yaml without data says which files, where, in what form, from where,
// and how to try the demo.
func TestCheckFilesBeijing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(EnvData, dir)
	c, err := Load("beijing.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	err = CheckFiles(c)
	if !fault.IsInput(err) {
		t.Fatalf("got %v", err)
	}
	for _, want := range []string{
		"5 input files are missing", filepath.Join(dir, "beijing/mosaic.tif"), filepath.Join(dir, "odiac/odiac2022_1km_excl_intl_18*.tif"),
		filepath.Join(dir, "beijing/poi.csv"), filepath.Join(dir, "beijing/districts.geojson"), "Fengtai", "lon, lat and category", "GCJ-02",
		"256 x 256", "twelve monthly files", "doi:10.17595/20170411.001", "copernicus", "make demo", EnvData,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("lacks %q:\n%v", want, err)
		}
	}
	// With the files there is nothing to say.
	for _, f := range []string{"beijing/mosaic.tif", "odiac/odiac2022_1km_excl_intl_1801.tif", "beijing/poi.csv", "beijing/districts.geojson"} {
		path := filepath.Join(dir, f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if err := CheckFiles(c); err != nil {
		t.Error(err)
	}
	if err := os.Remove(filepath.Join(dir, "beijing/poi.csv")); err != nil {
		t.Fatal(err)
	}
	if err := CheckFiles(c); err == nil || !strings.Contains(err.Error(), "1 input file is missing") || strings.Contains(err.Error(), "mosaic.tif") {
		t.Errorf("got %v", err)
	}
	// Data without POIs need no file of them.
	c.Data.POI.Path = ""
	if err := CheckFiles(c); err != nil {
		t.Error(err)
	}
}

// Every preset says of every file it needs where it can be had, and the demo how
// it is made.
func TestCheckFilesPresets(t *testing.T) {
	t.Setenv(EnvData, t.TempDir())
	for _, name := range PresetNames() {
		c, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		err = CheckFiles(c)
		if err == nil {
			t.Fatalf("%s: no files, no error", name)
		}
		if want, got := strings.Count(err.Error(), "expected at"), strings.Count(err.Error(), "to be had"); want != got || want == 0 {
			t.Errorf("%s: %d files, %d sources:\n%v", name, want, got, err)
		}
		if !strings.Contains(err.Error(), "make demo") {
			t.Errorf("%s: no word of the demo", name)
		}
	}
}

// The presets find the real files where those are.
func TestPresetsOnRealData(t *testing.T) {
	dir, err := filepath.Abs("../../../shared/data")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("no real data at %s", dir)
	}
	t.Setenv(EnvData, dir)
	for _, name := range []string{"tokyo", "london", "shenzhen", "shenzhen-hongkong"} {
		c, err := Load(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckFiles(c); err != nil {
			t.Error(err)
		}
	}
}
