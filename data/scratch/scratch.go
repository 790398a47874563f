// Package scratch makes the temporary files and folders in which outputs grow
// before they get their names. A process that is killed cannot remove its own:
// the next one that writes the same output does. Who is alive is told by a lock
// (flock) on the temporary file or folder itself, which the kernel lets go of
// however a process ends; where a file system has no locks nothing is removed.
package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// File makes an empty file in path's folder, named .<base>.<number>.tmp, for
// what will be path, and removes those that dead processes left there. It is
// this process's until it is closed: rename it before that.
func File(path string) (*os.File, error) {
	sweep(path)
	return own(func() (string, error) {
		f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
		if err != nil {
			return "", err
		}
		return f.Name(), f.Close()
	}, os.O_RDWR)
}

// Folder is a temporary folder.
type Folder struct {
	Path string
	lock *os.File
}

// Dir is File for writers that open their file themselves, or make further ones
// beside it: they get a folder.
func Dir(path string) (*Folder, error) {
	sweep(path)
	f, err := own(func() (string, error) {
		return os.MkdirTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")
	}, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	return &Folder{Path: f.Name(), lock: f}, nil
}

// Remove removes the folder with what is still in it. Later calls do nothing.
func (f *Folder) Remove() error {
	if f == nil || f.lock == nil {
		return nil
	}
	err := os.RemoveAll(f.Path)
	f.lock.Close()
	f.lock = nil
	return err
}

// alive are what this process made, by name, for RemoveAll.
var alive struct {
	sync.Mutex
	names map[string]os.FileInfo
}

// RemoveAll removes what this process has begun and not finished, for one that is
// about to end at once. Outputs stay as they were: what grows is removed, or was
// complete and has its name.
func RemoveAll() {
	alive.Lock()
	defer alive.Unlock()
	for name, mine := range alive.names {
		if now, err := os.Lstat(name); err == nil && os.SameFile(mine, now) {
			os.RemoveAll(name)
		}
	}
	alive.names = nil
}

// note remembers what this process made.
func note(name string, info os.FileInfo) {
	alive.Lock()
	defer alive.Unlock()
	if alive.names == nil {
		alive.names = map[string]os.FileInfo{}
	}
	for old := range alive.names { // those that are finished are gone from there
		if _, err := os.Lstat(old); err != nil {
			delete(alive.names, old)
		}
	}
	alive.names[name] = info
}

// own locks what create makes. Between the two steps another process may take it
// for a dead one's and remove it: then it is made again.
func own(create func() (string, error), flags int) (*os.File, error) {
	for {
		name, err := create()
		if err != nil {
			return nil, err
		}
		f, err := os.OpenFile(name, flags, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			os.Remove(name)
			return nil, err
		}
		for errors.Is(unix.Flock(int(f.Fd()), unix.LOCK_EX), unix.EINTR) { // without locks nobody sweeps either
		}
		mine, err1 := f.Stat()
		now, err2 := os.Lstat(name)
		if err1 == nil && err2 == nil && os.SameFile(mine, now) {
			note(name, mine)
			return f, nil
		}
		f.Close()
	}
}

// sweep removes what dead processes left of path. What cannot be removed stays:
// it does no harm but for its room.
func sweep(path string) {
	dir := filepath.Dir(path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		middle, ok := strings.CutPrefix(e.Name(), "."+filepath.Base(path)+".")
		middle, temp := strings.CutSuffix(middle, ".tmp")
		if !ok || !temp || middle == "" || strings.Trim(middle, "0123456789") != "" || e.Type()&^fs.ModeDir != 0 {
			continue
		}
		name := filepath.Join(dir, e.Name())
		flags := os.O_RDWR
		if e.IsDir() {
			flags = os.O_RDONLY
		}
		f, err := os.OpenFile(name, flags|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		if err != nil {
			continue
		}
		if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
			os.RemoveAll(name)
		}
		f.Close()
	}
}
