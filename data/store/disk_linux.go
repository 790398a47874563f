package store

import (
	"os"

	"golang.org/x/sys/unix"
)

// reserve makes a file size bytes long and takes the disk space for it.
func reserve(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		if err != unix.EINTR {
			return err
		}
	}
}
