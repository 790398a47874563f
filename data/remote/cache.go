package remote

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Cache is a folder of fetched files that runs share, several at a time too. A file
// lies at files/HOST/KEY/NAME, where the key follows from its address, ETag, size
// and time: what changes on the server gets another key. It grows beside that, as
// KEY.part, and is renamed when whole.
type Cache struct {
	Dir      string
	Limit    int64  // bytes; files not used for longest go first, none of the last day; 0: no limit
	Client   Client // zero: as it comes
	Progress func(what string, done, total int64)
	Note     func(text string) // hears what a person should know before or after
}

// Default is the folder that the user's system has for what can be fetched again.
func Default() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", cacheFault("data.cache", err)
	}
	return filepath.Join(dir, "opencarbon"), nil
}

func (c *Cache) note(format string, args ...any) {
	if c.Note != nil {
		c.Note(fmt.Sprintf(format, args...))
	}
}

func (c *Cache) progress(what string) func(done, total int64) {
	if c.Progress == nil {
		return func(int64, int64) {}
	}
	return func(done, total int64) { c.Progress(what, done, total) }
}

// Look is Client.Look for every kind of address.
func (c *Cache) Look(ctx context.Context, address string) (Version, error) {
	if a := (Address{URL: address}); !a.Web() {
		return lookCloud(a)
	}
	return c.Client.Look(ctx, address)
}

// beside are the files that belong to a file of an ending; those with ! it cannot
// be read without.
var beside = map[string][]string{
	".shp": {"!.shx", "!.dbf", ".prj", ".cpg"}, ".tab": {"!.dat", "!.map", "!.id"}, ".mif": {"!.mid"},
	".tif": {".tfw", ".aux.xml"}, ".tiff": {".tfw", ".aux.xml"}, ".png": {".pgw", ".prj", ".aux.xml"}, ".jpg": {".jgw", ".prj", ".aux.xml"}, ".csv": {".csvt"},
}

// part is one file of a set that is fetched together.
type part struct {
	address string
	Version
}

// File fetches the file at an address with what belongs to it, unless the cache has
// it as it is on the server, and returns where it lies. Of a server that cannot be
// reached the copy fetched last is taken, with a note.
func (c *Cache) File(ctx context.Context, address string) (string, error) {
	host, id := hostOf(address), short(address)
	dir := filepath.Join(c.Dir, "files", host)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return "", cacheFault(c.Dir, err)
	}
	last := filepath.Join(dir, id+".last")
	main, err := c.Look(ctx, address)
	if err != nil {
		if ctx.Err() != nil {
			return "", err
		}
		if key, e := os.ReadFile(last); e == nil && !denied(err) {
			if p := onlyFile(filepath.Join(dir, filepath.Base(string(key)))); p != "" {
				c.note("%s; the copy fetched before is used: %s", firstLine(err), p)
				return p, nil
			}
		}
		return "", err
	}
	set := []part{{address, main}}
	more, err := c.siblings(ctx, address)
	if err != nil {
		return "", err
	}
	set = append(set, more...)
	key := keyOf(set)
	unlock, err := lock(ctx, filepath.Join(dir, key+".lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	home := filepath.Join(dir, key)
	path := filepath.Join(home, main.Name)
	// What has neither ETag nor time may have changed in the same number of bytes.
	if _, err := os.Stat(path); err == nil && main.known() {
		now := time.Now()
		_ = os.Chtimes(home, now, now) // used: among the last to be removed
		_ = os.WriteFile(last, []byte(key), 0o666)
		return path, nil
	}
	grow := home + ".part"
	if !main.known() {
		os.RemoveAll(grow)
	}
	if err := os.MkdirAll(grow, 0o777); err != nil {
		return "", cacheFault(grow, err)
	}
	c.note("fetching %s (%s) into %s", Shown(address), Bytes(main.Size), home)
	for _, p := range set {
		if err := c.fetch(ctx, p, filepath.Join(grow, p.Name)); err != nil {
			return "", err
		}
		if !p.Modified.IsZero() { // what tells large files apart is the server's time
			_ = os.Chtimes(filepath.Join(grow, p.Name), p.Modified, p.Modified)
		}
	}
	if err := os.RemoveAll(home); err != nil {
		return "", cacheFault(home, err)
	}
	if err := os.Rename(grow, home); err != nil {
		return "", cacheFault(home, err)
	}
	_ = os.WriteFile(last, []byte(key), 0o666)
	c.bound()
	return path, nil
}

func (c *Cache) fetch(ctx context.Context, p part, to string) error {
	say := c.progress(p.Name)
	if a := (Address{URL: p.address}); !a.Web() {
		return copyCloud(ctx, a, p.Version, to, say)
	}
	return c.Client.Download(ctx, p.address, p.Version, to, say)
}

// siblings looks for what lies beside the file on the server.
func (c *Cache) siblings(ctx context.Context, address string) ([]part, error) {
	u, err := url.Parse(address)
	if err != nil || u.RawQuery != "" {
		return nil, nil
	}
	end := filepath.Ext(u.Path)
	var out []part
	for _, e := range beside[strings.ToLower(end)] {
		name, needed := strings.CutPrefix(e, "!")
		stem := strings.TrimSuffix(address, end)
		if name == ".aux.xml" {
			stem = address
		}
		v, err := c.Look(ctx, stem+name)
		if err == nil {
			out = append(out, part{stem + name, v})
		} else if needed || ctx.Err() != nil {
			return nil, err
		}
	}
	return out, nil
}

// bound removes the files used longest ago while there are more than the limit.
func (c *Cache) bound() {
	if c.Limit <= 0 {
		return
	}
	type entry struct {
		path string
		size int64
		used time.Time
	}
	var all []entry
	var sum int64
	homes, _ := filepath.Glob(filepath.Join(c.Dir, "files", "*", "*"))
	tiles, _ := filepath.Glob(filepath.Join(c.Dir, "tiles", "*"))
	homes = append(homes, tiles...)
	for _, h := range homes {
		info, err := os.Stat(h)
		if err != nil || !info.IsDir() {
			continue
		}
		e := entry{h, 0, info.ModTime()}
		_ = filepath.WalkDir(h, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				if i, err := d.Info(); err == nil {
					e.size += i.Size()
				}
			}
			return nil
		})
		all, sum = append(all, e), sum+e.size
	}
	slices.SortFunc(all, func(a, b entry) int { return a.used.Compare(b.used) })
	for _, e := range all {
		if sum <= c.Limit || time.Since(e.used) < 24*time.Hour { // a run may be reading it
			return
		}
		if os.RemoveAll(e.path) == nil {
			sum -= e.size
		}
	}
}

// lock waits until no other process holds the lock file and takes it; on a file
// system without locks all go on at once, and the renames keep files whole.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, cacheFault(path, err)
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil || !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return func() { f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func onlyFile(home string) string {
	list, err := os.ReadDir(home)
	if err != nil || len(list) == 0 {
		return ""
	}
	for _, e := range list { // of a shapefile's parts the one that is named
		if beside[strings.ToLower(filepath.Ext(e.Name()))] != nil {
			return filepath.Join(home, e.Name())
		}
	}
	return filepath.Join(home, list[0].Name())
}

func keyOf(set []part) string {
	var b strings.Builder
	for _, p := range set {
		fmt.Fprintf(&b, "%s\x00%s\x00%s\x00%d\x00%d\n", p.address, p.Name, p.ETag, p.Size, p.Modified.Unix())
	}
	return short(b.String())
}

func short(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:10])
}

var unsafeInName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "server"
	}
	return unsafeInName.ReplaceAllString(u.Host, "_")
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// Bytes writes a number of bytes for people.
func Bytes(n int64) string {
	switch {
	case n < 0:
		return "size unknown"
	case n < 1e4:
		return fmt.Sprintf("%d bytes", n)
	case n < 1e7:
		return fmt.Sprintf("%.0f kB", float64(n)/1e3)
	case n < 1e10:
		return fmt.Sprintf("%.0f MB", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}
