package tune

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/config"
)

func TestParseAxis(t *testing.T) {
	for text, want := range map[string][]string{
		"train.learning_rate=0.001, 0.002":       {"0.001", "0.002"},
		"model.modalities=[image],[image, poi]":  {"[image]", "[image, poi]"},
		"train.stack=[]":                         {"[]"},
		"train.optimizer=adam":                   {"adam"},
		"train.learning_rate":                    nil,
		"=1,2":                                   nil,
		"train.alpha=":                           nil,
		"train.alpha=1,,2":                       nil,
		"train.alpha=1,1":                        nil,
		"model.modalities=[image":                nil,
		"model.modalities=image]":                nil,
		"train.alpha=1\n=":                       {"1\n="},
		"train.alpha= 1 ":                        {"1"},
		"model.modalities=[image,[poi],x],[poi]": {"[image,[poi],x]", "[poi]"},
	} {
		a, err := ParseAxis(text)
		if want == nil {
			if !fault.IsInput(err) {
				t.Errorf("%q: %v, %v", text, a, err)
			}
			continue
		}
		if err != nil || !slices.Equal(a.Values, want) {
			t.Errorf("%q: %q, %v; want %q", text, a.Values, err, want)
		}
	}
}

func FuzzParseAxis(f *testing.F) {
	f.Add("train.alpha=1,[2,3]")
	f.Fuzz(func(t *testing.T, text string) {
		a, err := ParseAxis(text)
		if err != nil {
			if !fault.IsInput(err) {
				t.Error(err)
			}
			return
		}
		if a.Key == "" || len(a.Values) == 0 || slices.Contains(a.Values, "") {
			t.Errorf("%q: %+v", text, a)
		}
	})
}

func TestPoints(t *testing.T) {
	axes := []Axis{{"a", []string{"1", "2"}}, {"b", []string{"x", "y", "z"}}}
	all, err := Points(axes, 0, 1)
	if err != nil || len(all) != 6 || strings.Join(all[0], " ") != "a=1 b=x" || strings.Join(all[5], " ") != "a=2 b=z" || strings.Join(all[1], " ") != "a=1 b=y" {
		t.Fatalf("%v %v", all, err)
	}
	some, _ := Points(axes, 4, 7)
	again, _ := Points(axes, 4, 7)
	seen := map[string]bool{}
	for i, p := range some {
		if !slices.Equal(p, again[i]) {
			t.Error("equal seeds draw other points")
		}
		seen[strings.Join(p, " ")] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d points", len(seen))
	}
	if n, _ := Points(PaperGrid(), 0, 1); len(n) != 81 {
		t.Errorf("the paper's grid has %d points", len(n))
	}
	for _, bad := range [][]Axis{nil, {{"a", []string{"1"}}, {"a", []string{"2"}}}, {{"a", make([]string, 2000)}, {"b", make([]string, 2000)}}} {
		if _, err := Points(bad, 0, 1); !fault.IsInput(err) {
			t.Errorf("%d axes: %v", len(bad), err)
		}
	}
	if _, err := Points(axes, -1, 1); !fault.IsInput(err) || !strings.Contains(err.Error(), "--trials") {
		t.Errorf("-1 trials: %v", err)
	}
}

// Every rival has a grid of its own, of settings that a config takes; OpenCarbon has
// the paper's.
func TestGrid(t *testing.T) {
	for _, variant := range []string{"plus", "bpnn", "carbongcn", "pg-simclr", "read", "tile2vec"} {
		c, err := config.Load("demo", []string{"model.variant=" + variant})
		if err != nil {
			t.Fatal(err)
		}
		axes, err := Grid(c.Model)
		if err != nil {
			t.Fatal(variant, err)
		}
		points, err := Points(axes, 0, 1)
		if err != nil || len(points) < 24 {
			t.Errorf("%s: %d points, %v", variant, len(points), err)
		}
		if paper := strings.Join(points[0], " ") == "train.learning_rate=0.0005 train.batch_size=16 model.neighborhood=3 train.alpha=0.001"; paper != (variant == "plus") {
			t.Errorf("%s begins with %v", variant, points[0])
		}
		for _, p := range points {
			if _, err := config.Load("demo", append([]string{"model.variant=" + variant}, p...)); err != nil {
				t.Fatalf("%s, %v: %v", variant, p, err)
			}
		}
	}
	for _, bad := range []string{"data.split.seed=1,2", "seed=1,2", "train.learning_rate"} {
		if _, err := ParseGrid([]string{bad}); !fault.IsInput(err) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// The best point is found; what is behind the median is stopped; what cannot be
// trained says so; a search that is stopped trains nothing twice.
func TestRun(t *testing.T) {
	final := map[string]float64{"v=1": 0.5, "v=2": 0.8, "v=3": 0.7, "v=4": 0.6, "v=5": 0.1, "v=6": 0.9, "v=7": 0.2}
	var points [][]string
	for _, k := range []string{"v=1", "v=2", "v=bad", "v=3", "v=4", "v=5", "v=6", "v=7"} {
		points = append(points, []string{k})
	}
	epochs := map[string]int{}
	stopAt := "v=4"
	train := func(ctx context.Context, set []string, seed int64, report func(int, float64) error) error {
		if set[0] == stopAt {
			return context.Canceled
		}
		if set[0] == "v=bad" {
			return fault.New("v", "is bad", "Do not.")
		}
		for e := 1; e <= 4; e++ {
			epochs[set[0]]++
			if err := report(e, final[set[0]]*float64(e)/4); err != nil {
				return err
			}
		}
		return report(5, -1) // a later, worse validation does not count
	}
	o := Options{Seeds: 1, Prune: true, Out: t.TempDir(), Key: "k", Report: new(bytes.Buffer)}
	if _, err := Run(context.Background(), points, train, o); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(o.Out, TrialsFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"set":["v=4"],"key`) // as a killed program may leave it
	f.Close()
	stopAt = ""
	trials, err := Run(context.Background(), points, train, o)
	if err != nil {
		t.Fatal(err)
	}
	if trials[0].Set[0] != "v=6" || trials[0].R2 != 0.9 || trials[0].Pruned {
		t.Errorf("%+v", trials[0])
	}
	if epochs["v=1"] != 4 || epochs["v=5"] != 1 || epochs["v=7"] != 1 || epochs["v=6"] != 4 {
		t.Errorf("epochs %v: pruned are v=5 and v=7 after one, nothing is trained twice", epochs)
	}
	if last := trials[len(trials)-1]; !strings.Contains(last.Why, "is bad") {
		t.Errorf("%+v", last)
	}
	table, err := os.ReadFile(filepath.Join(o.Out, TableFile))
	if err != nil || strings.Count(string(table), "\n") != 10 || !strings.Contains(string(table), "stopped early") {
		t.Errorf("%s %v", table, err)
	}
	o.Key = "other data"
	if _, err := Run(context.Background(), points, train, o); err != nil || epochs["v=1"] != 8 {
		t.Errorf("%v, %v", err, epochs)
	}
	o.Seeds = 0
	if _, err := Run(context.Background(), points, train, o); !fault.IsInput(err) {
		t.Error(err)
	}
	o.Seeds, o.Out = 2, t.TempDir()
	if _, err := Run(context.Background(), points[2:3], train, o); !fault.IsInput(err) || !strings.Contains(err.Error(), "is bad") {
		t.Error(err)
	}
}
