package checkpoint

import (
	"bytes"
	"testing"

	"opencarbon/torch/safetensors"
)

// A partial file of embeddings is taken up only by the checkpoint and store that
// made it: each thing that could change an embedding changes the name.
func TestIdentityOfEmbeddings(t *testing.T) {
	build := func(change func(c *Checkpoint)) *Checkpoint {
		c := &Checkpoint{Arrays: map[string]safetensors.Array{
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
	want := build(nil).Identity("hash", 9)
	if !bytes.Equal(want, build(nil).Identity("hash", 9)) {
		t.Fatal("the same checkpoint has two names")
	}
	flip := func(name string) func(c *Checkpoint) {
		return func(c *Checkpoint) { c.Arrays[name].Data[1] ^= 1 }
	}
	for what, have := range map[string][]byte{
		"a bit of the encoder's bias":      build(flip("model.grid_rep.image_encoder.fc.bias")).Identity("hash", 9),
		"a bit of its batch normalization": build(flip("model.grid_rep.image_encoder.bn1.bias")).Identity("hash", 9),
		"the config":                       build(func(c *Checkpoint) { c.Header.Config = "name: y" }).Identity("hash", 9),
		"the epoch":                        build(func(c *Checkpoint) { c.Header.State.Epoch = 3 }).Identity("hash", 9),
		"the store":                        build(nil).Identity("other", 9),
		"the number of tiles":              build(nil).Identity("hash", 8),
		"an array's name":                  build(func(c *Checkpoint) { c.Arrays["model.y"] = safetensors.Array{} }).Identity("hash", 9),
	} {
		if bytes.Equal(want, have) {
			t.Errorf("%s changes nothing in the name", what)
		}
	}
}
