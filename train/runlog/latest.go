package runlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// MakeLatest points the link "latest" beside the run folders to this run. Call
// it when the run has something to go on from: until then latest names the run
// before, whose weights this one may be about to read through it. A run that is
// resumed takes the link from older runs only.
//
// What lies there and is no link (a copy of the folders made it a real one) is
// moved aside, never removed: it may be somebody's only copy. The note says
// where to, or why latest does not name this run; it is empty where all went as
// usual. Where links are not to be had (some network and Windows file systems)
// and nothing is in the way there is no link and no note: it is a convenience.
func (r *Run) MakeLatest(resumed bool) (note string, err error) {
	parent := filepath.Dir(r.Dir)
	others, err := flock(parent, unix.LOCK_EX) // two runs that both move a folder aside would move each other's link
	if err != nil {
		return "", err
	}
	defer others.Close()
	latest := filepath.Join(parent, LatestLink)
	if target, err := os.Readlink(latest); err == nil && resumed && !older(filepath.Base(target), filepath.Base(r.Dir)) {
		if _, err := os.Stat(latest); err == nil {
			return "", nil
		}
	}
	temp := r.Path("." + LatestLink + ".tmp") // in the run folder: whoever resumes it removes what a kill leaves
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	there, err := os.Lstat(latest)
	exists := err == nil
	err = os.Symlink(filepath.Base(r.Dir), temp) // the text counts from where the link will be
	if err == nil && exists && there.Mode()&fs.ModeSymlink == 0 {
		var aside string
		if aside, err = moveAside(latest); err == nil {
			note = fmt.Sprintf("%s was no link but files of its own; they are in %s now", latest, aside)
		}
	}
	if err == nil {
		err = os.Rename(temp, latest)
	}
	if err != nil {
		os.Remove(temp) // it may not be there
		if exists && note == "" {
			note = fmt.Sprintf("%s does not name this run: %v", latest, err)
		}
	}
	return note, nil
}

// older compares the names of two run folders by time and number.
func older(a, b string) bool {
	const stamp = len("20060102-150405")
	timeA, timeB := a[:min(stamp, len(a))], b[:min(stamp, len(b))]
	if timeA != timeB {
		return timeA < timeB
	}
	return len(a) < len(b) || len(a) == len(b) && a < b // "-2" before "-10"
}

// moveAside renames path to path-copy, or path-copy-2 and so on.
func moveAside(path string) (string, error) {
	for n := 1; ; n++ {
		aside := path + "-copy"
		if n > 1 {
			aside = fmt.Sprintf("%s-copy-%d", path, n)
		}
		if _, err := os.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			return aside, os.Rename(path, aside)
		} else if err != nil {
			return "", err
		}
	}
}
