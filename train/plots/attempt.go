package plots

import (
	"fmt"
	"os"
	"path/filepath"
)

// Attempt draws a picture and saves it at path. Scores and tables are what a run
// is for, so a picture must not cost them: the error says which picture is left
// out and why, also where the drawing library panics (it does so on ranges and
// sizes that it cannot draw), and is meant to be told as a note, not returned. An
// older picture at path is taken away then, since it would show other numbers.
func Attempt(path string, figure func() (*Figure, error)) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("%v", why)
		}
		if err != nil {
			_ = os.Remove(path) // mostly there is none
			err = fmt.Errorf("picture %s is left out: %w", filepath.Base(path), err)
		}
	}()
	f, err := figure()
	if err != nil {
		return err
	}
	return f.Save(path)
}
