package runlog

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"

	"opencarbon/data/fault"
)

// lock takes the run folder for this process until Close, or says that another
// one is training in it.
func (r *Run) lock() error {
	f, err := flock(r.Dir, unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fault.New(r.Dir, "this run is being trained by another process", "Wait until it ends or stop it, then resume; or start a new run.")
	} else if err != nil {
		return fault.Wrap(err, r.Dir, "the run folder cannot be locked", "Check the folder's permissions.")
	}
	r.held = f
	return nil
}

// Close lets go of the run folder. It does nothing to one that is only read.
func (r *Run) Close() error {
	if r.held == nil {
		return nil
	}
	f := r.held
	r.held = nil
	return f.Close()
}

// flock locks a folder itself until the file is closed: that leaves nothing
// behind and ends however the process ends. A file system without locks does
// without.
func flock(dir string, how int) (*os.File, error) {
	f, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), how)
		switch {
		case errors.Is(err, unix.EINTR): // a signal while waiting
		case err == nil, errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.ENOLCK), errors.Is(err, unix.EBADF), errors.Is(err, unix.ENOSYS):
			return f, nil
		default:
			f.Close()
			return nil, err
		}
	}
}
