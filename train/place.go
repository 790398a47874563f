package train

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// claim takes a folder of results for this process until the file is closed, or
// says that another one is at work there: two of them would write one file of
// embeddings. The lock is the folder's own (flock), so that it leaves nothing
// behind and ends however the process ends.
func claim(dir string) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, fault.Wrap(err, dir, "the folder of the results cannot be opened", "Give another one with --out.")
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); errors.Is(err, unix.EWOULDBLOCK) {
		f.Close()
		return nil, fault.New(dir, "another prediction is being written to this folder", "Wait until it ends, or give another folder with --out.")
	} else if err != nil && !errors.Is(err, unix.ENOTSUP) && !errors.Is(err, unix.ENOLCK) && !errors.Is(err, unix.EBADF) {
		f.Close()
		return nil, fault.Wrap(err, dir, "the folder of the results cannot be locked", "Give another one with --out.")
	}
	return f, nil
}
