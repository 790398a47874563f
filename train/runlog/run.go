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
	LatestLink      = "latest" // beside the run folders: the newest of them
)

// Run is a run folder.
type Run struct {
	Dir string
}

// Create makes the folder base/name/<time>, the time to the second; a second
// run of the same second gets "-2" and so on, also among several processes. The
// link base/name/latest then points to it.
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
			return r, r.link()
		}
		if !errors.Is(err, fs.ErrExist) {
			return nil, fault.Wrap(err, dir, "the run folder cannot be made", "Choose another folder: --set output.dir=...")
		}
	}
}

// Open takes up an existing run folder, to resume in it. A link to one
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

// Tidy removes the temporary files that a killed program left in the folder.
// Call it when nobody else writes there.
func (r *Run) Tidy() error {
	entries, err := os.ReadDir(r.Dir)
	if err != nil {
		return fault.Wrap(err, r.Dir, "the run folder cannot be read", "Check the folder's permissions.")
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") || !strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		if err := os.Remove(r.Path(e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(err, r.Path(e.Name()), "a file left by a killed run cannot be removed", "Check the folder's permissions.")
		}
	}
	return nil
}

// link points "latest" to the run. Where links are not to be had (some network
// and Windows file systems) there is none: it is a convenience.
func (r *Run) link() error {
	parent := filepath.Dir(r.Dir)
	temp := filepath.Join(parent, "."+LatestLink+"-"+filepath.Base(r.Dir))
	if err := os.Symlink(filepath.Base(r.Dir), temp); err != nil {
		return nil
	}
	if err := os.Rename(temp, filepath.Join(parent, LatestLink)); err != nil {
		os.Remove(temp)
		if info, e := os.Lstat(filepath.Join(parent, LatestLink)); e == nil && info.IsDir() {
			return nil // somebody's own folder of that name: leave it
		}
		return err
	}
	return nil
}

// Path is the path of a file of the run.
func (r *Run) Path(name string) string { return filepath.Join(r.Dir, name) }

// WriteConfig keeps the config as used.
func (r *Run) WriteConfig(yaml []byte) error {
	return atomicfile.WriteBytes(r.Path(ConfigFile), yaml)
}
