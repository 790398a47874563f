package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // map tiles are JPEG
	_ "image/png"  // or PNG
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/scratch"
)

// Server is a server of map tiles in web mercator.
type Server struct {
	Template    string        // https://host/{z}/{x}/{y}.png; {-y} counts rows from the south, {q} is a quadkey, {s} one of a, b, c
	Connections int           // at once, at most
	Delay       time.Duration // that each connection waits between two tiles
}

// IsServer reports whether an address is a pattern of tiles.
func IsServer(name string) bool {
	low := strings.ToLower(name)
	return (strings.HasPrefix(low, "http://") || strings.HasPrefix(low, "https://")) &&
		(strings.Contains(name, "{q}") || strings.Contains(name, "{x}") && (strings.Contains(name, "{y}") || strings.Contains(name, "{-y}")))
}

// at is the address of a tile.
func (s Server) at(z, x, y int) string {
	var q strings.Builder
	for i := z - 1; i >= 0; i-- {
		q.WriteByte('0' + byte(x>>i&1) + 2*byte(y>>i&1))
	}
	return strings.NewReplacer("{z}", strconv.Itoa(z), "{x}", strconv.Itoa(x), "{y}", strconv.Itoa(y), "{-y}", strconv.Itoa(1<<z-1-y),
		"{q}", q.String(), "{s}", string("abc"[(x+y)%3])).Replace(s.Template)
}

// ending is that of the tiles' files.
func (s Server) ending() string {
	if u, err := url.Parse(s.Template); err == nil {
		if e := strings.ToLower(path.Ext(u.Path)); e == ".jpg" || e == ".jpeg" {
			return e
		}
	}
	return ".png"
}

// home is the folder of a server's tiles, and file the place of one in it. A tile
// that the server has not is an empty file of another ending.
func (c *Cache) home(s Server) string {
	return filepath.Join(c.Dir, "tiles", hostOf(strings.NewReplacer("{", "", "}", "").Replace(s.Template))+"-"+short(s.Template))
}

const noTile = ".none"

// Tile fetches one tile unless it is here and returns its file; empty where the
// server has none.
func (c *Cache) Tile(ctx context.Context, s Server, z, x, y int) (file string, fetched bool, err error) {
	stem := filepath.Join(c.home(s), strconv.Itoa(z), strconv.Itoa(x), strconv.Itoa(y))
	file = stem + s.ending()
	if _, err := os.Stat(file); err == nil {
		return file, false, nil
	}
	if _, err := os.Stat(stem + noTile); err == nil {
		return "", false, nil
	}
	content, err := c.tile(ctx, s.at(z, x, y))
	if err != nil {
		return "", true, err
	}
	if content == nil {
		file = stem + noTile
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return "", true, cacheFault(file, err)
	}
	w, err := scratch.File(file)
	if err != nil {
		return "", true, cacheFault(file, err)
	}
	defer w.Close()
	_, err = w.Write(content)
	if err == nil {
		err = os.Rename(w.Name(), file)
	}
	if err != nil {
		os.Remove(w.Name())
		return "", true, cacheFault(file, err)
	}
	if content == nil {
		file = ""
	}
	return file, true, nil
}

// tile is the content of a tile; nil where the server has none.
func (c *Cache) tile(ctx context.Context, address string) ([]byte, error) {
	var content []byte
	for try := 1; ; try++ {
		res, err := c.Client.do(ctx, http.MethodGet, address, nil, 200, 204, 404, 410)
		if err != nil {
			return nil, told(err, address)
		}
		if res.StatusCode != 200 {
			res.Body.Close()
			return nil, nil
		}
		stall := time.AfterFunc(c.Client.Stall, func() { res.Body.Close() })
		content, err = io.ReadAll(io.LimitReader(res.Body, 16<<20))
		stall.Stop()
		res.Body.Close()
		if err == nil {
			break
		}
		if try >= c.Client.Tries {
			return nil, told(err, address)
		}
		if err := c.Client.pause(ctx, try, nil); err != nil {
			return nil, err
		}
	}
	if _, _, err := image.DecodeConfig(bytes.NewReader(content)); err != nil {
		kind := http.DetectContentType(content)
		what := "the server sent " + kind + " in place of a tile"
		if strings.HasPrefix(kind, "text/") {
			what += fmt.Sprintf(": %.100q", content)
		}
		return nil, fault.New(Shown(address), what, "Tiles are PNG or JPEG: check the address, and whether the service wants a key in it.")
	}
	return content, nil
}

// Edge is the edge of a tile in pixels, found from the first of the given ones that
// the server has, and its size in bytes.
func (c *Cache) Edge(ctx context.Context, s Server, z int, tiles [][2]int) (px int, size int64, err error) {
	for i, t := range tiles {
		if i >= 64 {
			break
		}
		file, _, err := c.Tile(ctx, s, z, t[0], t[1])
		if err != nil {
			return 0, 0, err
		}
		if file == "" {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			return 0, 0, cacheFault(file, err)
		}
		how, _, err := image.DecodeConfig(bytes.NewReader(b))
		if err != nil {
			return 0, 0, cacheFault(file, err)
		}
		return how.Width, int64(len(b)), nil
	}
	return 0, 0, fault.New(Shown(s.Template), fmt.Sprintf("the server has none of the tiles of zoom %d asked for there", z), "Set data.imagery.tile_zoom to one that it has, and check data.region.")
}

// Folder fetches the tiles that are not here yet and returns a pattern over a folder
// that holds links to just these. size, in bytes, is that of a usual one, for the
// note before it begins. A stop keeps what came.
func (c *Cache) Folder(ctx context.Context, s Server, z int, tiles [][2]int, size int64) (string, error) {
	home := c.home(s)
	unlock, err := lockIn(ctx, home) // two at once: the second finds what the first fetched
	if err != nil {
		return "", err
	}
	defer unlock()
	var todo [][2]int
	for _, t := range tiles {
		stem := filepath.Join(home, strconv.Itoa(z), strconv.Itoa(t[0]), strconv.Itoa(t[1]))
		_, here := os.Stat(stem + s.ending())
		_, none := os.Stat(stem + noTile)
		if here != nil && none != nil {
			todo = append(todo, t)
		}
	}
	if len(todo) > 0 {
		c.note("%s: %d tiles of zoom %d, %d of them here already, %d to fetch, about %s, into %s", Shown(s.Template), len(tiles), z, len(tiles)-len(todo), len(todo),
			Bytes(int64(len(todo))*size), home)
		if err := c.tiles(ctx, s, z, todo); err != nil {
			return "", err
		}
	}
	now := time.Now()
	_ = os.Chtimes(home, now, now)
	c.bound()
	return c.link(s, z, tiles)
}

// tiles fetches by several connections; the first failure ends all.
func (c *Cache) tiles(ctx context.Context, s Server, z int, todo [][2]int) error {
	c.Client.fill()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan [2]int)
	go func() {
		defer close(next)
		for _, t := range todo {
			select {
			case next <- t:
			case <-ctx.Done():
				return
			}
		}
	}()
	var wg sync.WaitGroup
	var mu sync.Mutex
	say, done := c.progress("tiles"), 0
	for range max(1, s.Connections) {
		wg.Go(func() {
			for t := range next {
				if _, _, err := c.Tile(ctx, s, z, t[0], t[1]); err != nil {
					cancel(err)
					return
				}
				mu.Lock()
				done++
				say(int64(done), int64(len(todo)))
				mu.Unlock()
				select {
				case <-ctx.Done():
				case <-time.After(s.Delay):
				}
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}

// link makes the folder of links.
func (c *Cache) link(s Server, z int, tiles [][2]int) (string, error) {
	set := filepath.Join(c.Dir, "sets", short(fmt.Sprint(s.Template, z, tiles)))
	for _, t := range tiles {
		at := filepath.Join(strconv.Itoa(z), strconv.Itoa(t[0]), strconv.Itoa(t[1])+s.ending())
		from, to := filepath.Join(c.home(s), at), filepath.Join(set, at)
		if _, err := os.Stat(from); err != nil {
			continue // the server has none
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
			return "", cacheFault(to, err)
		}
		if err := os.Symlink(from, to); err != nil && !errors.Is(err, os.ErrExist) {
			return "", cacheFault(to, err)
		}
	}
	return filepath.Join(set, "{z}", "{x}", "{y}"+s.ending()), nil
}
