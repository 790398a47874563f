package train

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
	"opencarbon/train/output"
	"opencarbon/train/progress"
)

// country writes the files of a region of 24 x 20 cells, with sea east of it, without
// images and points: in blocks of at most quarter cells, the land is four of them. It
// returns the region's experiment file; rows counts from the north.
func country(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const cell, west, north = 0.01, 0.36, 6.90
	const cols, rows, size = 24, 20, townSize
	wgs, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	w, err := raster.Create(filepath.Join(dir, "image.tif"), raster.Spec{Width: cols * size, Height: rows * size, Bands: 3, DType: raster.Byte, CRS: wgs,
		GeoTransform: raster.North(west, north, cell/size, cell/size)})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	r := rand.New(rand.NewPCG(7, 7))
	pixels := make([]uint8, cols*size*rows*size)
	for band := 1; band <= 3; band++ {
		for i := range pixels {
			pixels[i] = uint8(40 + 4*(i/(cols*size)/size) + 3*(i%(cols*size)/size) + r.IntN(60))
		}
		if err := raster.Write(w, band, 0, 0, cols*size, rows*size, pixels); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	points := "lon,lat,category\n"
	for range 6000 {
		points += fmt.Sprintf("%.5f,%.5f,%s\n", west+cols*cell*r.Float64(), north-rows*cell*r.Float64(), []string{"shop", "school", "works"}[r.IntN(3)])
	}
	text := fmt.Sprintf(`name: country
data:
  store: %s
  grid: {scheme: degrees, cell_degrees: 0.01}
  region: {bbox: [%g, %g, %g, %g]}
  imagery: {path: image.tif, size: %d}
  poi: {path: poi.csv, size: %d}
`, filepath.Join(dir, "store"), west, north-rows*cell, west+cols*cell+1, north, size, size)
	for name, text := range map[string]string{"poi.csv": points, "country.yaml": text} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "country.yaml")
}

// quarter is half of the land of country.
const quarter = 12

// sees is a model of images and points whose features reach further than its
// neighborhood.
func sees() *config.Config {
	c := pois()
	c.Model.Modalities = []string{"image", "poi"}
	c.Model.Neighborhood, c.Model.Wide = 3, true
	c.Train.Epochs = 1
	return c
}

func regionOf(t *testing.T, path string) *config.Config {
	t.Helper()
	c, err := config.Load(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func workOn(t *testing.T, dir, shard string) *WorkDone {
	t.Helper()
	s, err := fleet.ShardOf(shard, func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	done, err := WorkBlocks(context.Background(), dir, WorkOptions{Shard: s, Device: "cpu", Threads: 1, Scratch: temporary, Progress: progress.Options{Quiet: true}})
	if err != nil {
		t.Fatal(err)
	}
	if left := filesIn(t, temporary); len(left) != 0 {
		t.Errorf("left in the folder for temporary files: %v", left)
	}
	return done
}

func inOneBatch() PredictOptions {
	// A catalog item names the checkpoint, which lies in the folder of the plan.
	formats := slices.DeleteFunc(slices.Clone(output.Formats), func(f string) bool { return f == "stac" })
	return PredictOptions{Formats: formats, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}}
}

// merged joins a folder of work and returns the files that this left, by name.
func merged(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	o := inOneBatch()
	o.Out = t.TempDir()
	if _, err := MergeBlocks(context.Background(), dir, o); err != nil {
		t.Fatal(err)
	}
	return filesIn(t, o.Out)
}

func filesIn(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(dir, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// A country predicted by 1, 2 and 3 shards, whose number changes on the way, gives
// the same files to the last byte, and the numbers of the prediction in one piece.
func TestBlocks(t *testing.T) {
	k, _, _ := trained(t, sees(), town{rows: 6, cols: 20, image: townSize})
	source := country(t)
	ctx := context.Background()
	plan := func() (string, *BlockPlan) {
		dir := filepath.Join(t.TempDir(), "work")
		p, err := PlanBlocks(ctx, k, regionOf(t, source), dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}, Edge: quarter})
		if err != nil {
			t.Fatal(err)
		}
		return dir, p
	}
	whole, p := plan()
	if p.Halo != 3 || p.Cells != 124*20 || len(p.Blocks) != 22 {
		t.Fatalf("halo %d, %d cells, %d blocks", p.Halo, p.Cells, len(p.Blocks))
	}
	if d := workOn(t, whole, ""); d.Predicted != 22 || d.Cells != 480 || d.Bare != 2000 || d.Missing != 0 {
		t.Fatalf("%+v", d)
	}
	want := merged(t, whole)

	parts, _ := plan()
	workOn(t, parts, "1/2")
	_, err := MergeBlocks(ctx, parts, inOneBatch())
	if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), "11 of 22 blocks have no result yet") {
		t.Errorf("a merge with missing blocks: %v", err)
	}
	before := 0
	for i := range 3 {
		before += workOn(t, parts, fmt.Sprintf("%d/3", i)).Before
	}
	if before != 11 {
		t.Errorf("%d blocks were passed over, 11 were done", before)
	}
	for name, text := range merged(t, parts) {
		if !bytes.Equal(text, want[name]) {
			t.Errorf("%s: other bytes with other shards", name)
		}
		delete(want, name)
	}
	if len(want) != 0 {
		t.Errorf("%d files fewer with other shards", len(want))
	}

	// In one piece, chunks of tiles are cut elsewhere: the same but for rounding.
	c := regionOf(t, source)
	report, err := data.Build(ctx, &c.Data, data.Options{Name: c.Name})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(report.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	view, _, err := k.Reads(s, "")
	if err != nil {
		t.Fatal(err)
	}
	x := outputs(t, k, view, "")
	outline, err := store.Open(filepath.Join(parts, outlineDir))
	if err != nil {
		t.Fatal(err)
	}
	defer outline.Close()
	all, err := p.gather(ctx, outline, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(all.tiles) != s.Len() {
		t.Fatalf("%d cells in blocks, %d in one piece", len(all.tiles), s.Len())
	}
	for i, tile := range all.tiles {
		if a, b := outline.Cells()[tile], s.Cells()[i]; a != b || math.Abs(all.ln[0][i]-x.ln[i]) > 1e-4 {
			t.Fatalf("cell %v in blocks: %v; %v in one piece: %v", a, all.ln[0][i], b, x.ln[i])
		}
	}
}

// A mosaic that was changed behind the plan's back is not read.
func TestBlocksOfAnotherMosaic(t *testing.T) {
	k, _, _ := trained(t, sees(), town{rows: 6, cols: 20, image: townSize})
	c := regionOf(t, country(t))
	dir := filepath.Join(t.TempDir(), "work")
	if _, err := PlanBlocks(context.Background(), k, c, dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}}); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(c.Data.Imagery.Path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("more"); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = WorkBlocks(context.Background(), dir, WorkOptions{Shard: fleet.Whole, Device: "cpu", Threads: 1, Scratch: t.TempDir(), Progress: progress.Options{Quiet: true}})
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "not the mosaic any more") {
		t.Errorf("another mosaic: %v", err)
	}
}

// What a folder of work is refused for, in words.
func TestBlocksRefuse(t *testing.T) {
	k, _, _ := trained(t, pois(), town{rows: 5, cols: 20})
	source := country(t)
	ctx := context.Background()
	region := func() *config.Config {
		c := regionOf(t, source)
		c.Data.Imagery.Path = ""
		return c
	}
	dir := filepath.Join(t.TempDir(), "work")
	p, err := PlanBlocks(ctx, k, region(), dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, err error, words string) {
		t.Helper()
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v; want an input error with %q", what, err, words)
		}
	}
	if again, err := PlanBlocks(ctx, k, region(), dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}}); err != nil || again.ID != p.ID {
		t.Errorf("the same plan again: %v", err)
	}
	smaller := region()
	smaller.Data.Region.BBox[2] -= 0.5
	_, err = PlanBlocks(ctx, k, smaller, dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}})
	refused("another region", err, "another plan")
	other, _, _ := trained(t, pois(), town{rows: 6, cols: 20})
	_, err = PlanBlocks(ctx, other, region(), dir, PlanOptions{Accept: []string{checkpoint.AcceptCells}})
	refused("another checkpoint", err, "another plan")
	_, err = WorkBlocks(ctx, t.TempDir(), WorkOptions{Shard: fleet.Whole, Device: "cpu"})
	refused("no plan", err, "no plan in this folder")

	workOn(t, dir, "")
	first := p.result(p.Blocks[0])
	text, err := os.ReadFile(first)
	if err != nil {
		t.Fatal(err)
	}
	spoilt := func(what string, content []byte, words string) {
		t.Helper()
		if err := os.WriteFile(first, content, 0o666); err != nil {
			t.Fatal(err)
		}
		o := inOneBatch()
		o.Out = t.TempDir()
		_, err := MergeBlocks(ctx, dir, o)
		refused(what, err, words)
	}
	flipped := bytes.Clone(text)
	flipped[len(flipped)-9] ^= 1
	spoilt("a damaged result", flipped, "damaged")
	spoilt("half a result", text[:len(text)/2], "no result that can be read")
	neighbor, err := os.ReadFile(p.result(p.Blocks[1]))
	if err != nil {
		t.Fatal(err)
	}
	spoilt("another block's result", neighbor, "of another block")
	if err := os.WriteFile(first, text, 0o666); err != nil {
		t.Fatal(err)
	}

	if err := errors.Join(os.Remove(first), os.RemoveAll(p.cells(p.Blocks[0]))); err != nil {
		t.Fatal(err)
	}
	_, err = WorkBlocks(ctx, dir, WorkOptions{Shard: fleet.Whole, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
	refused("a block without cells", err, "a part of the plan cannot be used")

	copied := filepath.Join(dir, p.Checkpoints[0])
	strange, err := os.ReadFile(other.Path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, strange, 0o666); err != nil {
		t.Fatal(err)
	}
	_, err = WorkBlocks(ctx, dir, WorkOptions{Shard: fleet.Whole, Device: "cpu", Threads: 1, Progress: progress.Options{Quiet: true}})
	refused("a replaced checkpoint", err, "not the one that the plan was made of")
}

// Of many processes that publish one result at once exactly one wins, and its
// content stays.
func TestPublishOnce(t *testing.T) {
	dir := t.TempDir()
	for round := range 20 {
		path := filepath.Join(dir, fmt.Sprint(round))
		var group sync.WaitGroup
		won := make([]bool, 8)
		for i := range won {
			group.Go(func() {
				var err error
				if won[i], err = publish(path, fmt.Appendf(nil, "attempt %d", i)); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
		winners := 0
		for i, w := range won {
			if w {
				winners++
				if text, err := os.ReadFile(path); err != nil || string(text) != fmt.Sprintf("attempt %d", i) {
					t.Errorf("%q, %v", text, err)
				}
			}
		}
		if winners != 1 {
			t.Fatalf("%d winners", winners)
		}
	}
	if _, err := publish(filepath.Join(dir, "none", "x"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	left, _ := filepath.Glob(filepath.Join(dir, ".*"))
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// No text is taken for a result unless it is one, and none ends the program.
func FuzzBlockResult(f *testing.F) {
	b := PlannedBlock{Col: 1, Row: 2, Cells: 1}
	r := &blockResult{cells: []store.Cell{{Col: 70, Row: 130}}, bare: []store.Cell{{Col: 71, Row: 130}}, coverage: []float32{1}, ln: [][]float64{{3}}, strange: [][]float64{nil}}
	text, err := r.encode("plan", b)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	p := &BlockPlan{ID: "plan", Blocking: data.Blocking{Width: 64, Height: 64}}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := p.decode(text, b, 1)
		if err != nil {
			return
		}
		again, err := got.encode("plan", b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.decode(again, b, 1); err != nil {
			t.Error(err)
		}
	})
}

// An ensemble whose members look differently far, one of them at a further raster,
// has the halo of the farthest and predicts in blocks what it predicts in one piece.
func TestBlocksOfAnEnsemble(t *testing.T) {
	light := []store.Raster{{Name: "light", How: "mean"}}
	where := town{rows: 6, cols: 20, image: townSize, rasters: light}
	near, _, _ := trained(t, sees(), where)
	c := pois()
	c.Model.Neighborhood, c.Train.Epochs, c.Seed = 7, 1, 9
	far, _, _ := trained(t, c, where)
	ctx := context.Background()
	region := regionOf(t, country(t))
	region.Data.Region.BBox[2] = region.Data.Region.BBox[0] + 0.24 // without the sea
	region.Data.Rasters = []data.Raster{{Name: "light", Path: region.Data.Imagery.Path, How: "mean", Band: 2}}
	one := *region

	dir := filepath.Join(t.TempDir(), "work")
	p, err := PlanBlocks(ctx, far, region, dir, PlanOptions{Members: []*checkpoint.Checkpoint{near}, Accept: []string{checkpoint.AcceptCells}, Edge: quarter})
	if err != nil {
		t.Fatal(err)
	}
	if p.Halo != 3 || len(p.Blocks) != 4 || len(p.Checkpoints) != 2 {
		t.Fatalf("halo %d, %d blocks, %d checkpoints", p.Halo, len(p.Blocks), len(p.Checkpoints))
	}
	workOn(t, dir, "0/2")
	workOn(t, dir, "1/2")
	o := inOneBatch()
	o.Formats, o.Out = []string{"csv"}, t.TempDir()
	if _, err := MergeBlocks(ctx, dir, o); err != nil {
		t.Fatal(err)
	}
	report, err := data.Build(ctx, &one.Data, data.Options{Name: one.Name})
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(report.Store)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	whole := o
	whole.Out, whole.Members, whole.Accept = t.TempDir(), []*checkpoint.Checkpoint{near}, []string{checkpoint.AcceptCells}
	if _, err := Predict(ctx, far, s, whole); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"lon", "lat", "ln_predicted", "ln_spread"} {
		a, b := column(t, filepath.Join(o.Out, "predictions.csv"), name), column(t, filepath.Join(whole.Out, "predictions.csv"), name)
		if len(a) != 480 || len(a) != len(b) {
			t.Fatalf("%s: %d and %d cells", name, len(a), len(b))
		}
		for i := range a {
			if math.Abs(a[i]-b[i]) > 1e-4 {
				t.Fatalf("%s of cell %d: %v in blocks, %v in one piece", name, i, a[i], b[i])
			}
		}
	}
}
