package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opencarbon/data/fault"
)

// UserAgent names the program to servers, as their rules of use ask for.
const UserAgent = "OpenCarbon (carbon emission mapping; reads inputs once and keeps them)"

// Client speaks to web servers, patiently. The zero value is ready.
type Client struct {
	Tries int           // of one request or of a download that makes no headway; default 5
	Delay time.Duration // before the second try, doubled for each further one; default 1 s
	Stall time.Duration // a connection that brings no byte for so long is given up; default 60 s

	http *http.Client
}

func (c *Client) fill() {
	if c.Tries == 0 {
		c.Tries = 5
	}
	if c.Delay == 0 {
		c.Delay = time.Second
	}
	if c.Stall == 0 {
		c.Stall = time.Minute
	}
	if c.http == nil {
		c.http = &http.Client{Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ResponseHeaderTimeout: c.Stall,
			DisableCompression:    true, // sizes and ranges are those of the file
			MaxIdleConnsPerHost:   8,
		}}
	}
}

// patienceLimit bounds how long a server's Retry-After is waited for.
const patienceLimit = 5 * time.Minute

// status is an answer that is no success.
type status struct {
	code int
	text string
	wait time.Duration // Retry-After
}

func (s *status) Error() string { return "the server says " + s.text }

func (s *status) passing() bool {
	switch s.code {
	case 408, 425, 429, 500, 502, 503, 504:
		return true
	}
	return false
}

// do sends one request, and again where its failure may pass. ok lists the answers
// that are wanted; the body of one is the caller's to close.
func (c *Client) do(ctx context.Context, method, address string, header map[string]string, ok ...int) (*http.Response, error) {
	c.fill()
	for try := 1; ; try++ {
		res, err := c.once(ctx, method, address, header, ok)
		if err == nil {
			return res, nil
		}
		var s *status
		if errors.As(err, &s) && !s.passing() || !errors.As(err, &s) && !passing(err) {
			return nil, err
		}
		if try >= c.Tries {
			return nil, fmt.Errorf("%w (%d tries)", err, try)
		}
		if err := c.pause(ctx, try, s); err != nil {
			return nil, err
		}
	}
}

// pause waits before a further try: as long as the server asked for, or twice as
// long as the time before.
func (c *Client) pause(ctx context.Context, try int, s *status) error {
	wait := time.Duration(float64(c.Delay) * math.Pow(2, float64(min(try, 8)-1)))
	if s != nil && s.wait > 0 {
		wait = min(s.wait, patienceLimit)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

func (c *Client) once(ctx context.Context, method, address string, header map[string]string, ok []int) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", UserAgent)
	for k, v := range header {
		req.Header.Set(k, v)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	for _, code := range ok {
		if res.StatusCode == code {
			return res, nil
		}
	}
	_, _ = io.CopyN(io.Discard, res.Body, 64<<10) // lets the connection be used again
	res.Body.Close()
	s := &status{code: res.StatusCode, text: res.Status}
	if seconds, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil {
		s.wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(res.Header.Get("Retry-After")); err == nil {
		s.wait = time.Until(at)
	}
	return nil, s
}

// passing reports whether a failure without an answer may not happen again: not a
// name that is unknown, a certificate that is wrong, or the end of patience.
func passing(err error) bool {
	var dns *net.DNSError
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &dns) && dns.IsNotFound {
		return false
	}
	var sent *url.Error // to where a redirection led
	if errors.As(err, &sent) && !strings.HasPrefix(strings.ToLower(sent.URL), "http") {
		return false
	}
	return !unproved(err)
}

// unproved reports whether a server could not prove who it is, or does not speak
// TLS.
func unproved(err error) bool {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	return errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.Is(err, http.ErrSchemeMismatch)
}

// denial is an error of a server that was reached and said no.
type denial struct{ error }

func (d denial) Unwrap() error { return d.error }

// denied reports whether the server itself said no: then an old copy is not what
// is wanted.
func denied(err error) bool {
	var d denial
	return errors.As(err, &d)
}

// told is the user's error of a failure at an address.
func told(err error, address string) error {
	var in *fault.Input
	if err == nil || errors.As(err, &in) || errors.Is(err, context.Canceled) {
		return err
	}
	where := Shown(address)
	var s *status
	var dns *net.DNSError
	var n net.Error
	switch {
	case errors.As(err, &s):
		remedy := "Try again later, or fetch the file by other means and name the copy."
		switch s.code {
		case 401, 403, 407:
			remedy = "It wants credentials or its owner's leave: write https://user:password@host/..., or fetch the file by other means and name the copy."
		case 404, 410:
			remedy = "Nothing is there: open the address in a browser and copy the one that works."
		}
		in := fault.New(where, strings.TrimSpace(err.Error()), remedy)
		if s.code/100 == 4 {
			return denial{in}
		}
		return in
	case errors.As(err, &dns):
		return fault.New(where, "no server of the name "+dns.Name+" is known", "Check the address and the connection to the network.")
	case unproved(err):
		return fault.New(where, "the server cannot prove who it is: "+innermost(err), "Check the address; http:// asks for no proof.")
	case errors.As(err, &n) && n.Timeout() || errors.Is(err, errStall):
		return fault.New(where, "the server does not answer in time", "Try again later; what was fetched is kept and gone on with.")
	case errors.Is(err, syscall.ECONNREFUSED):
		return fault.New(where, "no server answers there", "Check the address and its port.")
	}
	return fault.New(where, "the connection failed: "+innermost(err), "Try again; what was fetched is kept and gone on with.")
}

func innermost(err error) string {
	for {
		next := errors.Unwrap(err)
		if next == nil {
			return err.Error()
		}
		err = next
	}
}

// Version is what tells one content at an address from another.
type Version struct {
	Name     string    // of the file
	Size     int64     // bytes; -1 where the server does not say
	ETag     string    // or empty
	Modified time.Time // or zero
	Ranges   bool      // parts can be asked for
}

// known reports whether a change would be seen.
func (v Version) known() bool { return v.ETag != "" || !v.Modified.IsZero() }

// Look asks what lies at an address, without fetching it.
func (c *Client) Look(ctx context.Context, address string) (Version, error) {
	res, err := c.do(ctx, http.MethodHead, address, nil, 200)
	var s *status
	if errors.As(err, &s) && (s.code == 400 || s.code == 403 || s.code == 405 || s.code == 501) {
		// Servers that sign addresses for GET alone, or know no HEAD.
		res, err = c.do(ctx, http.MethodGet, address, map[string]string{"Range": "bytes=0-0"}, 200, 206)
	}
	if err != nil {
		return Version{}, told(err, address)
	}
	defer res.Body.Close()
	v := Version{Name: base(address), Size: res.ContentLength, ETag: res.Header.Get("ETag")}
	if res.StatusCode == 206 {
		v.Size, v.Ranges = -1, true
		if _, total, ok := strings.Cut(res.Header.Get("Content-Range"), "/"); ok {
			if n, err := strconv.ParseInt(total, 10, 64); err == nil {
				v.Size = n
			}
		}
	} else {
		v.Ranges = strings.EqualFold(res.Header.Get("Accept-Ranges"), "bytes")
	}
	v.Modified, _ = http.ParseTime(res.Header.Get("Last-Modified"))
	// A link such as download.php?id=7 is called what the server calls the file.
	if _, p, err := mime.ParseMediaType(res.Header.Get("Content-Disposition")); err == nil && path.Ext(p["filename"]) != "" {
		v.Name = path.Base(strings.ReplaceAll(p["filename"], `\`, "/"))
	}
	return v, nil
}
