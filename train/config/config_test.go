package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
)

// write puts a config file into a fresh folder and returns its path.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

const small = `name: small
data:
  grid: {scheme: xyz, zoom: 15}
  imagery: {path: img/mosaic.tif, size: 64}
  emissions: {path: odiac/odiac_18*.tif, units: tC, period: month}
  poi: {path: poi.csv}
train:
  epochs: 7
  validate_every: 1
`

func TestRisingOrder(t *testing.T) {
	path := write(t, "small.yaml", small)
	load := func(over ...string) *Config {
		t.Helper()
		c, err := Load(path, over)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if c := load(); c.Train.Epochs != 7 || c.Train.BatchSize != 32 {
		t.Errorf("file over defaults: epochs %d, batch %d", c.Train.Epochs, c.Train.BatchSize)
	}
	t.Setenv("OPENCARBON_TRAIN_EPOCHS", "8")
	t.Setenv("OPENCARBON_MODEL_MODALITIES", "poi,image")
	t.Setenv("OPENCARBON_TRAIN_BATCH_SIZE", "16")
	c := load()
	if c.Train.Epochs != 8 || c.Train.BatchSize != 16 || !reflect.DeepEqual(c.Model.Modalities, []string{"poi", "image"}) {
		t.Errorf("environment over file: %+v %v", c.Train, c.Model.Modalities)
	}
	if c := load("train.epochs=9", "train.epochs=10", "train.learning_rate=1e-4", "model.se=false"); c.Train.Epochs != 10 || c.Train.LearningRate != 1e-4 || c.Model.SE {
		t.Errorf("--set over environment: %+v", c.Train)
	}
}

// Numbers with leading zeros have base 10, whatever YAML 1.1 says.
func TestLeadingZeros(t *testing.T) {
	path := write(t, "small.yaml", strings.Replace(small, "size: 64}", "size: 064, bands: [010, 04, 3], range: [-010, 0100.5], scale: range}", 1))
	for _, over := range [][]string{nil, {"data.imagery.bands=010,04,3"}, {"data.imagery.bands=[010, 04, 3]"}} {
		c, err := Load(path, over)
		if err != nil {
			t.Fatal(err)
		}
		if m := c.Data.Imagery; !reflect.DeepEqual(m.Bands, data.BandNumbers(10, 4, 3)) || m.Size != 64 || !reflect.DeepEqual(m.Range, []float64{-10, 100.5}) {
			t.Errorf("%v: %+v", over, m)
		}
	}
}

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

// Every bad config has one clear message: where, which key, what, and how to
// mend it.
func TestErrors(t *testing.T) {
	cases := []struct {
		name, text string
		set        []string
		want       []string
	}{
		{"misspelt key", "train:\n  epochs: 5\n  batchsize: 3\n", nil, []string{"c.yaml, line 3", "unknown key train.batchsize", "Did you mean train.batch_size?"}},
		{"swapped letters", "train:\n  epohcs: 5\n", nil, []string{"line 2", "train.epohcs", "Did you mean train.epochs?"}},
		{"capital", "Train:\n  epochs: 5\n", nil, []string{"line 1", "Did you mean train?"}},
		{"key without its section", "epochs: 5\n", nil, []string{"line 1", "Did you mean train.epochs?"}},
		{"nothing near", "train:\n  zzzzqqq: 5\n", nil, []string{"Keys of train: epochs, batch_size"}},
		{"data key", "data:\n  grid:\n    zom: 15\n", nil, []string{"line 3", "data.grid.zom", "Did you mean data.grid.zoom?"}},
		{"whole number wanted", "train:\n  epochs: many\n", nil, []string{"line 2", `train.epochs is "many", but a whole number is expected`}},
		{"fraction for whole number", "train:\n  epochs: 2.5\n", nil, []string{`"2.5"`, "a whole number"}},
		{"too large", "train:\n  epochs: 99999999999999999999\n", nil, []string{"train.epochs"}},
		{"decimal comma", "train:\n  learning_rate: 0,001\n", nil, []string{`"0,001"`, "decimal point"}},
		{"not a number", "train:\n  learning_rate: .nan\n", nil, []string{"train.learning_rate", "a number"}},
		{"infinite", "train:\n  clip_norm: .inf\n", nil, []string{"train.clip_norm", "a number"}},
		{"yes is no truth value", "model:\n  se: maybe\n", nil, []string{"model.se", "true or false"}},
		{"truth value for text", "name: true\n", nil, []string{"name", "quotes"}},
		{"text for list", "model:\n  modalities: image\n", nil, []string{"model.modalities", "a list of texts"}},
		{"list for text", "name: [a]\n", nil, []string{"name is a list, but text is expected"}},
		{"scalar for section", "train: 5\n", nil, []string{"line 1", `train is "5", but a section (epochs`}},
		{"list at the top", "- a\n", nil, []string{"the file is a list"}},
		{"ill-typed list item", "data:\n  emissions:\n    bands: [1, two]\n", nil, []string{"line 3", "data.emissions.bands", "whole numbers"}},
		{"a band that is half a one", "data:\n  imagery:\n    bands: [1, 2.5]\n", nil, []string{"line 3", "data.imagery.bands", "band numbers or names"}},
		{"given twice", "train:\n  epochs: 5\n  batch_size: 8\n  epochs: 6\n", nil, []string{"line 4", "train.epochs is given twice", "line 2"}},
		{"section given twice", "train: {epochs: 5}\nmodel: {se: true}\ntrain: {epochs: 6}\n", nil, []string{"line 3", "train is given twice"}},
		{"broken YAML", "train:\n  epochs: [1\nmodel: {\n", nil, []string{"not valid YAML", "line"}},
		{"tab", "train:\n\tepochs: 1\n", nil, []string{"not valid YAML", "Indent with spaces"}},
		{"two documents", "name: a\n---\nname: b\n", nil, []string{"second document"}},
		{"below the range", "train:\n  epochs: 0\n", nil, []string{"line 2", "train.epochs is 0; allowed: 1 to 1e+06"}},
		{"open range", "model:\n  temperature: 0\n", nil, []string{"model.temperature is 0; allowed: more than 0"}},
		{"choice", "train:\n  optimizer: adamm\n", nil, []string{"line 2", `"adamm"`, "adam, adamw, sgd", "Did you mean adam?"}},
		{"choice in list", "model:\n  modalities: [image, pois]\n", nil, []string{`"pois"`, "Did you mean poi?"}},
		{"even neighborhood", "model:\n  neighborhood: 4\n", nil, []string{"allowed: 1, 3, 5, 7"}},
		{"no modality", "model:\n  modalities: []\n", nil, []string{"model.modalities is empty"}},
		{"modality twice", "model:\n  modalities: [poi, poi]\n", nil, []string{"names poi twice"}},
		{"contrastive alone", "model:\n  modalities: [poi]\n  contrastive: true\n", nil, []string{"model.contrastive", "Set model.contrastive: false"}},
		{"device", "train:\n  device: gpu\n", nil, []string{"train.device", "cuda:N"}},
		{"name is no folder", "name: a/b\n", nil, []string{"name is \"a/b\"", "folder"}},
		{"name climbs", "name: ..\n", nil, []string{"name is \"..\""}},
		{"floor above rate", "train:\n  min_learning_rate: 0.1\n", nil, []string{"above train.learning_rate"}},
		{"all warm-up", "train: {epochs: 5, warmup_epochs: 5}\n", nil, []string{"train.warmup_epochs is 5 of 5"}},
		{"never validated", "train: {epochs: 5, validate_every: 6}\n", nil, []string{"train.validate_every", "best weights"}},
		{"the name elsewhere", "train:\n  lr: 0.1\n", nil, []string{"unknown key train.lr", "Did you mean train.learning_rate?"}},
		{"set, the name elsewhere", small, []string{"contrastive.warmup_epochs=5"}, []string{"Did you mean train.contrastive_warmup_epochs?"}},
		{"set without value", small, []string{"train.epochs"}, []string{"--set train.epochs", "key=value"}},
		{"set unknown", small, []string{"train.epoch=5"}, []string{"--set train.epoch=5", "Did you mean train.epochs?"}},
		{"set ill-typed", small, []string{"train.epochs=x"}, []string{"--set train.epochs=x", "a whole number"}},
		{"set empty", small, []string{"train.epochs="}, []string{"--set train.epochs=", "a whole number"}},
		{"data out of range", "data:\n  imagery:\n    path: a.tif\n    size: 16\n", nil, []string{"c.yaml, line 4", "data.imagery.size the value is 16", "32 to 512"}},
		{"data key that is missing", "data:\n  emissions: {path: a.tif}\n", nil, []string{"c.yaml: data.emissions.units is not given"}},
		{"several at once", "train:\n  epocs: 5\n  batch_size: x\n", nil, []string{"2 problems", "line 2", "line 3"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load(write(t, "c.yaml", c.text), c.set)
			if !fault.IsInput(err) {
				t.Fatalf("want a fault, got %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("message lacks %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestEnvironmentErrors(t *testing.T) {
	path := write(t, "small.yaml", small)
	for name, want := range map[string]string{
		"OPENCARBON_TRAIN_EPOCH":    "Did you mean OPENCARBON_TRAIN_EPOCHS?",
		"OPENCARBON_TRAIN_PATIENCE": "a whole number",
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(name, "none")
			_, err := Load(path, nil)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "environment variable "+name) {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Setenv(EnvData, t.TempDir()) // no key, no error
	if _, err := Load(path, nil); err != nil {
		t.Error(err)
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

// What --print-config shows is the config: read again it is the same.
func TestRoundTrip(t *testing.T) {
	sources := append(PresetNames(), write(t, "small.yaml", small+`output: {dir: "a b: #c"}
seed: 9007199254740993
`))
	for _, source := range sources {
		c, err := Load(source, []string{"data.poi.options.ENCODING=UTF-8", "data.emissions.nodata=-9999", "train.learning_rate=3e-17"})
		if err != nil {
			t.Fatal(err)
		}
		text, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(write(t, "other.yaml", string(text)), nil)
		if err != nil {
			t.Fatalf("%s: %v\n%s", source, err, text)
		}
		if !reflect.DeepEqual(c, again) {
			t.Errorf("%s:\n got %+v\nwant %+v", source, again, c)
		}
		if c.Data.POI.Options["ENCODING"] != "UTF-8" || c.Data.Emissions.Nodata == nil || *c.Data.Emissions.Nodata != -9999 {
			t.Errorf("%s: lost options or nodata: %+v", source, c.Data)
		}
	}
}

// A checkpoint's config is what was trained with, whatever the environment says
// now.
func TestParseIgnoresEnvironment(t *testing.T) {
	t.Setenv("OPENCARBON_TRAIN_EPOCHS", "8")
	c, err := Parse([]byte(small), "checkpoint")
	if err != nil || c.Train.Epochs != 7 {
		t.Errorf("%v %v", c, err)
	}
	for text, want := range map[string]string{"train: {epoch: 1}": "checkpoint, line 1: unknown key train.epoch", "a: [": "checkpoint: not valid YAML"} {
		if _, err := Parse([]byte(text), "checkpoint"); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Every other name leads to a key that is there.
func TestElsewhere(t *testing.T) {
	for name, key := range elsewhere {
		if root.find(key) == nil || root.find(name) != nil {
			t.Errorf("%s -> %s", name, key)
		}
	}
}

// The values of the paper and the published program (method.md, "per city").
func TestPaperPresets(t *testing.T) {
	for _, c := range []struct {
		name      string
		alpha, lr float64
	}{{"london", 0.001, 1e-3}, {"beijing", 0.001, 1e-3}, {"yinchuan", 0.01, 5e-4}} {
		got, err := Load(c.name, nil)
		if err != nil {
			t.Fatal(err)
		}
		tr := got.Train
		if tr.Alpha != c.alpha || tr.LearningRate != c.lr || tr.BatchSize != 32 || tr.WeightDecay != 5e-3 || tr.Epochs != 3000 ||
			tr.ContrastiveWarmupEpochs != 100 || tr.ValidateEvery != 5 || tr.Optimizer != "adam" || got.Model.Neighborhood != 3 || got.Model.Variant != "plus" {
			t.Errorf("%s: %+v %+v", c.name, tr, got.Model)
		}
	}
	ref, err := Load("beijing", []string{"model.variant=reference"})
	if err != nil || ref.Train.TargetBias != "none" {
		t.Errorf("the reference variant starts from PyTorch's biases: %v %v", ref, err)
	}
	for _, city := range []string{"london", "beijing", "yinchuan"} { // the program's own settings with its own data
		c, err := Load(city, []string{"data.published=somewhere", "model.variant=reference"})
		if err != nil {
			t.Fatal(err)
		}
		if tr := c.Train; len(c.Model.Modalities) != 2 || !c.Model.Contrastive || c.Model.POIEncoder != "k7" || c.Model.SERatio != 4 ||
			tr.Patience != 30 || tr.MinEpochs != 100 || tr.ValidateEvery != 5 || tr.Sampler != "random" || tr.Schedule != "constant" ||
			tr.Encode != "slices" || tr.Augment != "none" || tr.TargetBias != "none" || tr.Loss != "l1" || tr.Precision != "fp32" || c.Model.Temperature != 0.07 {
			t.Errorf("%s: %+v %+v", city, c.Model, tr)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"epohcs", "epochs", 1}, {"ca", "abc", 3}} {
		if got := distance(c.a, c.b); got != c.want || distance(c.b, c.a) != got {
			t.Errorf("distance(%q, %q) = %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// Any text gives a config or a fault: no panic, no other error.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("train: &a {epochs: 5}\nmodel: *a\n"))
	f.Add([]byte("data: {poi: {options: {A: b}}}\n"))
	f.Add([]byte("<<: {name: x}\n"))
	path := filepath.Join(f.TempDir(), "fuzz.yaml")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		c, err := Load(path, nil)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("not a fault: %v", err)
			}
			return
		}
		out, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(out, "again")
		if err != nil {
			t.Fatalf("%v\nof\n%s", err, out)
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("not the same again:\n%s", out)
		}
	})
}

// Further rasters are a list of sections, in a file and after --set: their paths
// are resolved like others, and what is wrong in one has the line of it.
func TestRasters(t *testing.T) {
	path := write(t, "light.yaml", `name: light
data:
  grid: {scheme: xyz, zoom: 15}
  imagery: {path: m.tif}
  rasters:
    - {name: nightlight, path: light/n.tif, how: max}
    - name: people
      path: /data/people.tif
      band: 2
`)
	c, err := Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []data.Raster{{Name: "nightlight", Path: filepath.Join(filepath.Dir(path), "light/n.tif"), How: "max", Band: 1}, {Name: "people", Path: "/data/people.tif", How: "mean", Band: 2}}
	if !slices.Equal(c.Data.Rasters, want) {
		t.Errorf("%+v, want %+v", c.Data.Rasters, want)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Load(write(t, "again.yaml", string(text)), nil); err != nil || !slices.Equal(again.Data.Rasters, want) {
		t.Errorf("read back: %v", err)
	}
	set, err := Load(path, []string{"data.rasters=[{name: a, path: /x.tif, how: sd}]"})
	if err != nil || !slices.Equal(set.Data.Rasters, []data.Raster{{Name: "a", Path: "/x.tif", How: "sd", Band: 1}}) {
		t.Errorf("--set: %v", err)
	}
	for entry, words := range map[string]string{
		"{nme: a, path: x.tif}":               "line 6: unknown key nme",
		"{name: a, path: x.tif, band: b}":     "line 6: band is \"b\", but a whole number is expected",
		"x.tif":                               "a list of sections",
		"{name: a, path: x.tif, how: median}": "data.rasters[0].how",
	} {
		_, err := Load(write(t, "bad.yaml", "name: bad\ndata:\n  grid: {scheme: xyz, zoom: 15}\n  imagery: {path: m.tif}\n  rasters:\n    - "+entry+"\n"), nil)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", entry, err)
		}
	}
}

// TestMergeKeys: sections that share keys by anchors.
func TestMergeKeys(t *testing.T) {
	c, err := Load(write(t, "c.yaml", `
x-common: &common {epochs: 7, batch_size: 16}
x-late: &late {epochs: 9, learning_rate: 0.5}
name: merged
train:
  <<: [*common, *late]
  batch_size: 32
data:
  rasters:
    - &light {name: light, path: a.tif, how: sum}
    - {<<: *light, name: people, path: b.tif}
`), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Train.Epochs != 7 || c.Train.BatchSize != 32 || c.Train.LearningRate != 0.5 || c.Data.Rasters[1].How != "sum" || c.Data.Rasters[1].Name != "people" {
		t.Errorf("%+v, %+v", c.Train, c.Data.Rasters)
	}
	for text, want := range map[string]string{
		"name: x\ntrain: {<<: 5}\n":                                 "takes a section",
		"name: x\ntrain: {<<: [{epochs: 1}, x]}\n":                  "takes a section",
		"name: x\ntrain: &a {epochs: 5, <<: *a}\n":                  "too often",
		"name: x\nx-a: &a {epoch: 5}\ntrain: {<<: *a}\n":            "Did you mean train.epochs",
		"name: x\ntrain: {<<: {epochs: 1}, epochs: 2, epochs: 3}\n": "given twice",
	} {
		if _, err := Load(write(t, "c.yaml", text), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestRasterKeys: every key of an entry, nodata among them, comes back.
func TestRasterKeys(t *testing.T) {
	c, err := Load(write(t, "c.yaml", "name: x\ndata:\n  rasters:\n    - {name: light, path: a.tif, how: sum, band: 2, crs: EPSG:4326, nodata: -0.5}\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := c.Data.Rasters[0]
	if r.Nodata == nil || *r.Nodata != -0.5 || r.Band != 2 || r.CRS != "EPSG:4326" {
		t.Fatalf("%+v", r)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := Load(write(t, "again.yaml", string(text)), nil); err != nil || !reflect.DeepEqual(again.Data.Rasters, c.Data.Rasters) {
		t.Errorf("%+v (%v)", again, err)
	}
}

// TestMergesMultiply: ten levels of ten merges each end soon, and with words.
func TestMergesMultiply(t *testing.T) {
	text := "x-0: &a0 {epochs: 1}\n"
	for i := 1; i <= 10; i++ {
		text += fmt.Sprintf("x-%d: &a%[1]d {<<: [%s]}\n", i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	if _, err := Load(write(t, "c.yaml", text+"name: x\ntrain: {<<: *a10}\n"), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "too often") {
		t.Error(err)
	}
}

// TestOneModality: without images there is nothing to contrast.
func TestOneModality(t *testing.T) {
	for _, text := range []string{"name: x\nmodel: {modalities: [poi]}\n", "name: x\nmodel: {modalities: [image]}\n"} {
		if c, err := Load(write(t, "c.yaml", text), nil); err != nil || c.Model.Contrastive {
			t.Errorf("%q: %v", text, err)
		}
	}
	if c, err := Load(write(t, "c.yaml", "name: x\n"), nil); err != nil || !c.Model.Contrastive {
		t.Errorf("both: %v", err)
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

// Bands are numbers or names, or one word, and are written as they were read.
func TestBands(t *testing.T) {
	for given, want := range map[string]struct {
		bands data.Bands
		json  string
	}{
		"[4, 3, 2, 8]":    {data.BandNumbers(4, 3, 2, 8), "[4,3,2,8]"},
		"[B04, B03, B02]": {data.Bands{"B04", "B03", "B02"}, `["B04","B03","B02"]`},
		"[1, Near IR]":    {data.Bands{"1", "Near IR"}, `[1,"Near IR"]`},
		"all":             {data.Bands{"all"}, `"all"`},
		"5":               {data.Bands{"5"}, "[5]"},
		"[1, 1, 1]":       {data.BandNumbers(1, 1, 1), "[1,1,1]"},
	} {
		path := write(t, "small.yaml", strings.Replace(small, "size: 64}", "size: 64, bands: "+given+"}", 1))
		c, err := Load(path, nil)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(c.Data.Imagery.Bands)
		if !reflect.DeepEqual(c.Data.Imagery.Bands, want.bands) || string(text) != want.json || err != nil {
			t.Errorf("%s: %q, %s (%v)", given, c.Data.Imagery.Bands, text, err)
		}
		var back data.Bands
		if err := json.Unmarshal(text, &back); err != nil || !reflect.DeepEqual(back, want.bands) {
			t.Errorf("%s: %q comes back (%v)", given, back, err)
		}
		whole, err := c.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Load(write(t, "again.yaml", string(whole)), nil)
		if err != nil || !reflect.DeepEqual(again.Data, c.Data) {
			t.Errorf("%s: %v comes back (%v)", given, again, err)
		}
		if over, err := Load(path, []string{"data.imagery.bands=" + given}); err != nil || !reflect.DeepEqual(over.Data.Imagery.Bands, want.bands) {
			t.Errorf("--set %s: %v", given, err)
		}
	}
}
