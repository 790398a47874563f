package torch

import (
	"strings"
	"testing"
)

// What processes say of themselves when they meet must be alike; who differs is
// named, with both sides.
func TestRanksThatDiffer(t *testing.T) {
	says := func(part ...string) string { return strings.Join(part, "\x1f") }
	first := says("a, process 1", "2.11.0", "config 1")
	for _, c := range []struct {
		second string
		want   []string // nil: nothing
	}{
		{says("b, process 2", "2.11.0", "config 1"), nil},
		{says("b, process 2", "1.13.1", "config 1"), []string{"rank 1 (b, process 2)", "libtorch 1.13.1", "rank 0 2.11.0"}},
		{says("b, process 2", "2.11.0", "config 2"), []string{"rank 1 (b, process 2)", "started otherwise", "config 2", "config 1"}},
		{"of another program", []string{"rank 1"}},
	} {
		w := &watch{o: GroupOptions{World: 2}, hosts: make([]string, 2)}
		err := w.compare([]string{first, c.second})
		if (err != nil) != (c.want != nil) {
			t.Errorf("%q: %v", c.second, err)
		}
		for _, part := range c.want {
			if err != nil && !strings.Contains(err.Error(), part) {
				t.Errorf("%q: %v, want %q", c.second, err, part)
			}
		}
	}
}
