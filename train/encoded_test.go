package train

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
	"opencarbon/torch/safetensors"
	"opencarbon/train/learn"
)

// A partial file of embeddings is taken up only by the checkpoint and store that
// made it: each thing that could change an embedding changes the name.
func TestIdentityOfEmbeddings(t *testing.T) {
	build := func(change func(c *Checkpoint)) *Checkpoint {
		c := &Checkpoint{arrays: map[string]safetensors.Array{
			"model.regressor.3.weight":              {Data: []byte{1, 2}},
			"model.grid_rep.image_encoder.fc.bias":  {Data: []byte{3, 4}},
			"model.grid_rep.image_encoder.bn1.bias": {Data: []byte{5, 6}},
			"optimizer.exp_avg.x":                   {Data: []byte{7}},
		}}
		c.Header.Config = "name: x"
		if change != nil {
			change(c)
		}
		return c
	}
	want := build(nil).identity("hash", 9)
	if !bytes.Equal(want, build(nil).identity("hash", 9)) {
		t.Fatal("the same checkpoint has two names")
	}
	flip := func(name string) func(c *Checkpoint) {
		return func(c *Checkpoint) { c.arrays[name].Data[1] ^= 1 }
	}
	for what, have := range map[string][]byte{
		"a bit of the encoder's bias":      build(flip("model.grid_rep.image_encoder.fc.bias")).identity("hash", 9),
		"a bit of its batch normalization": build(flip("model.grid_rep.image_encoder.bn1.bias")).identity("hash", 9),
		"the config":                       build(func(c *Checkpoint) { c.Header.Config = "name: y" }).identity("hash", 9),
		"the epoch":                        build(func(c *Checkpoint) { c.Header.State.Epoch = 3 }).identity("hash", 9),
		"the store":                        build(nil).identity("other", 9),
		"the number of tiles":              build(nil).identity("hash", 8),
		"an array's name":                  build(func(c *Checkpoint) { c.arrays["model.y"] = safetensors.Array{} }).identity("hash", 9),
	} {
		if bytes.Equal(want, have) {
			t.Errorf("%s changes nothing in the name", what)
		}
	}
}

// Of a partial file only whole chunks of sound rows are taken up.
func TestEncodedRows(t *testing.T) {
	d := town{rows: 10, cols: 10}.open(t)
	n := d.store.Len() // 100
	path := filepath.Join(t.TempDir(), "encoded.partial")
	c := &Checkpoint{}
	parts := []layers.Width{{Name: layers.ImageView, Width: 3}, {Name: layers.POIView, Width: 2}}
	size := 4*5 + rowSum
	write := func(rows int) []byte {
		os.Remove(path)
		e, err := openEncoded(path, c, parts, d.store)
		if err != nil {
			t.Fatal(err)
		}
		defer e.close()
		for at := 0; at < rows; at += learn.EvaluationTiles {
			k := min(learn.EvaluationTiles, rows-at)
			x := layers.Views{}.With(layers.ImageView, torch.Uniform(0, 1, torch.Float32, torch.CPU, k, 3)).
				With(layers.POIView, torch.Uniform(0, 1, torch.Float32, torch.CPU, k, 2))
			if err := e.append(x, k); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	run(t, func() {
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
			e, err := openEncoded(path, c, parts, d.store)
			if err != nil {
				t.Fatal(err)
			}
			if e.tiles != x.want {
				t.Errorf("%s: %d rows are taken up, want %d", x.name, e.tiles, x.want)
			}
			e.close()
		}
		whole := write(n)
		e, err := openEncoded(path, c, parts, d.store)
		if err != nil {
			t.Fatal(err)
		}
		defer e.close()
		x, err := e.all(torch.CPU)
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
		if _, err := e.all(torch.CPU); !fault.IsInput(err) || !strings.Contains(err.Error(), "tile 3") {
			t.Errorf("a bit flipped meanwhile: %v", err)
		}
	})
}
