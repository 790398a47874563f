// Package atomicfile writes files that are either whole or not there: whatever
// kills the program, a reader sees the old content or the new, never a half.
// Every picture, table and record of a run goes through here.
package atomicfile

import (
	"bufio"
	"io"
	"os"
	"path/filepath"

	"opencarbon/data/scratch"
)

// Write fills a temporary file in path's folder, syncs it and renames it to
// path. If fill fails, path is as it was and nothing is left behind.
func Write(path string, fill func(io.Writer) error) error {
	f, err := Create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	b := bufio.NewWriterSize(f, 1<<16)
	if err := fill(b); err != nil {
		return err
	}
	if err := b.Flush(); err != nil {
		return err
	}
	return f.Commit()
}

// WriteBytes is Write of a text that is there already.
func WriteBytes(path string, text []byte) error {
	return Write(path, func(w io.Writer) error {
		_, err := w.Write(text)
		return err
	})
}

// File is a file in the making, for those who write over a long time. It ends
// with Commit or Abort; Abort after Commit does nothing.
type File struct {
	*os.File
	path string
	done bool
}

// Create begins a file that will be path, and removes what killed processes left
// of it.
func Create(path string) (*File, error) {
	f, err := scratch.File(path)
	if err != nil {
		return nil, err
	}
	if err := f.Chmod(0o644); err != nil { // a temporary file's 0600 is for secrets
		f.Close()
		os.Remove(f.Name())
		return nil, err
	}
	return &File{File: f, path: path}, nil
}

// Commit syncs the file and puts it in its place.
func (f *File) Commit() error {
	if f.done {
		return os.ErrClosed
	}
	defer f.Abort()
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), f.path); err != nil { // while it is open: a closed one would pass for a dead process's
		return err
	}
	f.done = true
	if err := f.Close(); err != nil {
		return err
	}
	if dir, err := os.Open(filepath.Dir(f.path)); err == nil {
		_ = dir.Sync() // makes the rename durable; some file systems refuse, which does no harm
		dir.Close()
	}
	return nil
}

// Abort throws the file away.
func (f *File) Abort() {
	if f.done {
		return
	}
	f.done = true
	os.Remove(f.Name())
	f.Close() // may be closed already
}
