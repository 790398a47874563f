package scratch

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const childDir = "OPENCARBON_TEST_SCRATCH"

// As a child the test binary makes a file and a folder, says so, and waits to be
// killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		f, err1 := File(filepath.Join(dir, "a.csv"))
		d, err2 := Dir(filepath.Join(dir, "b.gpkg"))
		if errors.Join(err1, err2) == nil {
			_ = os.WriteFile(filepath.Join(d.Path, "b.gpkg-journal"), []byte("x"), 0o644)
			os.Stdout.WriteString("ready\n")
			_, _ = os.Stdin.Read(make([]byte, 1))
		}
		f.Close()
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// What a living process has in work stays; what it left when it was killed goes
// with the next file of the same name, and nothing else does.
func TestSweep(t *testing.T) {
	dir := t.TempDir()
	others := []string{".a.csv.12.tmp.keep", ".a.csv.x1.tmp", ".a.csv..tmp", "a.csv", ".b.csv.1.tmp"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.csv", filepath.Join(dir, ".a.csv.7.tmp")); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self)
	child.Env = append(os.Environ(), childDir+"="+dir)
	in, err1 := child.StdinPipe()
	out, err2 := child.StdoutPipe()
	if err := errors.Join(err1, err2, child.Start()); err != nil {
		t.Fatal(err)
	}
	if n, err := out.Read(make([]byte, 6)); n != 6 {
		t.Fatal(n, err)
	}
	make2 := func() {
		t.Helper()
		f, err := File(filepath.Join(dir, "a.csv"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(os.Remove(f.Name()), f.Close()); err != nil {
			t.Fatal(err)
		}
		d, err := Dir(filepath.Join(dir, "b.gpkg"))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(d.Remove(), d.Remove()); err != nil {
			t.Fatal(err)
		}
	}
	make2()
	if n := len(names(t, dir)); n != len(others)+3 {
		t.Errorf("beside a living process: %v", names(t, dir))
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait()
	in.Close()
	make2()
	if left := names(t, dir); len(left) != len(others)+1 {
		t.Errorf("after the kill: %v", left)
	}
}

// Many writers of one name never take each other's files away.
func TestTogether(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.csv")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				f, err := File(path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(os.Rename(f.Name(), path), f.Close()); err != nil {
					t.Error(err)
				}
				d, err := Dir(path)
				if err != nil {
					t.Error(err)
					return
				}
				if err := errors.Join(os.WriteFile(filepath.Join(d.Path, "x"), nil, 0o644), d.Remove()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := strings.Join(names(t, dir), " "); left != "a.csv" {
		t.Errorf("left: %s", left)
	}
	if _, err := File(filepath.Join(dir, "no", "folder")); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
