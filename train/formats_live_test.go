package train

import (
	"context"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"opencarbon/train/checkpoint"
	"opencarbon/train/export"
	"opencarbon/train/output"
	"opencarbon/train/progress"
)

var (
	pythonBlock  = regexp.MustCompile("(?s)```python\n(.*?)```")
	pythonImport = regexp.MustCompile(`(?m)^(?:import (.+)|from ([a-z_.]+) import .+)$`)
)

// Every example of FORMATS.md opens what it says it does, and those that print the
// region's total print the same one. An example whose libraries are not there is
// skipped by name; OPENCARBON_PYTHON names another interpreter.
func TestFormatsInPython(t *testing.T) {
	python := os.Getenv("OPENCARBON_PYTHON")
	if python == "" {
		python = "python3"
	}
	if err := exec.Command(python, "-c", "").Run(); err != nil {
		t.Skip("no Python here: the examples of FORMATS.md are not run")
	}
	page, err := os.ReadFile("FORMATS.md")
	if err != nil {
		t.Fatal(err)
	}
	c := sees()
	c.Output.TensorBoard, c.Output.Plots = true, true
	k, d, r := trained(t, c, town{rows: 16, cols: 16, image: townSize})
	p, err := Predict(context.Background(), k, d.store, PredictOptions{Out: r.Dir, Formats: output.Formats, Device: "cpu", Threads: 1, Known: output.Known{Year: "2023"}, Progress: progress.Options{Quiet: true}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Sum == nil {
		t.Fatal("no total: ", p.NoSum)
	}
	if _, err := checkpoint.Export(k, filepath.Join(r.Dir, "M.pth")); err != nil {
		t.Fatal(err)
	}
	e := &export.Table{Col: []int64{4, 5}, Row: []int64{7, 7}, Lon: []float64{1, 2}, Lat: []float64{3, 3}, Split: []string{"test", "none"}, LnTrue: []float64{1, math.NaN()},
		LnPredicted: []float64{2, 3}, D: 3, Embedding: []float32{1, 2, 3, 4, 5, 6}}
	for _, err := range []error{e.WriteNPY(filepath.Join(r.Dir, "embeddings_grid.npy")), e.WriteParquet(filepath.Join(r.Dir, "embeddings_grid.parquet"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	blocks := pythonBlock.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 12 {
		t.Errorf("%d examples", len(blocks))
	}
	for _, m := range blocks {
		code := m[1]
		opens := regexp.MustCompile(`"([A-Za-z_.]+)"`).FindStringSubmatch(code)[1]
		t.Run(opens, func(t *testing.T) {
			if n := strings.Count(code, "\n"); n > 10 {
				t.Errorf("%d lines", n)
			}
			var need []string
			for _, i := range pythonImport.FindAllStringSubmatch(code, -1) {
				need = append(need, i[1]+i[2])
			}
			extra := map[string]string{"predictions.parquet": ", pyarrow", "predictions.gpkg": ", pyogrio", "predictions.nc": ", netCDF4", "predictions.xlsx": ", openpyxl", "embeddings_grid.parquet": ", pyarrow"}[opens]
			wants := strings.Join(need, ", ") + extra
			if exec.Command(python, "-c", "import "+wants).Run() != nil {
				t.Skipf("this Python lacks one of %s: the example is not run", wants)
			}
			cmd := exec.Command(python, "-W", "ignore", "-c", code)
			cmd.Dir = r.Dir
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			got := strings.TrimSpace(string(out))
			if strings.HasPrefix(opens, "predictions.") {
				v, err := strconv.ParseFloat(got, 64)
				if err != nil || math.Abs(v/p.Sum.Corrected-1) > 1e-6 {
					t.Errorf("prints %q, the total is %g", got, p.Sum.Corrected)
				}
				return
			}
			want := map[string]string{"embeddings_grid.npy": "2 cells, 3 features", "embeddings_grid.parquet": "2 cells, 3 features", "M.pth": "tensors",
				"best.safetensors": "tensors, validation R2 ", "tensorboard": "pictures ['learning_curves', 'maps', 'scatter']"}[opens]
			if want == "" || !strings.Contains(got, want) {
				t.Errorf("prints %q, want %q", got, want)
			}
			if _, number, ok := strings.Cut(got, "validation R2 "); ok {
				if v, err := strconv.ParseFloat(number, 64); err != nil || math.Abs(v-k.Header.State.Best) > 0.001 {
					t.Errorf("prints R2 %q, it is %g", number, k.Header.State.Best)
				}
			}
		})
	}
}
