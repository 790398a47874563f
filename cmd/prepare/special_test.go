package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/data/store"
)

// exitCode runs a child and returns its exit code.
func exitCode(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode()
}

// complain checks what a user sees and what remains.
func complain(t *testing.T, c city, code int, message string, before []string, want ...string) {
	t.Helper()
	if code != 2 {
		t.Errorf("exit code %d, want 2", code)
	}
	for _, w := range want {
		if !strings.Contains(message, w) {
			t.Errorf("the message does not hold %q:\n%s", w, message)
		}
	}
	if got := c.left(); !slices.Equal(got, before) {
		t.Errorf("left: %v, before: %v", got, before)
	}
}

// TestFullDisk limits the size of files, which the kernel answers as it answers
// a full disk: the write fails.
func TestFullDisk(t *testing.T) {
	c := newCity(t, master(t))
	cmd, out := c.child("ulimit -f 64;") // the store needs some 250 KB
	code := exitCode(t, cmd)
	complain(t, c, code, out.String(), nil, "stores/demo", "data.store")
}

// TestUnreadable needs a user whom permissions bind: when the tests run as root,
// the command runs as nobody.
func TestUnreadable(t *testing.T) {
	source := master(t)
	for _, k := range []struct {
		name string
		do   func(c city)
		want []string
	}{
		{"file", func(c city) { c.check(os.Chmod(c.path("poi.csv"), 0)) }, []string{"data.poi.path", "poi.csv", "permission", "chmod"}},
		{"folder", func(c city) { c.check(os.Chmod(c.path("odiac"), 0)) }, []string{"data.emissions.path", "odiac"}},
		{"folder of tiles", func(c city) {
			c.check(os.MkdirAll(c.path("tiles/15/1"), 0o755))
			c.check(os.Chmod(c.path("tiles/15"), 0))
			c.yaml("mosaic.tif", "tiles")
		}, []string{"data.imagery.path", "tiles", "permission"}},
		{"folder for the store", func(c city) {
			c.check(os.MkdirAll(filepath.Dir(c.store()), 0o755))
			c.check(os.Chmod(filepath.Dir(c.store()), 0o555))
		}, []string{"stores", "data.store", "permission"}},
	} {
		t.Run(k.name, func(t *testing.T) {
			c := newCity(t, source)
			cmd, out := c.child("")
			if os.Geteuid() == 0 {
				// Nobody must reach the city and the test binary.
				base := t.TempDir()
				for p := base; len(p) > len(os.TempDir()); p = filepath.Dir(p) {
					c.check(os.Chmod(p, 0o755))
				}
				c.check(os.Chmod(base, 0o777))
				c.check(os.Rename(c.dir, filepath.Join(base, "city")))
				c.dir = filepath.Join(base, "city")
				cmd, out = c.child("")
				self := filepath.Join(base, "prepare.test")
				copyFile(t, cmd.Args[3], self)
				cmd.Args[3] = self
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
				cmd.Dir = base
			}
			k.do(c)
			t.Cleanup(func() { // so that the folders can be removed
				_ = filepath.WalkDir(filepath.Dir(c.dir), func(p string, e os.DirEntry, err error) error {
					if e != nil && e.IsDir() {
						_ = os.Chmod(p, 0o755)
					}
					return nil
				})
			})
			before := c.left()
			code := exitCode(t, cmd)
			complain(t, c, code, out.String(), before, k.want...)
		})
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStoresThatAreThere: what prepare does with a store that it cannot use.
func TestStoresThatAreThere(t *testing.T) {
	source := master(t)
	tiles := func(c city) string { return filepath.Join(c.store(), "tiles.ocs") }
	patch := func(t *testing.T, c city, at int64, b []byte) {
		f, err := os.OpenFile(tiles(c), os.O_RDWR, 0)
		c.check(err)
		defer f.Close()
		_, err = f.WriteAt(b, at)
		c.check(err)
	}
	built := func(t *testing.T) city {
		c := newCity(t, source)
		if code, _, message := c.prepare(); code != 0 {
			t.Fatalf("exit code %d: %s", code, message)
		}
		return c
	}
	t.Run("newer version", func(t *testing.T) {
		c := built(t)
		patch(t, c, 8, []byte{99, 0, 0, 0})
		before, _ := os.ReadFile(tiles(c))
		code, _, message := c.prepare()
		complain(t, c, code, message, []string{"demo"}, "stores/demo", "version 99", "--force")
		if now, _ := os.ReadFile(tiles(c)); string(now) != string(before) {
			t.Error("the newer store was touched")
		}
		if code, _, message := c.prepare("--force"); code != 0 {
			t.Errorf("--force: exit code %d: %s", code, message)
		}
	})
	t.Run("corrupted", func(t *testing.T) {
		c := built(t)
		patch(t, c, 4096+1000, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9}) // somewhere in the images
		s, err := store.Open(c.store())
		c.check(err)
		if err := s.Verify(t.Context()); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("the damage is not found: %v", err)
		}
		s.Close()
		code, out, message := c.prepare()
		if code != 0 || !strings.Contains(out, "damaged") || !strings.Contains(out, "checksum") {
			t.Errorf("exit code %d: %s%s", code, out, message)
		}
		if code, out, _ := c.prepare(); code != 0 || !strings.Contains(out, "up to date") {
			t.Errorf("after mending: exit code %d: %s", code, out)
		}
	})
	t.Run("cut short", func(t *testing.T) {
		c := built(t)
		c.check(os.Truncate(tiles(c), 10000))
		if code, out, message := c.prepare(); code != 0 || !strings.Contains(out, "cut short") {
			t.Errorf("exit code %d: %s%s", code, out, message)
		}
	})
	t.Run("two builds at once", func(t *testing.T) {
		c := built(t)
		w, err := store.Create(c.store(), store.Meta{}, 1, 0)
		c.check(err)
		defer w.Abort()
		before := c.left()
		code, _, message := c.prepare("--force")
		complain(t, c, code, message, before, "stores/demo", "another build", "process", "Wait")
		w.Abort()
		if code, out, _ := c.prepare(); code != 0 || !strings.Contains(out, "up to date") {
			t.Errorf("the older store was not left as it was: exit code %d: %s", code, out)
		}
	})
}

// TestInterrupted sends SIGINT at many moments of a build: it ends with code 130
// and leaves nothing, or was quicker and has built a sound store.
func TestInterrupted(t *testing.T) {
	source := master(t)
	stopped := 0
	for i := range 12 {
		c := newCity(t, source)
		cmd, out := c.child("")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(10+i*8) * time.Millisecond)
		_ = cmd.Process.Signal(os.Interrupt)
		err := cmd.Wait()
		switch code := cmd.ProcessState.ExitCode(); code {
		case 0:
			s, err := store.Open(c.store())
			if err == nil {
				err = s.Verify(t.Context())
				s.Close()
			}
			if err != nil {
				t.Errorf("a build that ended well: %v", err)
			}
		case 130, -1: // -1: before the program could listen
			stopped++
			if left := c.left(); len(left) > 0 {
				t.Errorf("left behind: %v\n%s", left, out)
			}
		default:
			t.Errorf("exit code %d (%v): %s", code, err, out)
		}
	}
	t.Logf("%d of 12 were stopped", stopped)
}
