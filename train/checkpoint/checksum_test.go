package checkpoint

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/torch/safetensors"
)

// No flipped bit of a checkpoint is taken for what was saved.
func TestChecksumFlippedBits(t *testing.T) {
	path := written(t)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.safetensors")
	rng := rand.New(rand.NewPCG(1, 2))
	bulk := 8 + int(good[0]) + int(good[1])<<8 + int(good[2])<<16
	for i := range 300 {
		at := rng.IntN(len(good))
		if i < 100 {
			at = rng.IntN(bulk)
		}
		damaged := append([]byte(nil), good...)
		damaged[at] ^= 1 << rng.IntN(8)
		if err := os.WriteFile(bad, damaged, 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(bad); !fault.IsInput(err) || !strings.Contains(err.Error(), bad) || !strings.Contains(err.Error(), "\n") {
			t.Errorf("a bit of byte %d flipped (arrays begin at %d): %v", at, bulk, err)
		}
	}
}

// Files of older programs have no checksum and are read; a file that had one and
// lost it is not.
func TestChecksumOlderFiles(t *testing.T) {
	path := written(t)
	f, err := safetensors.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	delete(f.Metadata, checksumKey)
	if err := writeFile(path, f); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); !fault.IsInput(err) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("a lost checksum: %v", err)
	}
	var h map[string]any
	if err := json.Unmarshal([]byte(f.Metadata[headerKey]), &h); err != nil {
		t.Fatal(err)
	}
	delete(h, "checksum")
	text, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	f.Metadata[headerKey] = string(text)
	if err := writeFile(path, f); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err != nil {
		t.Errorf("an older file: %v", err)
	}
}
