package remote

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/raster"
)

// IsPattern reports whether the file's name in the address is a pattern. A question
// mark is none: in an address a query begins there.
func (a Address) IsPattern() bool {
	return a.Before == "" && a.After == "" && strings.ContainsAny(path.Base(a.URL), "*[") && !strings.Contains(a.URL, "?")
}

// Files fetches the files that fit a pattern and returns it as a pattern over a
// folder of links to them.
func (c *Cache) Files(ctx context.Context, a Address) (string, error) {
	at := strings.LastIndex(a.URL, "/")
	folder, pattern := a.URL[:at+1], a.URL[at+1:]
	if _, err := path.Match(pattern, ""); err != nil {
		return "", fault.New(a.URL, "is not a pattern", "Write an address whose last part has *.")
	}
	list, err := c.list(ctx, folder)
	if err != nil {
		return "", err
	}
	var names, from []string
	for _, n := range list {
		if ok, _ := path.Match(pattern, n); ok && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	if len(names) == 0 {
		return "", fault.New(Shown(a.URL), fmt.Sprintf("none of the %d names that the server lists in the folder fits", len(list)),
			"Open the folder's address in a browser; a server that shows no list of files there has none for patterns either: fetch the files and name the copies.")
	}
	for _, n := range names {
		address := folder + n
		if a.Web() {
			address = folder + url.PathEscape(n)
		}
		p, err := c.File(ctx, address)
		if err != nil {
			return "", err
		}
		from = append(from, p)
	}
	home := filepath.Join(c.Dir, "sets", short(strings.Join(from, "\x00")))
	unlock, err := lockIn(ctx, home)
	if err != nil {
		return "", err
	}
	defer unlock()
	if err := os.MkdirAll(home, 0o777); err != nil {
		return "", cacheFault(home, err)
	}
	for i, p := range from {
		link := filepath.Join(home, names[i])
		if to, err := os.Readlink(link); err == nil && to == p {
			continue
		}
		_ = os.Remove(link)
		if err := os.Symlink(p, link); err != nil {
			return "", cacheFault(link, err)
		}
	}
	return filepath.Join(home, pattern), nil
}

// lockIn locks a folder by a file beside it.
func lockIn(ctx context.Context, home string) (func(), error) {
	if err := os.MkdirAll(filepath.Dir(home), 0o777); err != nil {
		return nil, cacheFault(home, err)
	}
	return lock(ctx, home+".lock")
}

var href = regexp.MustCompile(`(?i)href\s*=\s*["']([^"'?#]+)["']`)

// list returns the names of the files in a folder of a server: those that the page
// of a web folder links to, or the store's own list.
func (c *Cache) list(ctx context.Context, folder string) ([]string, error) {
	a := Address{URL: folder}
	if !a.Web() {
		names, err := raster.Names(strings.TrimSuffix(a.GDAL(), "/"))
		if err != nil {
			return nil, toldCloud(err, a)
		}
		return names, nil
	}
	res, err := c.Client.do(ctx, "GET", folder, nil, 200)
	if err != nil {
		return nil, told(err, folder)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(io.LimitReader(res.Body, 16<<20))
	if err != nil {
		return nil, told(err, folder)
	}
	here, err := url.Parse(folder)
	if err != nil {
		return nil, told(errors.New("not an address"), folder)
	}
	var names []string
	for _, m := range href.FindAllSubmatch(page, -1) {
		to, err := here.Parse(html.UnescapeString(string(m[1])))
		if err == nil && to.Host == here.Host && path.Dir(to.Path) == path.Clean(here.Path) && !strings.HasSuffix(to.Path, "/") {
			names = append(names, path.Base(to.Path))
		}
	}
	return names, nil
}
