// Package build makes an experiment's tile store for a command, with its
// progress on the command's standard error.
package build

import (
	"fmt"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/progress"
	"opencarbon/data"
	"opencarbon/data/raster"
	"opencarbon/data/store"
	"opencarbon/train/config"
)

// Store checks that the files named in c are there and builds the store, unless
// it is up to date. Of o, Name and Progress are set here.
func Store(cmd *cobra.Command, c *config.Config, o data.Options) (*data.Report, error) {
	if raster.Without() == nil { // else nothing can be made of them: a store is given
		if err := config.CheckFiles(c); err != nil {
			return nil, err
		}
	}
	bar := progress.New(cmd.ErrOrStderr())
	defer bar.Close()
	o.Name, o.Progress = c.Name, bar.Set
	o.Note = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	return data.Build(cmd.Context(), &c.Data, o)
}

// Open is Store, and opens what was built; where another process builds it just now
// it waits, since shards of a study begin at once. The caller closes it.
func Open(cmd *cobra.Command, c *config.Config) (*store.Store, error) {
	r, err := Store(cmd, c, data.Options{Wait: true})
	if err != nil {
		return nil, err
	}
	return store.Open(r.Store)
}
