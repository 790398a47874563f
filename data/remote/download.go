package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"opencarbon/data/fault"
)

var errStall = errors.New("no byte came for too long")

// Download writes the content at an address to the file part, going on after what
// the file holds already where the server can. A cut connection is taken up again
// as long as each try brings something. Progress hears of the bytes there.
func (c *Client) Download(ctx context.Context, address string, v Version, part string, progress func(done, total int64)) error {
	c.fill()
	f, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return cacheFault(part, err)
	}
	defer f.Close()
	idle, best := 0, int64(0)
	for {
		have, err := f.Seek(0, io.SeekEnd)
		if err != nil {
			return cacheFault(part, err)
		}
		best = max(best, have)
		if v.Size >= 0 && have == v.Size {
			return f.Close()
		}
		if have > 0 && (!v.Ranges || !v.known() || v.Size >= 0 && have > v.Size) {
			if have, err = 0, f.Truncate(0); err != nil {
				return cacheFault(part, err)
			}
		}
		now, err := c.piece(ctx, address, v, f, have, progress)
		if err == nil && (v.Size < 0 || now == v.Size) {
			if err := f.Close(); err != nil {
				return cacheFault(part, err)
			}
			return nil
		}
		if err == nil {
			err = fmt.Errorf("the connection was cut after %d of %d bytes", now, v.Size)
		}
		var in *fault.Input
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var s *status
		if errors.As(err, &in) || errors.As(err, &s) {
			return told(err, address)
		}
		// A server that says it has ranges and begins anew each time must not be
		// asked for ever: only what was never there before counts as progress.
		if !v.Ranges || now <= best {
			idle++
		} else {
			idle = 0
		}
		best = max(best, now)
		if idle >= c.Tries {
			return told(err, address)
		}
		if err := c.pause(ctx, idle+1, nil); err != nil {
			return err
		}
	}
}

// piece appends to f, which holds have bytes, what the server sends, and returns
// how many there are then.
func (c *Client) piece(ctx context.Context, address string, v Version, f *os.File, have int64, progress func(done, total int64)) (int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := map[string]string{}
	if have > 0 {
		header["Range"] = fmt.Sprintf("bytes=%d-", have)
		if strings.HasPrefix(v.ETag, `"`) { // weak tags may not be compared so
			header["If-Range"] = v.ETag
		} else if !v.Modified.IsZero() {
			header["If-Range"] = v.Modified.UTC().Format(http.TimeFormat)
		}
	}
	res, err := c.do(ctx, http.MethodGet, address, header, 200, 206)
	if err != nil {
		return have, err
	}
	defer res.Body.Close()
	if have > 0 && !begins(res, have) { // all of it comes again
		if err := f.Truncate(0); err != nil {
			return 0, cacheFault(f.Name(), err)
		}
		have = 0
	}
	if etag := res.Header.Get("ETag"); v.ETag != "" && etag != "" && etag != v.ETag {
		return have, fault.New(Shown(address), "the file on the server changed while it was fetched", "Run again.")
	}
	if _, err := f.Seek(have, io.SeekStart); err != nil {
		return have, cacheFault(f.Name(), err)
	}
	watch := time.AfterFunc(c.Stall, func() { cancel(errStall) })
	defer watch.Stop()
	buf := make([]byte, 256<<10)
	for {
		n, err := res.Body.Read(buf)
		watch.Reset(c.Stall)
		if n > 0 {
			if _, err := f.Write(buf[:n]); err != nil {
				return have, cacheFault(f.Name(), err)
			}
			have += int64(n)
			progress(have, v.Size)
		}
		if err == io.EOF {
			return have, nil
		}
		if err != nil {
			if cause := context.Cause(ctx); errors.Is(cause, errStall) {
				return have, errStall
			}
			return have, err
		}
	}
}

// begins reports whether the answer is the part from byte have on.
func begins(res *http.Response, have int64) bool {
	if res.StatusCode != 206 {
		return false
	}
	r, _ := strings.CutPrefix(res.Header.Get("Content-Range"), "bytes ")
	from, _, _ := strings.Cut(r, "-")
	n, err := strconv.ParseInt(from, 10, 64)
	return err == nil && n == have
}

// cacheFault is the user's error of a cache folder that cannot be written.
func cacheFault(path string, err error) error {
	return fault.Wrap(err, path, "the cache of fetched files cannot be written", "Make room and allow writing there, or set data.cache to another folder.")
}
