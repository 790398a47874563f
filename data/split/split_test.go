package split

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/raster"
	"opencarbon/data/store"
)

// town is a cols x rows block of cells with holes: some cells are missing, some
// have no target.
func town(seed uint64, cols, rows int) Input {
	r := rand.New(rand.NewPCG(seed, 7))
	var in Input
	for row := range rows {
		for col := range cols {
			if r.IntN(12) == 0 {
				continue
			}
			in.Cells = append(in.Cells, store.Cell{Col: int64(col - 5), Row: int64(row - 20)})
			in.LonLat = append(in.LonLat, 10+0.01*(float64(col)+0.5), 52-0.01*(float64(row)+0.5))
			in.HasTarget = append(in.HasTarget, r.IntN(8) > 0)
		}
	}
	return in
}

func blocks(size int, fractions []float64, seed int64, buffer int) Spec {
	return Spec{Method: "blocks", Block: size, Fractions: fractions, Seed: seed, Buffer: buffer}
}

func mustMake(t testing.TB, spec Spec, in Input) ([]store.Split, *Report) {
	t.Helper()
	s, r, err := Make(context.Background(), spec, in)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

// nearest is the Chebyshev distance from cell i to the nearest cell of a split,
// by looking at all of them.
func nearest(in Input, splits []store.Split, i int, which store.Split) int64 {
	abs := func(a int64) int64 { return max(a, -a) }
	best := int64(1 << 40)
	for j, c := range in.Cells {
		if splits[j] == which {
			dx := abs(c.Col - in.Cells[i].Col)
			if in.Columns > 0 {
				dx = min(dx, in.Columns-dx)
			}
			best = min(best, max(dx, abs(c.Row-in.Cells[i].Row)))
		}
	}
	return best
}

// What must hold of every split, checked by brute force.
func checkReport(t *testing.T, in Input, splits []store.Split, r *Report, buffer int) {
	t.Helper()
	if len(splits) != len(in.Cells) {
		t.Fatalf("%d splits of %d cells", len(splits), len(in.Cells))
	}
	want := Report{Method: r.Method, Text: r.Text, Buffered: r.Buffered, Groups: r.Groups, Foreign: r.Foreign,
		Overlap: []Overlap{{M: 3}, {M: 5}, {M: 7}}}
	for i, s := range splits {
		switch {
		case !in.HasTarget[i] && s != store.None:
			t.Fatalf("cell %d has no target and the split %v", i, s)
		case !in.HasTarget[i]:
			want.NoTarget++
		case s == store.None:
			want.Unused++
		case s == store.Validation:
			want.Validation++
		case s == store.Test:
			want.Test++
		case s == store.Train:
			want.Train++
			test, valid := nearest(in, splits, i, store.Test), nearest(in, splits, i, store.Validation)
			if min(test, valid) <= int64(buffer) {
				t.Fatalf("training cell %v lies %d cells from a test or validation cell, buffer %d", in.Cells[i], min(test, valid), buffer)
			}
			for k := range want.Overlap {
				if test <= int64(want.Overlap[k].M/2) {
					want.Overlap[k].Test++
				}
				if valid <= int64(want.Overlap[k].M/2) {
					want.Overlap[k].Validation++
				}
			}
		}
	}
	if !reflect.DeepEqual(*r, want) {
		t.Errorf("report %+v, counted %+v", *r, want)
	}
}

func TestBlocks(t *testing.T) {
	for seed := range int64(5) {
		in := town(uint64(seed), 30, 24)
		for _, size := range []int{1, 3, 8} {
			for buffer := range 4 {
				if size == 1 && buffer > 0 { // nothing would be left to train on
					continue
				}
				fractions := []float64{0.6, 0.2, 0.2}
				spec := blocks(size, fractions, seed, 0)
				whole, _ := mustMake(t, spec, in)
				spec.Buffer = buffer
				splits, r, err := Make(context.Background(), spec, in)
				if err != nil {
					if strings.Contains(err.Error(), "all ") && size <= 2*buffer+1 {
						continue // blocks no wider than their buffers
					}
					t.Fatal(err)
				}
				checkReport(t, in, splits, r, buffer)
				buffered := 0
				biggest := map[store.Cell]int{}
				of := map[store.Cell]store.Split{}
				var have [4]int
				total := 0
				for i, c := range in.Cells {
					if whole[i] != splits[i] {
						buffered++
						if whole[i] != store.Train || splits[i] != store.None {
							t.Fatalf("the buffer turned %v into %v", whole[i], splits[i])
						}
						if min(nearest(in, whole, i, store.Test), nearest(in, whole, i, store.Validation)) > int64(buffer) {
							t.Fatalf("cell %v was taken from training without need", c)
						}
					}
					if !in.HasTarget[i] {
						continue
					}
					b := c.Block(int64(size))
					if s, ok := of[b]; ok && s != whole[i] {
						t.Fatalf("block %v is in two splits", b)
					}
					of[b] = whole[i]
					biggest[b]++
					have[whole[i]]++
					total++
				}
				if buffered != r.Buffered {
					t.Errorf("%d cells buffered, the report says %d", buffered, r.Buffered)
				}
				most := 0
				for _, n := range biggest {
					most = max(most, n)
				}
				for k, f := range fractions {
					if off := float64(have[parts[k]]) - f*float64(total); off > float64(most) || off < -2*float64(most) {
						t.Errorf("size %d, seed %d: %v has %d of %d cells, asked for %v", size, seed, parts[k], have[parts[k]], total, f)
					}
				}
			}
		}
	}
}

func TestBlocksAreSeeded(t *testing.T) {
	in := town(1, 40, 40)
	a, _ := mustMake(t, blocks(4, []float64{0.6, 0.2, 0.2}, 42, 0), in)
	b, _ := mustMake(t, blocks(4, []float64{0.6, 0.2, 0.2}, 42, 0), in)
	c, _ := mustMake(t, blocks(4, []float64{0.6, 0.2, 0.2}, 43, 0), in)
	if !slices.Equal(a, b) {
		t.Error("the same seed gave two splits")
	}
	if slices.Equal(a, c) {
		t.Error("another seed gave the same split")
	}
	// The order of the cells must not matter.
	var back Input
	for i := len(in.Cells) - 1; i >= 0; i-- {
		back.Cells = append(back.Cells, in.Cells[i])
		back.HasTarget = append(back.HasTarget, in.HasTarget[i])
	}
	d, _ := mustMake(t, blocks(4, []float64{0.6, 0.2, 0.2}, 42, 0), back)
	slices.Reverse(d)
	if !slices.Equal(a, d) {
		t.Error("the order of the cells changed the split")
	}
}

// Small shares get a block all the same, and a share of zero none.
func TestSmallFractions(t *testing.T) {
	in := town(2, 16, 16)
	_, r := mustMake(t, blocks(8, []float64{0.98, 0.01, 0.01}, 1, 0), in)
	if r.Train == 0 || r.Validation == 0 || r.Test == 0 {
		t.Errorf("%+v", r)
	}
	_, r = mustMake(t, blocks(2, []float64{0.7, 0, 0.3}, 1, 0), in)
	if r.Validation != 0 || r.Test == 0 {
		t.Errorf("%+v", r)
	}
	_, r = mustMake(t, blocks(50, []float64{1, 0, 0}, 1, 3), in)
	if r.Train == 0 || r.Unused != 0 || r.Buffered != 0 {
		t.Errorf("%+v", r)
	}
}

// Where the grid closes on itself, the antimeridian is no border.
func TestAntimeridian(t *testing.T) {
	var in Input
	for _, c := range []int64{14, 15, 0, 1, 7} {
		in.Cells = append(in.Cells, store.Cell{Col: c, Row: 3})
		in.HasTarget = append(in.HasTarget, true)
	}
	in.Columns = 16
	splits := []store.Split{store.Train, store.Train, store.Test, store.Test, store.Train}
	n := newNearness(in, splits)
	if got := n.overlap(splits); got[0].Test != 1 || got[1].Test != 2 || got[2].Test != 2 {
		t.Errorf("overlap %+v", got)
	}
	if got := n.buffer(splits, 1); got != 1 || splits[1] != store.None {
		t.Errorf("%d buffered, %v", got, splits)
	}
	splits = []store.Split{store.Test, store.Test, store.Train, store.Train, store.Train} // seen from the other side
	n = newNearness(in, splits)
	if got := n.overlap(splits); got[0].Test != 1 || got[1].Test != 2 || got[2].Test != 2 {
		t.Errorf("overlap %+v", got)
	}
}

// A district that no list names may lie over listed ones (a whole city over its
// parts): it takes nothing from them.
func TestUnlistedDistrictsOverlap(t *testing.T) {
	in := town(4, 20, 10)
	strip := `{"type":"Feature","properties":{"name":%q},"geometry":{"type":"Polygon","coordinates":[[[10,50],[%[2]g,50],[%[2]g,53],[10,53],[10,50]]]}}`
	path := write(t, "d.geojson", `{"type":"FeatureCollection","features":[`+fmt.Sprintf(strip, "All", 10.2)+","+fmt.Sprintf(strip, "Part", 10.1)+","+fmt.Sprintf(strip, "Whole", 10.2)+`]}`)
	splits, r := mustMake(t, Spec{Method: "attribute", File: path, Field: "name", Train: []string{"Part"}}, in)
	for i, c := range in.Cells {
		want := store.None
		if in.HasTarget[i] && c.Col < 5 { // 10 cells from column -5
			want = store.Train
		}
		if splits[i] != want {
			t.Fatalf("cell %v is %v, want %v", c, splits[i], want)
		}
	}
	if len(r.Groups) != 3 || r.Groups[1].Cells != r.Train {
		t.Errorf("%+v", r)
	}
}

func TestNone(t *testing.T) {
	in := town(3, 5, 5)
	splits, r := mustMake(t, Spec{Method: "none", Buffer: 2}, in)
	checkReport(t, in, splits, r, 2)
	if r.Train+r.Validation+r.Test != 0 || r.Text != "no split" {
		t.Errorf("%+v", r)
	}
}

// districts writes a GeoJSON of vertical strips of the town, 0.1 degree (10
// cells) wide each; a name may come twice.
func districts(t testing.TB, names ...string) string {
	t.Helper()
	var f []string
	for i, n := range names {
		w, e := 10+0.1*float64(i), 10+0.1*float64(i+1)
		f = append(f, fmt.Sprintf(`{"type":"Feature","properties":{"name":%q},"geometry":{"type":"Polygon","coordinates":[[[%[2]f,50],[%[3]f,50],[%[3]f,53],[%[2]f,53],[%[2]f,50]]]}}`, n, w, e))
	}
	return write(t, "d.geojson", `{"type":"FeatureCollection","features":[`+strings.Join(f, ",")+`]}`)
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAttribute(t *testing.T) {
	in := town(4, 40, 20)
	path := districts(t, "West", "Middle", "West", "East")
	for _, buffer := range []int{0, 2} {
		splits, r := mustMake(t, Spec{Method: "attribute", File: path, Field: "name", Train: []string{"West"}, Test: []string{" Middle "}, Buffer: buffer}, in)
		checkReport(t, in, splits, r, buffer)
		for i, c := range in.Cells {
			want := []store.Split{store.Train, store.Test, store.Train, store.None}[(c.Col+5)/10]
			if !in.HasTarget[i] || want == store.Train && nearest(in, splits, i, store.Test) <= int64(buffer) {
				want = store.None
			}
			if splits[i] != want {
				t.Fatalf("cell %v is %v, want %v", c, splits[i], want)
			}
		}
		names := []string{}
		for _, g := range r.Groups {
			names = append(names, g.Name+" "+g.Split)
		}
		if want := []string{"East none", "Middle test", "West train"}; !slices.Equal(names, want) {
			t.Errorf("groups %v", names)
		}
		if buffer == 0 && r.Groups[2].Cells != r.Train {
			t.Errorf("West has %d cells, %d train", r.Groups[2].Cells, r.Train)
		}
	}
}

// Names and columns that look the same are the same, and codes that a file keeps
// as floating-point numbers are whole.
func TestAttributeNames(t *testing.T) {
	in := town(4, 20, 10)
	strips := districts(t, "Gie\u00dfen-Su\u0308d", "110101001")
	b, err := os.ReadFile(strips)
	if err != nil {
		t.Fatal(err)
	}
	east := strings.NewReplacer("[10.", "[370.").Replace(string(b))
	text := strings.Replace(string(b), `"110101001"`, `110101001.0`, 1)
	codes := strings.Replace(text, "\"Gie\u00dfen-Su\u0308d\"", "110101003.5", 1)
	column := strings.ReplaceAll(string(b), `"name"`, "\"qua\u0308ntum\"")
	for _, c := range []struct {
		name, text, field string
		train, test       string
	}{
		{"decomposed in the file", string(b), "name", "Gie\u00dfen-S\u00fcd", "110101001"},
		{"longitudes to 360", east, "name", "Gie\u00dfen-S\u00fcd", "110101001"},
		{"codes", codes, "name", "110101003.5", "110101001"},
		{"codes with a point", codes, "name", "110101003.5", "110101001.0"},
		{"column", column, "qu\u00e4ntum", "Gie\u00dfen-S\u00fcd", "110101001"},
	} {
		_, r := mustMake(t, Spec{Method: "attribute", File: write(t, "d.geojson", c.text), Field: c.field, Train: []string{c.train}, Test: []string{c.test}}, in)
		if r.Train == 0 || r.Test == 0 {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
}

// The real boroughs, counted by shapely (testdata/make_golden.py).
func TestLondonBoroughs(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "data", "london", "laei2019_co2_all_sources.shp")
	if _, err := os.Stat(path); err != nil {
		t.Skip("real data is absent:", path)
	}
	var want map[string]int
	b, err := os.ReadFile(filepath.Join("testdata", "boroughs.json"))
	if err == nil {
		err = json.Unmarshal(b, &want)
	}
	if err != nil {
		t.Fatal(err)
	}
	var in Input
	var x, y []float64
	for col := 501; col < 562; col++ {
		for north := 203; north >= 152; north-- {
			in.Cells = append(in.Cells, store.Cell{Col: int64(col), Row: int64(-north)})
			in.HasTarget = append(in.HasTarget, true)
			x, y = append(x, float64(col)*1000+500), append(y, float64(north)*1000+500)
		}
	}
	britain, err := raster.ParseCRS("EPSG:27700")
	if err != nil {
		t.Fatal(err)
	}
	wgs84, err := raster.ParseCRS("EPSG:4326")
	if err != nil {
		t.Fatal(err)
	}
	tr, err := raster.NewTransform(britain, wgs84)
	if err != nil {
		t.Fatal(err)
	}
	defer tr.Close()
	if err := tr.Points(x, y); err != nil {
		t.Fatal(err)
	}
	for i := range x {
		in.LonLat = append(in.LonLat, x[i], y[i])
	}
	spec := Spec{Method: "attribute", File: path, Field: "borough", Train: []string{"Non GLA", "Bromley", "Hillingdon"}, Validation: []string{"Enfield"}, Test: []string{"Camden"}}
	_, r := mustMake(t, spec, in)
	got := map[string]int{}
	for _, g := range r.Groups {
		got[g.Name] = g.Cells
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("boroughs %v, want %v", got, want)
	}
	if r.Train != want["Non GLA"]+want["Bromley"]+want["Hillingdon"] || r.Validation != want["Enfield"] || r.Test != want["Camden"] {
		t.Errorf("%+v", r)
	}
}

func TestList(t *testing.T) {
	in := Input{Cells: []store.Cell{{Col: 1, Row: 2}, {Col: 2, Row: 2}, {Col: 9, Row: 2}, {Col: -4, Row: 2}, {Col: 5, Row: 5}}, HasTarget: []bool{true, true, true, true, false}}
	want := []store.Split{store.Train, store.Test, store.Validation, store.None, store.None}
	for name, text := range map[string]string{
		"columns":           "col,row,split\n1,2,train\n2,2,test\n9,2,val\n5,5,train\n77,2,train\n",
		"cells":             "cell,split\n1_2,Training\n2_2,TEST\n9_2, valid\n-4_2,none\n77_2,test\n",
		"other order":       "\xef\xbb\xbfSplit;Row;Col;note\r\ntrain;2;1;a\r\ntest;2;2;\r\nvalidation;2;9;x\r\n;2;77;\r\n",
		"tabs and numerals": "row\tcol\tsplit\n2\t+1\ttrain\n2\t2\ttesting\n002\t9\tvalid\n9\t9\ttrain\n",
	} {
		splits, r := mustMake(t, Spec{Method: "list", File: write(t, "l.csv", text)}, in)
		if !slices.Equal(splits, want) || r.Foreign != 1 {
			t.Errorf("%s: %v, %d foreign", name, splits, r.Foreign)
		}
		checkReport(t, in, splits, r, 0)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	in := town(5, 20, 20)
	for _, spec := range []Spec{blocks(4, []float64{0.6, 0.2, 0.2}, 1, 0), {Method: "attribute", File: districts(t, "A"), Field: "name", Train: []string{"A"}}} {
		if _, _, err := Make(ctx, spec, in); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", spec.Method, err)
		}
	}
}
