// Package runlog keeps the record of a run: the folder runs/<name>/<time>/ with
// the config as used, run.json (who computed this, from what, on what), the
// metrics table that grows while training and the table of predictions.
//
// It writes text only. Checkpoints, pictures and TensorBoard events have their
// own rooms and put their files into the folder this package makes.
package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"opencarbon/data/fault"
	"opencarbon/train/atomicfile"
)

// Names of the files of a run folder.
const (
	ConfigFile      = "config.yaml"
	InfoFile        = "run.json"
	MetricsFile     = "metrics.csv"
	PredictionsFile = "predictions.csv"
	LatestLink      = "latest" // beside the run folders: the newest that has a checkpoint
)

// Run is a run folder.
type Run struct {
	Dir  string
	held *os.File // the folder, locked, where this process trains in it
}

// Create makes the folder base/name/<time>, the time to the second; a second
// run of the same second gets "-2" and so on, also among several processes. The
// folder is this process's until Close. The link base/name/latest is left where
// it is: see MakeLatest.
func Create(base, name string, now time.Time) (*Run, error) {
	parent := filepath.Join(base, name)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return nil, fault.Wrap(err, "output.dir", "the run folder cannot be made", "Choose another folder: --set output.dir=...")
	}
	stamp := now.Format("20060102-150405")
	for n := 1; ; n++ {
		dir := filepath.Join(parent, stamp)
		if n > 1 {
			dir = fmt.Sprintf("%s-%d", dir, n)
		}
		err := os.Mkdir(dir, 0o755) // fails if it exists: no two runs share one
		if err == nil {
			r := &Run{Dir: dir}
			return r, r.lock()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fault.Wrap(err, dir, "the run folder cannot be made", "Choose another folder: --set output.dir=...")
		}
	}
}

// CreateAt makes the run folder dir itself, or takes an empty one. It is this
// process's until Close.
func CreateAt(dir string) (*Run, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fault.Wrap(err, dir, "the run folder cannot be made", "Choose another folder: --set output.dir=...")
	}
	r := &Run{Dir: dir}
	return r, r.lock()
}

// Open finds an existing run folder, to read in it. A link to one
// (runs/<name>/latest) will do.
func Open(dir string) (*Run, error) {
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		var info fs.FileInfo
		if info, err = os.Stat(filepath.Join(real, ConfigFile)); err == nil && info.Mode().IsRegular() {
			return &Run{Dir: real}, nil
		}
	}
	return nil, fault.Wrap(err, dir, "is not a run folder", "Give a folder such as runs/<name>/latest that holds "+ConfigFile+".")
}

// Resume takes up an existing run folder to go on in it: it is this process's
// until Close, and what a killed program left half written is removed. A folder
// in which another process trains is refused.
func Resume(dir string) (*Run, error) {
	r, err := Open(dir)
	if err != nil {
		return nil, err
	}
	if err := r.lock(); err != nil {
		return nil, err
	}
	if err := r.tidy(); err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// tidy removes the temporary files that a killed program left in the folder.
func (r *Run) tidy() error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return fault.Wrap(err, r.Dir, "the run folder cannot be read", "Check the folder's permissions.")
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		if err := os.RemoveAll(r.Path(e.Name())); err != nil {
			return fault.Wrap(err, r.Path(e.Name()), "a file left by a killed run cannot be removed", "Check the folder's permissions.")
		}
	}
	return nil
}

// Path is the path of a file of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// WriteConfig keeps the config as used.
func (r *Run) WriteConfig(yaml []byte) error {
	return atomicfile.WriteBytes(r.Path(ConfigFile), yaml)
}
