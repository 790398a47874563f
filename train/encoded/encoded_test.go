package encoded

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/learn"
)

// Of a partial file only whole chunks of sound rows are taken up.
func TestRows(t *testing.T) {
	const n = 100
	path := filepath.Join(t.TempDir(), "encoded.partial")
	name := bytes.Repeat([]byte{7}, 32)
	parts := []layers.Width{{Name: layers.ImageView, Width: 3}, {Name: layers.POIView, Width: 2}}
	size := 4*5 + rowSum
	write := func(rows int) []byte {
		os.Remove(path)
		e, err := Open(path, name, parts, n)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		for at := 0; at < rows; at += learn.EvaluationTiles {
			k := min(learn.EvaluationTiles, rows-at)
			x := layers.Views{}.With(layers.ImageView, torch.Uniform(0, 1, torch.Float32, torch.CPU, k, 3)).
				With(layers.POIView, torch.Uniform(0, 1, torch.Float32, torch.CPU, k, 2))
			if err := e.Append(x, k); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	if err := torch.Run(torch.Options{Threads: 1}, func() {
		for _, x := range []struct {
			name   string
			rows   int
			change func(b []byte) []byte
			want   int
		}{
			{"whole", n, func(b []byte) []byte { return b }, n},
			{"interrupted", 64, func(b []byte) []byte { return b }, 64},
			{"torn", n, func(b []byte) []byte { return b[:len(b)-1] }, 64},
			{"a bit late", n, func(b []byte) []byte { b[32+70*size+3] ^= 4; return b }, 64},
			{"a bit early", n, func(b []byte) []byte { b[32+10*size+3] ^= 4; return b }, 0},
			{"a bit of a checksum", n, func(b []byte) []byte { b[32+10*size+size-1] ^= 4; return b }, 0},
			{"two rows exchanged", n, func(b []byte) []byte {
				first := bytes.Clone(b[32 : 32+size])
				copy(b[32:], b[32+size:32+2*size])
				copy(b[32+size:], first)
				return b
			}, 0},
			{"a block of zeros", n, func(b []byte) []byte { clear(b[32+64*size:]); return b }, 64},
			{"appended bytes", n, func(b []byte) []byte { return append(b, b...) }, n},
			{"another's name", n, func(b []byte) []byte { b[0] ^= 1; return b }, 0},
		} {
			if err := os.WriteFile(path, x.change(write(x.rows)), 0o666); err != nil {
				t.Fatal(err)
			}
			e, err := Open(path, name, parts, n)
			if err != nil {
				t.Fatal(err)
			}
			if e.Tiles != x.want {
				t.Errorf("%s: %d rows are taken up, want %d", x.name, e.Tiles, x.want)
			}
			e.Close()
		}
		whole := write(n)
		e, err := Open(path, name, parts, n)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		x, err := e.All(torch.CPU)
		if err != nil {
			t.Fatal(err)
		}
		want := binary.LittleEndian.Uint32(whole[32+99*size+16:])
		if have := math.Float32bits(float32(x.Get(layers.POIView).Select(0, 99).Select(0, 1).Item())); have != want {
			t.Errorf("the last number read back is %x, was %x", have, want)
		}
		whole[32+3*size] ^= 1
		if err := os.WriteFile(path, whole, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := e.All(torch.CPU); !fault.IsInput(err) || !strings.Contains(err.Error(), "tile 3") {
			t.Errorf("a bit flipped meanwhile: %v", err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if n := torch.Live(); n != 0 {
		t.Errorf("%d tensors outlived the test", n)
	}
}
