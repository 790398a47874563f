package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
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
