package safetensors

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
)

// Digest is the SHA-256 of all that f holds: every array with its name, type and
// shape, and every metadata entry but the one named without, which may keep the
// digest itself. It does not depend on the order in which a file has them.
func (f File) Digest(without string) [sha256.Size]byte {
	h := sha256.New()
	part := func(b []byte) { // with its length, so that no two lists of parts give the same bytes
		fmt.Fprintf(h, "%d:", len(b))
		h.Write(b)
	}
	for _, key := range slices.Sorted(maps.Keys(f.Metadata)) {
		if key != without {
			part([]byte(key))
			part([]byte(f.Metadata[key]))
		}
	}
	h.Write([]byte{0})
	for _, name := range slices.Sorted(maps.Keys(f.Arrays)) {
		a := f.Arrays[name]
		part([]byte(name))
		part(fmt.Append(nil, a.DType, a.Shape))
		part(a.Data)
	}
	return [sha256.Size]byte(h.Sum(nil))
}
