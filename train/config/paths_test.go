package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"opencarbon/data/fault"
)

// What is no file on a disk is not waited for.
func TestSourceIsNoFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe.yaml")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Skip("no FIFO can be made here: ", err)
	}
	for _, p := range []string{pipe, "/dev/zero", "/proc/self/status"} {
		if _, err := Load(p, nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: %v", p, err)
		}
	}
}

func TestSourceErrorListsBoth(t *testing.T) {
	_, err := Load("nowhere.yaml", nil)
	if !fault.IsInput(err) {
		t.Fatalf("want a fault, got %v", err)
	}
	for _, want := range []string{"nowhere.yaml", "does not exist", "demo, tokyo, london, shenzhen, shenzhen-hongkong, beijing, yinchuan"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}

func TestFileGoesBeforePreset(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, source := range []string{"demo", "demo.yaml"} {
		if c, err := Load(source, nil); err != nil || c.Name != "demo" || c.Train.Epochs == 3 {
			t.Fatalf("preset by %q: %v", source, err)
		}
	}
	text := strings.Replace(small, "epochs: 7", "epochs: 3", 1)
	if err := os.WriteFile("demo.yaml", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, source := range []string{"demo", "demo.yaml", filepath.Join(dir, "demo.yaml")} {
		if c, err := Load(source, nil); err != nil || c.Train.Epochs != 3 {
			t.Errorf("file by %q: %v", source, err)
		}
	}
}

func TestPaths(t *testing.T) {
	path := write(t, "small.yaml", small+"model: {image_weights: \"https://example.org/r.pth\"}\n")
	dir := filepath.Dir(path)
	c, err := Load(path, []string{"data.poi.path=other.csv"})
	if err != nil {
		t.Fatal(err)
	}
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		c.Data.Imagery.Path:   filepath.Join(dir, "img/mosaic.tif"),
		c.Data.Emissions.Path: filepath.Join(dir, "odiac/odiac_18*.tif"),
		c.Data.POI.Path:       filepath.Join(here, "other.csv"),
		c.Model.ImageWeights:  "https://example.org/r.pth",
		c.Output.Dir:          "runs",
	} {
		if got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	// Names that GDAL understands count from there, too.
	nc := write(t, "nc.yaml", strings.NewReplacer("odiac/odiac_18*.tif", `'NETCDF:"sub/a.nc":flux'`, "poi.csv", "/vsizip/p.zip/p.shp", "img/mosaic.tif", "preset:x").Replace(small))
	if c, err = Load(nc, nil); err != nil {
		t.Fatal(err)
	}
	if e, p := `NETCDF:"`+filepath.Join(filepath.Dir(nc), "sub/a.nc")+`":flux`, "/vsizip/"+filepath.Join(filepath.Dir(nc), "p.zip/p.shp"); c.Data.Emissions.Path != e || c.Data.POI.Path != p {
		t.Errorf("got %s and %s, want %s and %s", c.Data.Emissions.Path, c.Data.POI.Path, e, p)
	}
	if c, err = Load(nc, []string{"data.emissions.path=NETCDF:b.nc:flux"}); err != nil || c.Data.Emissions.Path != "NETCDF:"+filepath.Join(here, "b.nc")+":flux" {
		t.Errorf("from the command line: %v %v", c.Data.Emissions.Path, err)
	}
	t.Setenv(EnvData, dir)
	if c, err = Load("tokyo", nil); err != nil || c.Data.POI.Path != filepath.Join(dir, "tokyo/poi.csv") {
		t.Errorf("preset: %v %v", c, err)
	}
}

// TestNameOfFile: a file's name becomes a name that a folder can have.
func TestNameOfFile(t *testing.T) {
	for file, want := range map[string]string{"my city.yaml": "my_city", "my city (2).yaml": "my_city_2", "a+b&c.yml": "a_b_c", " .x.yaml": "x"} {
		if c, err := Load(write(t, file, "seed: 1\n"), nil); err != nil || c.Name != want {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
	if _, err := Load(write(t, "北京.yaml", "seed: 1\n"), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "name is") {
		t.Error(err)
	}
}
