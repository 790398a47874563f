package poi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// BenchmarkTable reads a CSV of 200,000 rows with ids.
func BenchmarkTable(b *testing.B) {
	const rows = 200_000
	r := rand.New(rand.NewPCG(1, 1))
	var s strings.Builder
	s.WriteString("id,lon,lat,category,name\n")
	for i := range rows {
		fmt.Fprintf(&s, "node/%d,%.6f,%.6f,amenity:%d,\"Some, name\"\n", i, 10+2*r.Float64(), 50+2*r.Float64(), r.IntN(40))
	}
	spec := Spec{Path: file(b, "p.csv", s.String())}
	b.SetBytes(int64(s.Len()))
	for b.Loop() {
		if _, err := Read(context.Background(), spec, square(), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
