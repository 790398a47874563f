package regular

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	file, fifo, link := filepath.Join(dir, "file"), filepath.Join(dir, "fifo"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, []byte("12345"), 0o666), unix.Mkfifo(fifo, 0o666), os.Symlink("/dev/zero", link)); err != nil {
		t.Fatal(err)
	}
	for path, regular := range map[string]bool{file: true, fifo: false, link: false, dir: false, "/proc/self/status": false,
		"/sys/kernel/mm": false, "/dev/null": false} {
		err := Check(path)
		var e *Error
		if (err == nil) != regular || err != nil && !errors.As(err, &e) && !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := Read(path, 100); (err == nil) != regular { // must not wait
			t.Errorf("reading %s: %v", path, err)
		}
	}
	if err := Check(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("12345"), 0o666); err != nil {
		t.Fatal(err)
	}
	if b, err := Read(path, 5); err != nil || string(b) != "12345" {
		t.Errorf("%q %v", b, err)
	}
	if _, err := Read(path, 4); err == nil {
		t.Error("a file of 5 bytes passes a bound of 4")
	}
	if err := os.Truncate(path, 1<<40); err != nil { // sparse: no disk has to hold it
		t.Skip(err)
	}
	if _, err := Read(path, 1<<20); err == nil {
		t.Error("a sparse giant passes")
	}
}
