// Package regular tells files on a disk from what only looks like one and reads
// them within bounds. Opening a FIFO waits for a writer that may never come,
// /dev/zero never ends, and a file of /proc says that it has 0 bytes and may wait
// or never end as well. Errors name no file: the caller knows the key or the
// folder that the user wrote.
package regular

import (
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Remedy goes with the errors of what is no regular file.
const Remedy = "Name a file on the disk; what a pipe or a device gives must be saved to one first."

// Error says what a path leads to instead of a regular file.
type Error struct{ What string }

func (e *Error) Error() string { return "this is not a regular file but " + e.What }

// Check returns nil where path, or what it links to, is a regular file on a disk
// (local or not), an *Error where it is something else, and os.Stat's error where
// it is nothing. It opens nothing.
func Check(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	what := ""
	switch m := info.Mode(); {
	case m.IsDir():
		what = "a folder"
	case m&fs.ModeNamedPipe != 0:
		what = "a pipe"
	case m&fs.ModeSocket != 0:
		what = "a socket"
	case m&fs.ModeDevice != 0:
		what = "a device"
	case !m.IsRegular():
		what = "something else"
	case ofKernel(path):
		what = "a window into the kernel"
	default:
		return nil
	}
	return &Error{what}
}

// Open opens a regular file for reading.
func Open(path string) (*os.File, error) {
	if err := Check(path); err != nil {
		return nil, err
	}
	return os.Open(path)
}

// Read returns the content of a regular file of at most most bytes.
func Read(path string, most int64) ([]byte, error) {
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil {
		return nil, err
	} else if info.Size() > most {
		return nil, fmt.Errorf("it has %d bytes, more than the %d that such a file may have", info.Size(), most)
	}
	text, err := io.ReadAll(io.LimitReader(f, most+1)) // it may be growing
	if err == nil && int64(len(text)) > most {
		err = fmt.Errorf("it has more than the %d bytes that such a file may have", most)
	}
	return text, err
}
