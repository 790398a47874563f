package published

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"testing"
)

// mixed are make_area.py's numbers that depend on a name.
func mixed(name string, n int) []uint32 {
	out := make([]uint32, n)
	seed := crc32.ChecksumIEEE([]byte(name))
	for i := range out {
		h := uint32(i)*2654435769 + seed
		h ^= h >> 16
		h *= 0x7feb352d
		h ^= h >> 15
		h *= 0x846ca68b
		out[i] = h ^ h>>16
	}
	return out
}

// TestByArea: images of other sizes become what OpenCV makes of them, to a gray
// level, and without a bias.
func TestByArea(t *testing.T) {
	text, err := os.ReadFile("testdata/area.json")
	if err != nil {
		t.Fatal(err)
	}
	var golden struct{ Pixels map[string][]int }
	if err := json.Unmarshal(text, &golden); err != nil {
		t.Fatal(err)
	}
	if len(golden.Pixels) < 15 {
		t.Fatalf("%d sizes", len(golden.Pixels))
	}
	for name, want := range golden.Pixels {
		var width, height int
		if _, err := fmt.Sscanf(name, "%dx%d", &width, &height); err != nil {
			t.Fatal(err)
		}
		src := make([]uint8, 3*width*height)
		for i, h := range mixed(name, len(src)) {
			c, y, x := i/(width*height), i/width%height, i%width
			src[i] = uint8((x/7*31+y/5*17+c*40)%128 + int(h%128))
		}
		rgb := make([]uint8, 3*Size*Size)
		byArea(src, width, height, rgb)
		last := len(want) - 1
		other, worst := 0, 0
		for i, h := range mixed("at "+name, last) {
			if d := int(rgb[h%uint32(len(rgb))]) - want[i]; d != 0 {
				other++
				worst = max(worst, max(d, -d))
			}
		}
		sum := 0
		for _, v := range rgb {
			sum += int(v)
		}
		bias := float64(sum-want[last]) / float64(len(rgb))
		t.Logf("%s: %d of %d pixels differ, by %d at most; the mean by %.1g", name, other, last, worst, bias)
		if worst > 1 || other > last/20 || math.Abs(bias) > 0.01 {
			t.Errorf("%s: %d of %d pixels differ from OpenCV's, by up to %d; the mean by %.2g", name, other, last, worst, bias)
		}
	}
}
