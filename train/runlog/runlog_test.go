package runlog

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"opencarbon/data/fault"
)

var noon = time.Date(2025, 8, 1, 12, 0, 0, 0, time.UTC)

func create(t *testing.T) *Run {
	t.Helper()
	r, err := Create(t.TempDir(), "demo", noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Twenty runs that start in the same second get twenty folders.
func TestCreateCollides(t *testing.T) {
	base := t.TempDir()
	var wg sync.WaitGroup
	dirs := make([]string, 20)
	for i := range dirs {
		wg.Go(func() {
			r, err := Create(base, "demo", noon)
			if err != nil {
				t.Error(err)
				return
			}
			dirs[i] = r.Dir
		})
	}
	wg.Wait()
	seen := map[string]bool{}
	for _, d := range dirs {
		if seen[d] {
			t.Errorf("%s given twice", d)
		}
		seen[d] = true
	}
	entries, err := os.ReadDir(filepath.Join(base, "demo"))
	if err != nil || len(entries) != 20 {
		t.Errorf("%d entries, %v; want 20 runs", len(entries), err)
	}
}

func TestOpen(t *testing.T) {
	r := create(t)
	latest := filepath.Join(filepath.Dir(r.Dir), LatestLink)
	makeLatest(t, r, false)
	if _, err := Open(latest); !fault.IsInput(err) {
		t.Errorf("a folder without config opened: %v", err)
	}
	if err := r.WriteConfig([]byte("name: demo\n")); err != nil {
		t.Fatal(err)
	}
	again, err := Open(latest)
	if err != nil || filepath.Base(again.Dir) != filepath.Base(r.Dir) {
		t.Errorf("%v %v", again, err)
	}
	if _, err := Open(filepath.Join(r.Dir, "nothing")); !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
}

func TestCreateInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(path, "demo", noon); !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
}

func TestInfo(t *testing.T) {
	r := create(t)
	info := NewInfo(noon, 7, []string{"train", "--config", "demo"})
	info.Libtorch, info.Data = "1.13.1", map[string]string{"store": "abc"}
	info.Resumed = []Resumption{{Time: noon, Epoch: 5}}
	if err := r.WriteInfo(info); err != nil {
		t.Fatal(err)
	}
	got, err := r.ReadInfo()
	if err != nil || !reflect.DeepEqual(got, info) {
		t.Errorf("got %+v, want %+v (%v)", got, info, err)
	}
	if info.Program == "" || !strings.HasPrefix(info.Go, "go") || info.CPUs < 1 {
		t.Errorf("%+v", info)
	}
}

// A run killed at any byte of metrics.csv resumes with exactly the lines up to
// its checkpoint's epoch, and goes on as if it had not been killed.
func TestMetricsSurviveKill(t *testing.T) {
	columns := []string{"loss", "val_r2"}
	value := func(epoch int) []float64 {
		v := []float64{1 / float64(epoch), 0.1 * float64(epoch)}
		if epoch == 2 {
			v[1] = math.NaN()
		}
		return v
	}
	whole := create(t)
	m, err := whole.NewMetrics(columns)
	if err != nil {
		t.Fatal(err)
	}
	for epoch := 1; epoch <= 5; epoch++ {
		if err := m.Append(epoch, value(epoch)); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(whole.Path(MetricsFile))
	if err != nil {
		t.Fatal(err)
	}
	start := len(header(columns))
	for cut := start; cut <= len(want); cut++ {
		r := create(t)
		if err := os.WriteFile(r.Path(MetricsFile), want[:cut], 0o644); err != nil {
			t.Fatal(err)
		}
		done := strings.Count(string(want[start:cut]), "\n") // lines whole at the kill
		checkpoint := max(done-1, 0)                         // the checkpoint is older than the last line
		m, rows, err := r.ResumeMetrics(columns, checkpoint)
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) != checkpoint {
			t.Fatalf("cut at %d: %d rows kept, want %d", cut, len(rows), checkpoint)
		}
		for epoch := checkpoint + 1; epoch <= 5; epoch++ {
			if err := m.Append(epoch, value(epoch)); err != nil {
				t.Fatal(err)
			}
		}
		if err := m.Close(); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(r.Path(MetricsFile)); string(got) != string(want) {
			t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, got, want)
		}
	}
	cols, rows, err := ReadMetrics(whole.Path(MetricsFile))
	if err != nil || !reflect.DeepEqual(cols, []string{"epoch", "loss", "val_r2"}) || len(rows) != 5 || !math.IsNaN(rows[1][2]) || rows[2][1] != 1.0/3 {
		t.Errorf("%v %v %v", cols, rows, err)
	}
}

func TestMetricsRefuses(t *testing.T) {
	r := create(t)
	m, err := r.NewMetrics([]string{"loss"})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Append(1, nil); err == nil {
		t.Error("a line without values")
	}
	if err := m.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.ResumeMetrics([]string{"other"}, 1); !fault.IsInput(err) {
		t.Errorf("other columns: %v", err)
	}
	for _, line := range []string{"x,1\n", "1\n", "1,2,3\n", ",1\n"} {
		if err := os.WriteFile(r.Path(MetricsFile), []byte("epoch,loss\n"+line), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := r.ResumeMetrics([]string{"loss"}, 1); !fault.IsInput(err) {
			t.Errorf("%q: %v", line, err)
		}
		if _, _, err := ReadMetrics(r.Path(MetricsFile)); !fault.IsInput(err) {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestPredictions(t *testing.T) {
	r := create(t)
	rows := []Prediction{
		{Col: 29072, Row: 12872, Lon: 139.5, Lat: 35.70000049, Split: "test", True: math.Log(1500), Predicted: math.Log(1200)},
		{Split: "none", True: math.NaN(), Predicted: 1000},
	}
	if err := r.WritePredictions("tCO2/yr", rows, Extra{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path(PredictionsFile))
	if err != nil {
		t.Fatal(err)
	}
	want := "cell,col,row,lon,lat,split,ln_true,ln_predicted,true_tCO2_per_yr,predicted_tCO2_per_yr\n" +
		"29072_12872,29072,12872,139.500000,35.700000,test,7.31322,7.090077,1500,1200\n" +
		"0_0,0,0,0.000000,0.000000,none,,1000,,\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Intervals and the spread of an ensemble stand behind the usual columns; what
// is not known is empty.
func TestPredictionsWithIntervals(t *testing.T) {
	r := create(t)
	rows := []Prediction{{Split: "test", True: math.NaN(), Predicted: math.Log(10), Spread: 0.25,
		Low: []float64{math.Log(5), math.NaN()}, High: []float64{math.Log(20), math.NaN()}}}
	if err := r.WritePredictions("", rows, Extra{Spread: true, Levels: []float64{0.8, 0.975}}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(r.Path(PredictionsFile))
	if err != nil {
		t.Fatal(err)
	}
	want := "cell,col,row,lon,lat,split,ln_true,ln_predicted,true_proxy,predicted_proxy,ln_spread,low_80_proxy,high_80_proxy,low_97.5_proxy,high_97.5_proxy\n" +
		"0_0,0,0,0.000000,0.000000,test,,2.302585,,10,0.25,5,20,,\n"
	if string(got) != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// Any metrics file gives rows or a fault.
func FuzzReadMetrics(f *testing.F) {
	f.Add([]byte("epoch,loss\n1,2\n"))
	f.Add([]byte("epoch\n\n"))
	f.Add([]byte(""))
	path := filepath.Join(f.TempDir(), "m.csv")
	f.Fuzz(func(t *testing.T, text []byte) {
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		columns, rows, err := ReadMetrics(path)
		if err != nil && !fault.IsInput(err) {
			t.Fatal(err)
		}
		for _, r := range rows {
			if len(r) != len(columns) {
				t.Fatal("ragged")
			}
		}
	})
}
