package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/train/config"
	"opencarbon/train/runlog"
)

// run makes a run folder with the given pictures, the i-th 10+i pixels wide.
func run(t *testing.T, pictures ...string) string {
	t.Helper()
	c, err := config.Load("demo", []string{"data.store=" + filepath.Join(t.TempDir(), "gone"), `name=a-run`})
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Date(2025, 8, 1, 12, 0, 0, 0, time.UTC)
	r, err := runlog.Create(t.TempDir(), "a-run", began)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.WriteConfig(text); err != nil {
		t.Fatal(err)
	}
	info := runlog.NewInfo(began, 7, []string{"train", "<script>alert(1)</script>"})
	finished := began.Add(90 * time.Second)
	info.Finished, info.Outcome = &finished, "finished"
	info.Results = json.RawMessage(`{"best_epoch": 8, "epochs": 10, "unit": "tCO2/yr",
		"splits": [{"split": "train", "ln": {"n": 60, "r2": 0.9, "mae": 0.1, "rmse": 0.2}, "amounts": {"total": 1000, "bias_percent": -3.21}},
			{"split": "test", "ln": {"n": 1, "r2": null, "mae": 0.5, "rmse": 0.5, "r2_undefined": "one cell only"}, "amounts": {}}],
		"baselines": [{"name": "SVR", "note": "libsvm is not installed", "splits": null}, {"name": "ridge", "about": "what it saw", "splits": [{"split": "test", "ln": {"n": 1, "r2": null, "mae": 0.75, "rmse": 0.75}, "amounts": {}}]}],
		"intervals": [{"level": 0.8, "n": 1, "covered": 1, "mean_width": 1.25}, {"level": 0.95, "n": 1, "covered": null, "mean_width": null, "undefined": "10 calibration cells are too few"}]}`)
	if err := r.WriteInfo(info); err != nil {
		t.Fatal(err)
	}
	for i, name := range pictures {
		img := image.NewRGBA(image.Rect(0, 0, 10+i, 6))
		img.Set(1, 1, color.RGBA{255, 0, 0, 255})
		var b bytes.Buffer
		if err := png.Encode(&b, img); err != nil {
			t.Fatal(err)
		}
		path := r.Path(name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return r.Dir
}

var everything = []string{"scatter.png", "maps.png", "learning_curves.png", "tsne/tsne_grid.png", "tsne/tsne_final.png",
	"explain/attention.png", "explain/gates.png", "explain/shares.png", "explain/occlusion.png", "transfer/transfer.png"}

func write(t *testing.T, o Options) string {
	t.Helper()
	path, err := Write(o)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPage(t *testing.T) {
	html := write(t, Options{Run: run(t, everything...)})
	for _, want := range []string{
		"a-run", "1 August 2025, 12:00", "1m30s", "0.900", "-3.2 %", "one cell only", "baseline ridge, test", "0.750", "Baseline SVR: none. libsvm is not installed", "Baseline ridge: what it saw.",
		"100.0 %", "1.87", "10 calibration cells are too few", "epoch 8 of 10", "&lt;script&gt;", "cannot be looked at any more", "contrastive_warmup_epochs",
	} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if n := strings.Count(html, "data:image/png;base64,"); n != len(everything) {
		t.Errorf("%d pictures, want %d", n, len(everything))
	}
	for _, never := range []string{"http://", "https://", "<script>alert", "<link", "NaN<", "ZgotmplZ"} {
		if strings.Contains(html, never) {
			t.Errorf("the page holds %q", never)
		}
	}
}

// Where the run left its predictions the page has a map of them, without what only
// the store could tell, which is gone; and a table of areas, names being text.
func TestMap(t *testing.T) {
	dir := run(t, "scatter.png")
	table := "cell,col,row,lon,lat,split,ln_true,ln_predicted,true_tCO2_per_yr,predicted_tCO2_per_yr,low_90_tCO2_per_yr,high_90_tCO2_per_yr\n" +
		"0,22800,5160,10.004167,46.995833,train,1,2,2.718282,7.389056,5,9\n1,22801,5160,10.012500,46.995833,test,,3,,20.08554,10,40\n"
	areas := "name,rank,cells,covered_km2,total_tCO2_per_yr,per_km2,share,factor,low_90,high_90\n\"<b>South</b>\",2,5,9.5,1000,105.2,0.25,,700,1500\nNorth,1,9,20,3000,150,0.75,,2000,4500\n"
	effects := "category,mean_change_ln\n<i>mill,-0.3\npark,\n"
	if err := os.MkdirAll(filepath.Join(dir, "explain"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{runlog.PredictionsFile: table, "areas.csv": areas, "explain/occlusion.csv": effects} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	html := write(t, Options{Run: dir})
	for _, want := range []string{`id="map"`, `"predicted":[7.389,20.09]`, `value="range"`, "&lt;b&gt;South&lt;/b&gt;", "2,000 to 4,500", "&lt;i&gt;mill (&#43;35 %)"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	for _, never := range []string{`value="photo"`, `value="trust"`, "<b>South", "<i>mill"} {
		if strings.Contains(html, never) {
			t.Errorf("the page holds %q", never)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, runlog.PredictionsFile), []byte("a,b\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(Options{Run: dir}); !fault.IsInput(err) || !strings.Contains(err.Error(), runlog.PredictionsFile) {
		t.Errorf("a table of something else: %v", err)
	}
}

// What is not in the folder is not on the page.
func TestPageOfBareRun(t *testing.T) {
	html := write(t, Options{Run: run(t, "scatter.png")})
	if n := strings.Count(html, "<img"); n != 1 {
		t.Errorf("%d pictures, want 1", n)
	}
	if strings.Contains(html, "Transfer to other regions") {
		t.Error("a heading without pictures")
	}
}

// A run that belongs to a transfer study shows its heat map; a folder that is
// given goes first.
func TestTransferIsFound(t *testing.T) {
	study := t.TempDir()
	dir := run(t)
	inside := filepath.Join(study, "runs", "region", "20250801-120000")
	if err := os.MkdirAll(filepath.Dir(inside), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(dir, inside); err != nil {
		t.Fatal(err)
	}
	other := run(t, "transfer.png")
	text, err := os.ReadFile(filepath.Join(other, "transfer.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(study, "transfer.png"), text, 0o666); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(write(t, Options{Run: inside}), `data-name="transfer.png"`) {
		t.Error("the study's heat map is not on the page")
	}
	if !strings.Contains(write(t, Options{Run: run(t), Transfer: other}), `data-name="transfer.png"`) {
		t.Error("the heat map that was given is not on the page")
	}
	table := filepath.Join(other, transferTable)
	head := "source,target,cells,spearman,spearman_p,spearman_low,spearman_high,level,blocks,kendall,kendall_p,monotone_r2,monotone_r2_by_blocks,undefined\n"
	if err := os.WriteFile(table, []byte(head+"east,west,64,0.8125,0,0.75,0.875,0.95,9,0.625,0,0.5,0.4375,\neast,lone,1,,,,,,1,,,,,one cell only\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	html := write(t, Options{Run: run(t), Transfer: other})
	for _, want := range []string{"<td>west</td><td>64</td><td>0.812</td><td>0.750 to 0.875</td><td>0.625</td><td>0.438</td>", "<td>–</td>", "one cell only"} {
		if !strings.Contains(html, want) {
			t.Errorf("the table does not say %q", want)
		}
	}
	if err := os.WriteFile(table, []byte("a,b\n1,2\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(Options{Run: run(t), Transfer: other}); !fault.IsInput(err) || !strings.Contains(err.Error(), transferTable) {
		t.Errorf("a table of something else: %v", err)
	}
}

func TestBadInput(t *testing.T) {
	broken := run(t)
	if err := os.WriteFile(filepath.Join(broken, "maps.png"), []byte("no picture"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, o := range map[string]Options{
		"--run":        {},
		"run folder":   {Run: t.TempDir()},
		"transfer.png": {Run: run(t), Transfer: t.TempDir()},
		"maps.png":     {Run: broken},
		"page":         {Run: run(t), Out: filepath.Join(t.TempDir(), "no", "such", "folder.html")},
	} {
		if _, err := Write(o); !fault.IsInput(err) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// probe writes what the browser made of the pictures where --dump-dom finds it.
const probe = `<script>addEventListener('load', () => {
const p = document.createElement('p');
p.id = 'probe';
p.textContent = [...document.images].map(i => i.dataset.name + '=' + i.naturalWidth + 'x' + i.naturalHeight + (i.alt && i.clientWidth > 0 ? '' : '!')).join(' ') +
  ' sideways=' + Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth);
document.body.append(p);
});</script></body>`

// A real browser shows every picture, at the width of a phone as well as of a
// desk, and the page itself never slides sideways.
func TestInBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed: apt install chromium")
	}
	html := write(t, Options{Run: run(t, everything...)})
	html = regexp.MustCompile(`script-src [^"]*"`).ReplaceAllString(html, `script-src 'unsafe-inline'"`) // the probe is not the page's own script
	html = strings.Replace(html, "</body>", probe, 1)
	path := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(path, []byte(html), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, width := range []int{390, 1200} {
		dom, err := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--user-data-dir="+t.TempDir(),
			fmt.Sprintf("--window-size=%d,900", width), "--dump-dom", "file://"+path).Output()
		if err != nil {
			t.Fatal(err)
		}
		_, found, ok := strings.Cut(string(dom), `<p id="probe">`)
		if !ok {
			t.Fatal("the page's script did not run")
		}
		found, _, _ = strings.Cut(found, "</p>")
		for i, name := range everything {
			if want := fmt.Sprintf("%s=%dx6 ", filepath.Base(name), 10+i); !strings.Contains(found+" ", want) {
				t.Errorf("%d pixels wide: no %q in %q", width, want, found)
			}
		}
		if !strings.HasSuffix(found, "sideways=0") {
			t.Errorf("%d pixels wide: %s", width, found)
		}
	}
}

// Where predict left no areas, those by which the cells were split are added up, by
// their own names; where the file is gone there are none.
func TestDistricts(t *testing.T) {
	dir := run(t)
	table := "cell,col,row,lon,lat,split,ln_true,ln_predicted,true_tCO2_per_yr,predicted_tCO2_per_yr\n" +
		"0,22800,5160,10.004167,46.995833,train,1,2,2.718282,7.389056\n1,22801,5160,10.012500,46.995833,test,,3,,20.08554\n"
	if err := os.WriteFile(filepath.Join(dir, runlog.PredictionsFile), []byte(table), 0o666); err != nil {
		t.Fatal(err)
	}
	box := func(name string, west, east float64) string {
		return fmt.Sprintf(`{"type":"Feature","properties":{"name":%q,"split":"train"},"geometry":{"type":"Polygon","coordinates":[[[%[2]g,46],[%[3]g,46],[%[3]g,48],[%[2]g,48],[%[2]g,46]]]}}`, name, west, east)
	}
	file := filepath.Join(t.TempDir(), "districts.geojson")
	if err := os.WriteFile(file, []byte(`{"type":"FeatureCollection","features":[`+box("West <b>", 9, 10.0125)+","+box("East", 10.0125, 11)+","+box("Far", 20, 21)+`]}`), 0o666); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, runlog.ConfigFile)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = regexp.MustCompile(`(?m)^(\s*)file: .*districts.geojson$`).ReplaceAll(text, []byte("${1}file: "+file))
	if !bytes.Contains(text, []byte(file)) {
		t.Fatalf("no districts in\n%s", text)
	}
	if err := os.WriteFile(path, text, 0o666); err != nil {
		t.Fatal(err)
	}
	html := write(t, Options{Run: dir})
	// The western area has the first cell and half of the second: 7.39 + 20.09 / 2.
	for _, want := range []string{"West &lt;b&gt;", ">17.4<", ">10<", "63.4 %", "gives their totals intervals"} {
		if !strings.Contains(html, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(html, "Far") {
		t.Error("an area without cells is on the page")
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if html := write(t, Options{Run: dir}); strings.Contains(html, "West &lt;b&gt;") {
		t.Error("areas of a file that is gone")
	}
}

// All cells with known numbers but for the held-out ones: only those move the interval.
func TestFilled(t *testing.T) {
	var r results
	if err := json.Unmarshal([]byte(`{"total": {"cells": 4, "true": 20, "corrected": 30, "known": 100, "intervals": [{"level": 0.9, "low": 10, "high": 40}]}}`), &r); err != nil {
		t.Fatal(err)
	}
	if s := r.filled(); s.Total != 130 || s.True != 120 || s.Low != 110 || s.High != 140 || !strings.Contains(s.Of, "4 cells held out") {
		t.Errorf("%+v", s)
	}
	r.Total.Known = 0
	if s := r.filled(); s != nil {
		t.Errorf("of an older run: %+v", s)
	}
}
