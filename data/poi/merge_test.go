package poi

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// TestCountsComeLate: rows whose count is not 1 come after the first block of rows
// that are all 1, and are added up with those.
func TestCountsComeLate(t *testing.T) {
	var f found
	want := map[int32]float64{}
	for i := range 3*foundBlock - 5 {
		count := 1.0
		if i > foundBlock+7 {
			count = float64(i % 4)
		}
		p := one{cell: int32(i % 3)}
		f.add(p, count)
		want[p.cell] += count
	}
	n := 0
	f.each(func(p one, count float64) { n++; want[p.cell] -= count })
	if n != 3*foundBlock-5 || want[0] != 0 || want[1] != 0 || want[2] != 0 {
		t.Errorf("%d points, left over %v", n, want)
	}
}

// TestManyIDs: every one of many ids is new once and known ever after, with what
// came with it first; equal ends and equal slots do not matter.
func TestManyIDs(t *testing.T) {
	var table ids
	const n = 3 * idBlockSize
	for round := range int32(2) {
		for i := range int32(n) {
			old, known := table.get(hashOf([]byte("p"+strconv.Itoa(int(i)))), visit{category: i + round})
			if known != (round == 1) || known && old.category != i {
				t.Fatalf("round %d, id %d: %v, %+v", round, i, known, old)
			}
		}
	}
	same := ids{}
	for i := range uint64(2000) { // one slot for all
		if _, known := same.get(i<<40, visit{}); known {
			t.Fatalf("id %d is known", i)
		}
	}
}

// TestDecimal: the quick way gives what strconv gives, to the last bit, or leaves
// the text to it.
func TestDecimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	texts := []string{"0", "-0", "1", "-1.5", ".5", "5.", "-.5", "007", "180.0000000", "999999999999999", ".000000000000001", "0.10000000000000001"}
	for range 20_000 {
		texts = append(texts, fmt.Sprintf("%.*f", rng.IntN(12), 360*rng.Float64()-180))
	}
	quick := 0
	for _, s := range texts {
		v, ok := decimal([]byte(s))
		want, err := strconv.ParseFloat(s, 64)
		if ok && (err != nil || math.Float64bits(v) != math.Float64bits(want)) {
			t.Errorf("%q: %v, strconv %v, %v", s, v, want, err)
		}
		if ok {
			quick++
		}
	}
	if quick < 20_000 {
		t.Errorf("%d of %d read quickly", quick, len(texts))
	}
	for _, s := range []string{"-", ".", "--1", "1.2.3", "1e5", "+1", "0x10", "1_0", "nan", "1 ", strings.Repeat("1", 16)} {
		if v, ok := decimal([]byte(s)); ok {
			t.Errorf("%q is %v", s, v)
		}
	}
}

// TestSamePlaceOnAnyGrid: a grid of meters brings points to meters, in place; the
// same point is known again all the same.
func TestSamePlaceOnAnyGrid(t *testing.T) {
	target := square()
	locate := target.Locate
	target.Locate = func(lon, lat []float64) ([]int32, []float64, []float64) {
		cell, u, v := locate(lon, lat)
		for i := range lon {
			lon[i], lat[i] = 111e3*lon[i], 111e3*lat[i]
		}
		return cell, u, v
	}
	r := read(t, Spec{Path: file(t, "p.csv", "id,lon,lat,category\n1,10.50004,51.49996,cafe\n1,10.5000,51.5000,cafe\n1,10.6,51.5,cafe\n")}, target)
	if r.Report.Duplicates != 1 || r.Report.IDElsewhere != 1 {
		t.Errorf("%d duplicates, %d elsewhere", r.Report.Duplicates, r.Report.IDElsewhere)
	}
}
