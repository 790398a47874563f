package checkpoint

import (
	"encoding/hex"
	"fmt"
	"os"
	"sync"

	"opencarbon/data/fault"
	"opencarbon/torch/safetensors"
)

// checksumKey is the metadata entry that holds the digest of all the rest.
const checksumKey = "opencarbon.sha256"

// digest is the SHA-256, in hexadecimal, of all that f holds but checksumKey.
func digest(f safetensors.File) string {
	sum := f.Digest(checksumKey)
	return hex.EncodeToString(sum[:])
}

// Seal gives f the checksum of all that it holds.
func Seal(f safetensors.File) { f.Metadata[checksumKey] = digest(f) }

// Sealed reports whether f holds what it held when it was sealed.
func Sealed(f safetensors.File) bool { return f.Metadata[checksumKey] == digest(f) }

// verify compares a checkpoint's checksum with what was read. A file of an older
// program, which has none, is taken as it is, and that is said once. promised is
// the header's word that there is one, so that a damaged key does not make a file
// look old.
func verify(path string, f safetensors.File, promised bool) error {
	_, ok := f.Metadata[checksumKey]
	switch {
	case !ok && !promised:
		sayUnchecked(path)
		return nil
	case !Sealed(f):
		return fault.New(path, "is damaged: its content is not what its checksum says", remedyDamaged)
	}
	return nil
}

const remedyDamaged = "The file was changed or its disk is failing. Use another checkpoint of the run, or a copy of this one."

var unchecked sync.Once

// sayUnchecked tells, once in a process, that a damaged file would not be noticed.
func sayUnchecked(path string) {
	unchecked.Do(func() {
		fmt.Fprintf(os.Stderr, "note: %s is of an older program and has no checksum; damage would go unnoticed\n", path)
	})
}
