package columnar

import (
	"bytes"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
)

// Columns keep their order, values their bits, gaps are null, a NaN in a column
// without gaps stays one; the last row group is short.
func TestRoundTrip(t *testing.T) {
	const n = GroupRows + 5
	real := func(i int) float64 {
		if i%4 == 1 {
			return math.NaN()
		}
		return float64(i) / 3
	}
	columns := []Column{
		{Name: "zone", Kind: Text, Value: func(i int) any { return strings.Repeat("é", i%3) }},
		{Name: "b", Kind: Integer, Value: func(i int) any { return int64(i) - 1<<40 }},
		{Name: "gappy", Kind: Real, Gaps: true, Value: func(i int) any { return real(i) }},
		{Name: "full", Kind: Real, Value: func(i int) any { return real(i) }},
		{Name: "e10", Kind: Float, Value: func(i int) any { return float32(i) / 7 }},
		{Name: "e2", Kind: Binary, Value: func(i int) any { return []byte{byte(i), 0} }},
	}
	var file bytes.Buffer
	if err := Write(&file, "t", n, columns, map[string]string{"geo": "{}"}); err != nil {
		t.Fatal(err)
	}
	in, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := in.Lookup("geo"); v != "{}" {
		t.Errorf("geo is %q", v)
	}
	for i, f := range in.Schema().Fields() {
		if f.Name() != columns[i].Name || f.Optional() != columns[i].Gaps {
			t.Errorf("column %d is %s, optional %v", i, f.Name(), f.Optional())
		}
	}
	if g := in.RowGroups(); len(g) != 2 || g[1].NumRows() != 5 {
		t.Errorf("%d row groups", len(g))
	}
	at, buf := 0, make([]parquet.Row, 100)
	r := parquet.NewReader(in)
	for {
		k, err := r.ReadRows(buf)
		for _, row := range buf[:k] {
			i := at
			at++
			want := real(i)
			good := row[0].String() == strings.Repeat("é", i%3) && row[1].Int64() == int64(i)-1<<40 && row[4].Float() == float32(i)/7 &&
				bytes.Equal(row[5].ByteArray(), []byte{byte(i), 0})
			if math.IsNaN(want) {
				good = good && row[2].IsNull() && !row[3].IsNull() && math.IsNaN(row[3].Double())
			} else {
				good = good && row[2].Double() == want && row[3].Double() == want
			}
			if !good {
				t.Fatalf("row %d: %v", i, row)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if at != n {
		t.Errorf("%d rows of %d", at, n)
	}
}

func TestRefused(t *testing.T) {
	text := func(int) any { return "x" }
	for name, columns := range map[string][]Column{
		"two of that name": {{Name: "a", Value: text}, {Name: "a", Value: text}},
		"does not fit":     {{Name: "a", Kind: Integer, Value: text}},
		"unknown kind":     {{Name: "a", Kind: 9, Value: text}},
	} {
		if err := Write(io.Discard, "t", 1, columns, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
