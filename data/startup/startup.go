// Package startup lets a package that leans on something outside the program say,
// before any work, whether it is there, to a command that does not know it: only
// data/raster knows GDAL, and a command without it needs none.
package startup

var checks []func() error

// Add registers a check; an init function calls it.
func Add(check func() error) { checks = append(checks, check) }

// Check is the first complaint, a *fault.Input error, of the packages that the
// program is made of.
func Check() error {
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}
