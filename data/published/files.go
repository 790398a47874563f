package published

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// Files are the files of a dataset. Carbon and Split are empty where there are
// none: a city without emissions can only be predicted, one without a split
// file is split at random.
type Files struct {
	City   string `json:"city"`
	POI    string `json:"poi"`
	Counts string `json:"counts,omitempty"` // its keys are the tiles that exist; empty in the transfer cities, where those of POI are
	Carbon string `json:"carbon"`
	Split  string `json:"split"`
	Images string `json:"images"` // folder
}

var cityOfPOI = regexp.MustCompile(`^tile2poi_distribution_(.+)\.np[yz]$`)

// Find looks for a dataset's files by their published names.
func (s *Spec) Find() (*Files, error) {
	info, err := os.Stat(s.Dir)
	switch {
	case err != nil:
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		return nil, fault.Wrap(err, "data.published.dir", s.Dir+" cannot be read", "Name the folder that holds <city>_data.")
	case !info.IsDir():
		return nil, fault.New("data.published.dir", s.Dir+" is a file", "Name the folder that holds <city>_data.")
	}
	f := &Files{City: strings.ToLower(s.City)}
	if f.City == "" {
		if f.City, err = s.onlyCity(); err != nil {
			return nil, err
		}
	}
	roots := s.roots(f.City)
	for _, k := range []struct {
		to    *string
		names []string
		need  string
	}{
		{&f.POI, []string{"tile2poi_distribution_" + f.City + ".npy", "tile2poi_distribution_" + f.City + ".npz", "tile2poi_distribution.npy", "tile2poi_distribution.npz"},
			"the POI matrices are missing"},
		{&f.Counts, []string{"tile2poi_count_" + f.City + ".npy", "tile2poi_count_" + f.City + ".npz", "tile2poi_count.npy", "tile2poi_count.npz"}, ""},
		{&f.Images, []string{"satellite_images_" + f.City, "satellite_images"}, "the folder of satellite images is missing"},
		{&f.Carbon, []string{"til2carbon_" + f.City + ".npy", "tile2carbon_" + f.City + ".npy", "til2carbon.npy", "tile2carbon.npy"}, ""},
		{&f.Split, []string{"train_test_split_" + f.City + "*.pkl", "train_test_split.pkl"}, ""},
	} {
		if *k.to, err = first(roots, k.names); err != nil {
			return nil, err
		}
		if *k.to == "" && k.need != "" {
			return nil, fault.New("data.published.dir", fmt.Sprintf("%s: %s", s.Dir, k.need),
				"Looked for "+strings.Join(k.names, ", ")+" in "+strings.Join(roots, " and ")+". Set data.published.city if the files carry another name.")
		}
	}
	if isTransfer(roots[0]) {
		f.Counts = "" // the published program takes the tiles of the POI file there
	}
	return f, nil
}

// transferFolder holds the cities of the transfer study, a folder each.
const transferFolder = "transfer_experiments"

// isTransfer reports whether a city's folder lies in transferFolder.
func isTransfer(dir string) bool {
	abs, err := filepath.Abs(dir)
	return err == nil && filepath.Base(filepath.Dir(abs)) == transferFolder
}

// roots are the folders that a city's files are looked for in: the data folder
// itself, one in it (<city>_data, or <city> in transferFolder or the one that
// holds it), or, for images and splits, the one beside it.
func (s *Spec) roots(city string) []string {
	for _, inside := range []string{filepath.Join(s.Dir, city+"_data"), filepath.Join(s.Dir, city), filepath.Join(s.Dir, transferFolder, city)} {
		if info, err := os.Stat(inside); err == nil && info.IsDir() {
			return []string{inside, s.Dir}
		}
	}
	if abs, err := filepath.Abs(s.Dir); err == nil && strings.HasSuffix(abs, "_data") {
		return []string{s.Dir, filepath.Dir(abs)}
	}
	return []string{s.Dir}
}

// first returns the first file that has one of the names, "" for none.
func first(roots, names []string) (string, error) {
	for _, name := range names {
		for _, root := range roots {
			found, err := filepath.Glob(filepath.Join(escape(root), name))
			if err != nil || len(found) == 0 {
				continue
			}
			if len(found) > 1 {
				return "", fault.New(root, "several files fit: "+strings.Join(found, ", "), "Keep the one that is meant in this folder, and move the others away.")
			}
			return found[0], nil
		}
	}
	return "", nil
}

// escape makes a folder's name stand for itself in a pattern.
func escape(s string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(s)
}

// onlyCity is the city of a folder that holds one.
func (s *Spec) onlyCity() (string, error) {
	cities := map[string]bool{}
	// named are the cities of a folder's POI files; a folder of a transfer city
	// gives its own name to one without.
	named := func(dir string) {
		list, _ := os.ReadDir(dir)
		for _, e := range list {
			if m := cityOfPOI.FindStringSubmatch(e.Name()); m != nil {
				cities[m[1]] = true
			} else if isTransfer(dir) && strings.HasPrefix(e.Name(), "tile2poi_distribution.") {
				cities[filepath.Base(dir)] = true
			}
		}
	}
	abs, err := filepath.Abs(s.Dir)
	if err != nil {
		return "", err
	}
	if city, ok := strings.CutSuffix(filepath.Base(abs), "_data"); ok && city != "" {
		return city, nil
	}
	named(abs)
	list, err := os.ReadDir(abs)
	if err != nil {
		return "", fault.Wrap(err, "data.published.dir", s.Dir+" cannot be listed", "Allow reading it.")
	}
	for _, e := range list {
		if city, ok := strings.CutSuffix(e.Name(), "_data"); ok && e.IsDir() && city != "" {
			cities[city] = true
		} else if sub := filepath.Join(abs, e.Name()); e.IsDir() && isTransfer(sub) {
			named(sub)
		}
	}
	names := make([]string, 0, len(cities))
	for c := range cities {
		names = append(names, c)
	}
	slices.Sort(names)
	switch len(names) {
	case 1:
		return names[0], nil
	case 0:
		return "", fault.New("data.published.dir", s.Dir+" holds no dataset of the published program",
			"Expected is a folder <city>_data with tile2poi_distribution_<city>.npy in it.")
	}
	return "", fault.New("data.published.city", "is not given, and "+s.Dir+" holds "+strings.Join(names, ", "), "Name one of them.")
}
