package tune

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/fleet"
)

// Shards try each point once, also when their number changes on the way; the
// search then tries none and has the same table.
func TestWork(t *testing.T) {
	points, err := Points([]Axis{{"a", []string{"1", "2", "3", "4"}}, {"b", []string{"x", "y"}}}, 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	tried := map[string]int{}
	train := func(_ context.Context, set []string, _ int64, report func(int, float64) error) error {
		tried[strings.Join(set, " ")]++
		if set[0] == "a=3" {
			return fault.New("a", "is 3", "Give another.")
		}
		return report(1, float64(len(tried)%3))
	}
	ctx := context.Background()
	o := Options{Seeds: 1, Out: t.TempDir(), Report: new(bytes.Buffer)}
	if d, err := Work(ctx, points, train, o, fleet.Shard{I: 0, N: 2}); err != nil || d.Made+d.Failed != 4 || d.Pieces != 8 {
		t.Fatalf("%+v, %v", d, err)
	}
	before := 0
	for i := range 3 {
		d, err := Work(ctx, points, train, o, fleet.Shard{I: i, N: 3})
		if err != nil {
			t.Fatal(err)
		}
		before += d.Before
	}
	trials, err := Run(ctx, points, train, o)
	if err != nil || len(trials) != 8 || before != 4 {
		t.Fatalf("%d trials, %d passed over, %v", len(trials), before, err)
	}
	for p, n := range tried {
		if n != 1 {
			t.Errorf("%s was tried %d times", p, n)
		}
	}
	o.Key = "other data"
	if _, err := Work(ctx, points[:1], train, o, fleet.Whole); err != nil || tried[strings.Join(points[0], " ")] != 2 {
		t.Errorf("other data: %v, %v", tried, err)
	}
	stop := func(context.Context, []string, int64, func(int, float64) error) error {
		return fmt.Errorf("a disk failed")
	}
	o.Key = "third"
	if _, err := Work(ctx, points, stop, o, fleet.Whole); err == nil || fault.IsInput(err) {
		t.Errorf("a failure: %v", err)
	}
}
