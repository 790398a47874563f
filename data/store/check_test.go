package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"opencarbon/data/fault"
)

// A store is read once in a process, is read to the end though it is closed
// meanwhile, and a file changed in place is another one.
func TestBeginCheck(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	makeTiles(9, 4, 4, 64, 3).write(t, dir, Meta{})
	ctx := context.Background()
	s := open(t, dir)
	first, err := s.BeginCheck(ctx)
	if err != nil {
		t.Fatal(err)
	}
	again, err := open(t, dir).BeginCheck(ctx)
	if err != nil || first != again {
		t.Errorf("a second check of the same file: %v", err)
	}
	s.Close()
	if err := first.Wait(ctx); err != nil {
		t.Error(err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if err := first.Wait(cancelled); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled wait: %v", err)
	}

	path := filepath.Join(dir, tilesFile)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[headerSize+100] ^= 1
	if err := os.WriteFile(path+".new", b, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
	damaged, err := open(t, dir).BeginCheck(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := damaged.Wait(cancelled); err == nil {
		t.Error("a cancelled wait for a damaged store says that it is sound")
	}
	if err := damaged.Wait(ctx); !fault.IsInput(err) {
		t.Errorf("a damaged image: %v", err)
	}
}
