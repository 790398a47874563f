// Package remote brings inputs that lie on a server to this machine: whole files
// into a cache folder, map tiles into folders z/x/y of it. What a file holds is not
// this room's business. A failure is told as what the server did ("the server says
// 404"), never as a damaged or missing file.
package remote

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// Address is a name in an experiment file that leads to a server, in parts: what
// stands before the address (a file system of GDAL's that looks into an archive, a
// driver), the address of one file, and what of that file is meant.
type Address struct {
	Before string // "", "/vsizip/", "/vsizip/{", `NETCDF:"`
	URL    string // https://host/a.zip, s3://bucket/a.zip
	After  string // "", "/poi.csv", `":flux`
}

var (
	address = regexp.MustCompile(`^((?:/vsi(?:zip|tar|gzip|7z|rar)/)*\{?|[A-Za-z][A-Za-z0-9_]+:")((?i:https?://|s3://|gs://|az://)|/vsicurl/https?://|/vsis3/|/vsigs/|/vsiaz/)(.+)$`)
	// archive ends the address where something inside it is named.
	archive = regexp.MustCompile(`(?i)\.(zip|kmz|tar|tgz|tar\.gz|7z|rar)/`)
)

// schemes are the ways that GDAL's own names say; GDAL's are cut off and put on again.
var schemes = map[string]string{"/vsis3/": "s3://", "/vsigs/": "gs://", "/vsiaz/": "az://"}

// Parse takes a name apart; ok is false where it leads to no server that this room
// knows (a file, a database, a service that GDAL speaks to itself).
func Parse(name string) (a Address, ok bool) {
	m := address.FindStringSubmatch(name)
	if m == nil {
		return a, false
	}
	a.Before = m[1]
	scheme := strings.TrimPrefix(m[2], "/vsicurl/")
	if s := schemes[scheme]; s != "" {
		scheme = s
	}
	rest := m[3]
	switch {
	case strings.HasSuffix(a.Before, "{"):
		at := strings.Index(rest, "}")
		if at < 0 {
			return a, false
		}
		rest, a.After = rest[:at], rest[at:]
	case strings.HasSuffix(a.Before, `"`):
		at := strings.Index(rest, `"`)
		if at < 0 {
			return a, false
		}
		rest, a.After = rest[:at], rest[at:]
	default:
		if at := archive.FindStringIndex(rest); at != nil && !strings.Contains(rest[:at[0]], "?") {
			rest, a.After = rest[:at[1]-1], rest[at[1]-1:]
		}
	}
	a.URL = strings.ToLower(scheme) + rest
	if _, err := url.Parse(a.URL); err != nil {
		return a, false
	}
	return a, true
}

// At is the name of the same thing when the file lies at path on this machine.
func (a Address) At(path string) string {
	before := a.Before
	if before == "" && a.After != "" && !strings.HasSuffix(strings.ToLower(path), ".zip") {
		before = "/vsitar/" // "a.tgz/x.tif" is a name of ours, not of GDAL's
	}
	return before + path + a.After
}

// Web reports whether the address is spoken to over HTTP by this room itself; the
// clouds' own ways of signing are GDAL's work.
func (a Address) Web() bool { return strings.HasPrefix(a.URL, "http") }

// GDAL is GDAL's name of the address, read where it lies.
func (a Address) GDAL() string {
	name := a.URL
	if a.Web() {
		name = "/vsicurl/" + name
	}
	for vsi, scheme := range schemes {
		if rest, ok := strings.CutPrefix(name, scheme); ok {
			name = vsi + rest
		}
	}
	return a.Before + name + a.After
}

// Shown is the address without the password in it, for messages and reports.
func Shown(address string) string {
	if u, err := url.Parse(address); err == nil && u.User != nil {
		u.User = url.UserPassword("user", "xxxxx")
		return u.String()
	}
	return address
}

// base is the name of the file at an address.
func base(address string) string {
	p := address
	if u, err := url.Parse(address); err == nil {
		p = u.Path
	}
	name := path.Base(p)
	if name == "." || name == "/" || name == "" {
		return "file"
	}
	return name
}
