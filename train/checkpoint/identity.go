package checkpoint

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"opencarbon/train/encoded"
)

// Identity names the checkpoint's experiment, state and every array of its
// model, together with a store's config hash and number of tiles: embeddings of
// another checkpoint must never be taken for its own.
func (c *Checkpoint) Identity(configHash string, tiles int) []byte {
	h := sha256.New()
	part := func(b []byte) {
		fmt.Fprintf(h, "%d:", len(b))
		h.Write(b)
	}
	for _, text := range []string{encoded.Layout, c.Header.Config, fmt.Sprint(c.Header.State), configHash, fmt.Sprint(tiles)} {
		part([]byte(text))
	}
	var names []string
	for name := range c.Arrays {
		if strings.HasPrefix(name, "model.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		part([]byte(name))
		part(c.Arrays[name].Data)
	}
	return h.Sum(nil)
}
