package raster

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/scratch"
)

// Unpack writes a NetCDF file that lies in an archive (a.zip, a.nc.gz) to a
// temporary folder under its own name: its library reads files of the disk alone,
// or others by a trick that many systems forbid. unpacked is path itself of any
// other file. remove is to be called when the file is no longer needed.
func Unpack(path string) (unpacked string, remove func(), err error) {
	nothing := func() {}
	name, err := resolve(path)
	if err != nil {
		return "", nothing, err
	}
	end := strings.ToLower(filepath.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")))
	if strings.HasPrefix(name, "/vsitar/") && end != ".nc" && end != ".nc4" { // the archive itself: its only member
		members, _ := Names(name)
		members = slices.DeleteFunc(members, func(m string) bool { return strings.HasPrefix(m, ".") })
		if len(members) == 1 {
			name += "/" + members[0]
			end = strings.ToLower(filepath.Ext(members[0]))
		}
	}
	if !strings.HasPrefix(name, "/vsi") || strings.HasPrefix(name, "/vsicurl") || end != ".nc" && end != ".nc4" {
		return path, nothing, nil
	}
	work, err := scratch.Dir(filepath.Join(os.TempDir(), "opencarbon.nc"))
	if err != nil {
		return "", nothing, fault.Wrap(err, path, "cannot be unpacked", "Make room and allow writing in "+os.TempDir()+" (or the folder that TMPDIR names), or unpack it yourself.")
	}
	remove = func() { _ = work.Remove() }
	base := filepath.Base(name)
	if strings.HasSuffix(strings.ToLower(base), ".gz") {
		base = base[:len(base)-len(".gz")]
	}
	unpacked = filepath.Join(work.Path, base)
	f, err := os.Create(unpacked)
	if err == nil {
		err = Copy(name, func(b []byte) error {
			_, err := f.Write(b)
			return err
		})
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		remove()
		return "", nothing, fault.Wrap(err, path, "cannot be unpacked", "Fetch it again, make room in "+os.TempDir()+", or unpack it yourself.")
	}
	return unpacked, remove, nil
}
