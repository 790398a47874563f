package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// A build holds an flock on <store>.lock, which the kernel lets go of however
// the process ends; the file's text only says who holds it.

// ErrBusy is the cause of Create's error while another process builds the store.
var ErrBusy = errors.New("another build is under way")

// busy says who builds.
type busy string

func (b busy) Error() string { return string(b) }

// Is makes it an ErrBusy.
func (b busy) Is(target error) bool { return target == ErrBusy }

// lock takes the build lock of the store dir, or says who has it.
func lock(dir string) (*os.File, error) {
	path := dir + ".lock"
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
		if err != nil {
			return nil, fault.Wrap(err, path, "cannot make the build's lock file", "Choose data.store in a folder where you may write.")
		}
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			who, _ := os.ReadFile(path)
			f.Close()
			return nil, fault.Wrap(busy(strings.TrimSpace(string(who))), dir, "another build of this store is under way",
				"Wait until it ends, stop it, or set data.store to another folder.")
		}
		if err != nil {
			f.Close()
			return nil, fault.Wrap(err, path, "cannot lock the build's lock file", "Choose data.store on a file system that has locks (flock).")
		}
		// The holder before us removed the file after we opened it: ours is an
		// orphan that nobody else would see, so try again.
		mine, err1 := f.Stat()
		now, err2 := os.Stat(path)
		if err1 != nil || err2 != nil || !os.SameFile(mine, now) {
			f.Close()
			continue
		}
		host, _ := os.Hostname()
		text := fmt.Sprintf("process %d on %s since %s\n", os.Getpid(), host, time.Now().Format(time.RFC3339))
		if err := errors.Join(f.Truncate(0), writeAll(f, text)); err != nil {
			unlock(f)
			return nil, fault.Wrap(err, path, "cannot write the build's lock file", "Make room on the disk, or set data.store to another one.")
		}
		return f, nil
	}
}

func writeAll(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// unlock removes the lock file, then lets go of the lock.
func unlock(f *os.File) {
	os.Remove(f.Name())
	f.Close()
}

var partialName = regexp.MustCompile(`^\.partial\.[0-9]+$`)

// partialDir is where a process builds the store dir: a sibling folder, or one
// inside it where dir is a mount point, since a rename cannot leave a file
// system.
func partialDir(dir string, pid int) string {
	name := fmt.Sprintf(".partial.%d", pid)
	var a, b unix.Stat_t
	if unix.Stat(dir, &a) == nil && unix.Stat(filepath.Dir(dir), &b) == nil && a.Dev != b.Dev {
		return filepath.Join(dir, name)
	}
	return dir + name
}

// cleanStale removes what builds that died have left. The caller holds the lock,
// so no build of this store is alive.
func cleanStale(dir string) error {
	for folder, prefix := range map[string]string{filepath.Dir(dir): filepath.Base(dir), dir: ""} {
		entries, err := os.ReadDir(folder)
		if err != nil {
			continue // dir itself may not exist yet
		}
		for _, e := range entries {
			rest, ok := strings.CutPrefix(e.Name(), prefix)
			if !ok || !partialName.MatchString(rest) {
				continue
			}
			path := filepath.Join(folder, e.Name())
			if err := os.RemoveAll(path); err != nil {
				return fault.Wrap(err, path, "cannot remove what an interrupted build left", "Remove the folder by hand.")
			}
		}
	}
	return nil
}
