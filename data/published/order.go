package published

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"opencarbon/data/fault"
	"opencarbon/data/grid"
)

// beijing are the folders of Beijing's images in the order in which the published
// program reads them.
var beijing = []string{"dongcheng", "xicheng", "haidian", "shijingshan", "chaoyang", "fengtai"}

var imageName = regexp.MustCompile(`(?i)^(\d{1,9})_(\d{1,9})\.(png|jpe?g)$`)

// maxDepth is how deep folders of images are looked into; a link that leads
// back up ends there.
const maxDepth = 4

// FirstMatters says what depends on the first tile.
const FirstMatters = "model.variant: reference takes the first tile for their missing neighbors; in a copied dataset it may be another than the published program found: data.published_first_tile names it"

// found is the image of a tile.
type found struct {
	cell grid.Cell
	path string
}

// findImages lists a folder's images, those of its district folders too, in the
// order in which the published program numbers their tiles: that of the folder on
// the disk, which is not sorted, and for Beijing district by district. A tile
// that comes twice keeps its first number and its last image.
//
// A file system keeps an order of its own, and a copy may have another: what the
// first tile is, which the published program takes for every missing neighbor,
// can then only be said by Spec.First.
func (b *build) findImages(ctx context.Context, dir string) ([]found, error) {
	var list []found
	at := map[grid.Cell]int{}
	add := func(cell grid.Cell, path string) {
		if i, twice := at[cell]; twice {
			b.report.Duplicates++
			list[i].path = path
			return
		}
		at[cell] = len(list)
		list = append(list, found{cell, path})
	}
	var err error
	if districts := districtsOf(b.report.City, dir); districts != nil {
		for _, d := range districts {
			if err = inOrder(ctx, d, maxDepth-1, add); err != nil {
				break
			}
		}
	} else {
		err = inOrder(ctx, dir, maxDepth, add)
	}
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, fault.Wrap(err, dir, "cannot be listed", "Allow reading it.")
	case len(list) == 0:
		return nil, fault.New(dir, "holds no images named <x>_<y>.png or .jpg", "Unpack the city's satellite images here.")
	}
	return list, nil
}

// districtsOf are the folders of Beijing's districts that there are, nil in
// other cities and where images lie in no district.
func districtsOf(city, dir string) (out []string) {
	if city != "beijing" {
		return nil
	}
	for _, d := range beijing {
		d = filepath.Join(dir, d)
		if info, err := os.Stat(d); err == nil && info.IsDir() {
			out = append(out, d)
		}
	}
	return out
}

// inOrder adds a folder's images in the order of the folder.
func inOrder(ctx context.Context, dir string, depth int, add func(grid.Cell, string)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	names, err := f.Readdirnames(-1) // not sorted, as os.listdir in Python
	f.Close()
	if err != nil {
		return err
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		m := imageName.FindStringSubmatch(name)
		if m == nil {
			if info, err := os.Stat(path); err == nil && info.IsDir() && depth > 1 {
				if err := inOrder(ctx, path, depth-1, add); err != nil {
					return err
				}
			}
			continue
		}
		x, _ := strconv.ParseInt(m[1], 10, 64)
		y, _ := strconv.ParseInt(m[2], 10, 64)
		add(grid.Cell{Col: x, Row: y}, path)
	}
	return nil
}

// putFirst moves the tile that the user names to the front, where one is named,
// and counts what depends on it.
func (b *build) putFirst() error {
	if len(b.spec.First) == 2 {
		want := grid.Cell{Col: int64(b.spec.First[0]), Row: int64(b.spec.First[1])}
		i := slices.Index(b.cells, want)
		if i < 0 {
			return fault.New("data.published_first_tile", fmt.Sprintf("tile %s is not in the dataset", want),
				"Name the first tile that the published program found; it has an image <x>_<y> and is in the counts of POIs.")
		}
		toFront(b.cells, i)
		toFront(b.images, i)
		toFront(b.tiles, i)
		b.report.FirstGiven = true
	}
	b.report.First = [2]int64{b.cells[0].Col, b.cells[0].Row}
	there := make(map[grid.Cell]bool, len(b.cells))
	for _, c := range b.cells {
		there[c] = true
	}
	for _, c := range b.cells {
		whole := true
		for dx := int64(-1); dx <= 1; dx++ {
			for dy := int64(-1); dy <= 1; dy++ {
				whole = whole && there[grid.Cell{Col: c.Col + dx, Row: c.Row + dy}]
			}
		}
		if !whole {
			b.report.Border++
		}
	}
	return nil
}

// toFront moves element i to the front and the ones before it back by one.
func toFront[T any](s []T, i int) {
	x := s[i]
	copy(s[1:i+1], s[:i])
	s[0] = x
}
