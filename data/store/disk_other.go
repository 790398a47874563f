//go:build !linux

package store

import "os"

// reserve makes a file size bytes long; only Linux can take the space at once.
func reserve(f *os.File, size int64) error { return f.Truncate(size) }
