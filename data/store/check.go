package store

import (
	"context"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// Check is the verification of a store's images, under way beside other work.
type Check struct {
	done chan struct{}
	err  error // of the verification; read after done
}

// checks are those of this process, so that a store is read once however often
// it is opened.
var checks struct {
	sync.Mutex
	of map[fileKey]*Check
}

// fileKey tells files, and states of one file, apart.
type fileKey struct {
	dev, ino  uint64
	size      int64
	sec, nsec int64
}

// BeginCheck verifies what lies in the big sections, which Open leaves out: the
// points at once, since a damaged one could lead anywhere, and the images in the
// background, once in a process for each file. Whoever computes with a store
// begins a check, and waits for it before results go out. Errors are
// *fault.Input, or ctx's.
func (s *Store) BeginCheck(ctx context.Context) (*Check, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(s.file.Fd()), &st); err != nil {
		return nil, fault.Wrap(err, s.dir, "cannot look at the tile store", "Check the disk.")
	}
	key := fileKey{uint64(st.Dev), st.Ino, st.Size, int64(st.Mtim.Sec), int64(st.Mtim.Nsec)}
	checks.Lock()
	defer checks.Unlock()
	if c := checks.of[key]; c != nil {
		return c, nil
	}
	for _, sec := range s.head.sections {
		if sec.bulk() && sec.name != secImages {
			if err := s.verifySection(ctx, sec); err != nil {
				return nil, err
			}
		}
	}
	if err := s.verifyPoints(); err != nil {
		return nil, err
	}
	fd, err := unix.FcntlInt(s.file.Fd(), unix.F_DUPFD_CLOEXEC, 0) // the store may be closed before the check ends
	if err != nil {
		return nil, fault.Wrap(err, s.dir, "cannot open the tile store a second time", "Raise the limit on open files (ulimit -n).")
	}
	c := &Check{done: make(chan struct{})}
	if checks.of == nil {
		checks.of = map[fileKey]*Check{}
	}
	checks.of[key] = c
	go func(f *os.File, path string, sections []section) {
		defer f.Close()
		c.err = verifyImages(f, path, sections)
		if c.err != nil { // a disk may be mended
			checks.Lock()
			delete(checks.of, key)
			checks.Unlock()
		}
		close(c.done)
	}(os.NewFile(uintptr(fd), s.file.Name()), filepath.Join(s.dir, tilesFile), s.head.sections)
	return c, nil
}

// Wait returns when the check has ended: nil where the store is sound, a
// *fault.Input error where it is not, ctx's error where that ended first.
func (c *Check) Wait(ctx context.Context) error {
	select {
	case <-c.done:
	case <-ctx.Done():
		select {
		case <-c.done: // damage is worth more to know than an interruption
		default:
			return ctx.Err()
		}
	}
	if c.err != nil {
		return c.err
	}
	return ctx.Err()
}

// verifyImages compares the images with their checksum. It reads the file:
// pages of the mapping would count as the process's memory. No context ends it,
// since a second command of the process may wait for it too.
func verifyImages(f *os.File, path string, sections []section) error {
	buffer := make([]byte, 4<<20)
	for _, sec := range sections {
		if sec.name != secImages {
			continue
		}
		var sum uint32
		for at := int64(0); at < sec.size; {
			n := min(int64(len(buffer)), sec.size-at)
			if _, err := f.ReadAt(buffer[:n], sec.offset+at); err != nil {
				return fault.Wrap(err, path, "the images cannot be read", "Check the disk, or build the store again.")
			}
			sum = crc32.Update(sum, castagnoli, buffer[:n])
			at += n
		}
		if sum != sec.crc {
			return atPath(damaged(sec.name, fmt.Sprintf("checksum %08x, expected %08x", sum, sec.crc)), path)
		}
	}
	return nil
}
