package data

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/remote"
)

// server serves a folder and counts the bytes of files that it sends.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	bytes  int64
	gets   int
	before func(w http.ResponseWriter, r *http.Request) (done bool) // troubles
}

type counted struct {
	http.ResponseWriter
	s   *server
	get bool
}

func (c counted) Write(b []byte) (int, error) {
	c.s.mu.Lock()
	if c.get {
		c.s.bytes += int64(len(b))
	}
	c.s.mu.Unlock()
	return c.ResponseWriter.Write(b)
}

// sent returns what was sent since the last call.
func (s *server) sent() (bytes int64, gets int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	bytes, gets, s.bytes, s.gets = s.bytes, s.gets, 0, 0
	return
}

func serve(t *testing.T, dir string, before func(w http.ResponseWriter, r *http.Request) bool) *server {
	t.Helper()
	s := &server{before: before}
	files := http.FileServer(http.Dir(dir))
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && !strings.HasSuffix(r.URL.Path, "/") {
			s.mu.Lock()
			s.gets++
			s.mu.Unlock()
		}
		if s.before != nil && s.before(w, r) {
			return
		}
		files.ServeHTTP(counted{w, s, r.Method == http.MethodGet}, r)
	}))
	t.Cleanup(s.Close)
	return s
}

// quick is a client for tests: it does not wait long.
var quick = remote.Client{Tries: 3, Delay: time.Millisecond, Stall: 5 * time.Second}

// sameStore fails unless two stores hold the same, byte for byte, beside the names
// of the files that they were built from.
func sameStore(t *testing.T, dir, want string) {
	t.Helper()
	a, b := open(t, dir), open(t, want)
	if !bytes.Equal(a.Images(), b.Images()) {
		t.Error("the images differ")
	}
	if len(a.Targets()) != len(b.Targets()) {
		t.Fatal("the numbers of targets differ")
	}
	for i, v := range a.Targets() {
		if math.Float64bits(v) != math.Float64bits(b.Targets()[i]) {
			t.Fatalf("target %d: %v, want %v", i, v, b.Targets()[i])
		}
	}
	for i := range a.Len() {
		if !reflect.DeepEqual(a.POIs(i), b.POIs(i)) {
			t.Errorf("points of tile %d differ", i)
		}
	}
	for what, p := range map[string][2]any{"splits": {a.Splits(), b.Splits()}, "cells": {a.Cells(), b.Cells()},
		"places": {a.LonLat(), b.LonLat()}, "areas": {a.AreaKM2(), b.AreaKM2()}, "coverage": {a.Coverage(), b.Coverage()}, "categories": {a.Categories(), b.Categories()}} {
		if !reflect.DeepEqual(p[0], p[1]) {
			t.Errorf("%s differ", what)
		}
	}
}

// onServer returns the city's configuration with addresses of s in place of paths
// under dir.
func onServer(t *testing.T, c Config, dir, address string) Config {
	t.Helper()
	c.Store, c.Cache = filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "cache")
	for _, p := range []*string{&c.Region.File, &c.Imagery.Path, &c.Emissions.Path, &c.POI.Path, &c.Split.File} {
		if *p != "" {
			*p = strings.Replace(*p, dir, address, 1)
		}
	}
	return c
}

// Every kind of input from a server: the store is that of the files themselves, and
// a second build asks but transfers nothing.
func TestBuildFromAddresses(t *testing.T) {
	c, _ := cityConfig(t, 12, 12)
	mustBuild(t, &c, Options{})
	dir := filepath.Dir(c.Imagery.Path)
	was := inPlace
	t.Cleanup(func() { inPlace = was })
	for name, ranges := range map[string]bool{"whole files": false, "no ranges": false, "by ranges": true} {
		t.Run(name, func(t *testing.T) {
			inPlace = was
			if ranges || name == "no ranges" {
				inPlace = 0
			}
			s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
				if name != "no ranges" {
					return false
				}
				b, err := os.ReadFile(filepath.Join(dir, r.URL.Path))
				if err != nil {
					return false // a folder's list
				}
				w.Header().Set("ETag", `"1"`)
				w.Header().Set("Content-Length", fmt.Sprint(len(b)))
				if r.Method == http.MethodGet {
					_, _ = w.Write(b)
				}
				return true
			})
			far := onServer(t, c, dir, s.URL)
			var notes []string
			o := Options{client: quick, Note: func(text string) { notes = append(notes, text) }}
			r := mustBuild(t, &far, o)
			sameStore(t, far.Store, c.Store)
			for _, in := range r.Inputs {
				if strings.Contains(in.Path, "cache") || !strings.Contains(in.Path, "127.0.0.1") {
					t.Errorf("the account names %s", in.Path)
				}
			}
			if len(notes) == 0 || !strings.HasPrefix(notes[0], "fetching http://127.0.0.1") {
				t.Errorf("notes: %q", notes)
			}
			s.sent()
			if r := mustBuild(t, &far, o); !r.Reused {
				t.Errorf("built again: %s", r.Why)
			}
			if n, gets := s.sent(); gets > 0 {
				t.Errorf("the second build made %d requests for files of %d bytes in all", gets, n)
			}
			far.Store += "2" // another experiment, same inputs
			if ranges {
				return // read again where it lies
			}
			mustBuild(t, &far, o)
			if n, gets := s.sent(); gets > 0 {
				t.Errorf("another store made %d requests for files of %d bytes in all", gets, n)
			}
		})
	}
}

// Archives on a server: a member by its name, the only one without.
func TestBuildFromArchives(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	mustBuild(t, &c, Options{})
	dir := filepath.Dir(c.Imagery.Path)
	pack := func(zipped, file string) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		z := zip.NewWriter(&buf)
		w, _ := z.Create(filepath.Base(file))
		_, _ = w.Write(b)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, zipped), buf.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	pack("mosaic.zip", c.Imagery.Path)
	pack("poi.zip", c.POI.Path)
	pack("split.zip", c.Split.File)
	s := serve(t, dir, nil)
	for _, way := range [][3]string{
		{s.URL + "/mosaic.zip", s.URL + "/poi.zip", s.URL + "/split.zip"},
		{s.URL + "/mosaic.zip/" + filepath.Base(c.Imagery.Path), s.URL + "/poi.zip/" + filepath.Base(c.POI.Path), "/vsizip//vsicurl/" + s.URL + "/split.zip/" + filepath.Base(c.Split.File)},
		{"/vsizip/{/vsicurl/" + s.URL + "/mosaic.zip}/" + filepath.Base(c.Imagery.Path), "/vsicurl/" + s.URL + "/" + filepath.Base(c.POI.Path), s.URL + "/split.zip"},
	} {
		far := onServer(t, c, dir, s.URL)
		far.Imagery.Path, far.POI.Path, far.Split.File = way[0], way[1], way[2]
		if _, err := Build(t.Context(), &far, Options{client: quick}); err != nil {
			t.Errorf("%q: %v", way, err)
			continue
		}
		sameStore(t, far.Store, c.Store)
	}
}

// What a server does wrong is told as that.
func TestServersFailures(t *testing.T) {
	c, _ := cityConfig(t, 8, 8)
	dir := filepath.Dir(c.Imagery.Path)
	poi := filepath.Base(c.POI.Path)
	codes := map[string]int{"the server says 404 Not Found": 404, "the server says 403 Forbidden": 403, "the server says 401": 401, "the server says 500 Internal Server Error (3 tries)": 500}
	for want, code := range codes {
		s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
			if strings.Contains(r.URL.Path, poi) {
				w.WriteHeader(code)
				return true
			}
			return false
		})
		far := onServer(t, c, dir, s.URL)
		_, err := Build(t.Context(), &far, Options{client: quick})
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), s.URL) || !strings.Contains(err.Error(), "data.poi.path") {
			t.Errorf("%d: %v", code, err)
		}
	}
	far := c
	far.Cache, far.POI.Path = t.TempDir(), "http://127.0.0.1:1/poi.csv"
	if _, err := Build(t.Context(), &far, Options{client: quick}); err == nil || !strings.Contains(err.Error(), "no server answers there") {
		t.Errorf("nobody there: %v", err)
	}
	// A raster whose server fails while it is read by ranges is not damaged.
	was := inPlace
	t.Cleanup(func() { inPlace = was })
	inPlace = 0
	gone := false
	s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, ".tif") && r.Method == http.MethodGet && r.Header.Get("Range") != "" {
			gone = true
			w.WriteHeader(403)
			return true
		}
		return false
	})
	far = onServer(t, c, dir, s.URL)
	_, err := Build(t.Context(), &far, Options{client: quick})
	if err == nil || !gone || strings.Contains(err.Error(), "damaged") || strings.Contains(err.Error(), "no such file") || !strings.Contains(err.Error(), "server") {
		t.Errorf("by ranges: %v", err)
	}
}

// A stop in the middle of a download keeps what came; the next run goes on there.
func TestDownloadGoesOn(t *testing.T) {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("lon,lat,category\n"), 100_000)
	if err := os.WriteFile(filepath.Join(dir, "poi.csv"), content, 0o666); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			_, _ = w.Write(content[:600_000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
			return true
		}
		return false
	})
	c := remote.Cache{Dir: filepath.Join(dir, "cache"), Client: quick, Progress: func(_ string, done, _ int64) {
		if done >= 600_000 {
			cancel()
		}
	}}
	if _, err := c.File(ctx, s.URL+"/poi.csv"); err == nil {
		t.Fatal("the stop was not heard of")
	}
	s.sent()
	c.Progress = nil
	path, err := c.File(t.Context(), s.URL+"/poi.csv")
	if err != nil {
		t.Fatal(err)
	}
	got, _ := os.ReadFile(path)
	if n, _ := s.sent(); !bytes.Equal(got, content) || n != int64(len(content)-600_000) {
		t.Errorf("%d bytes there, %d sent in the second run, want %d", len(got), n, len(content)-600_000)
	}
}

// A server that cuts connections, that is busy, that fails once.
func TestDownloadGoesOnAfterTroubles(t *testing.T) {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("0123456789abcdef"), 50_000)
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), content, 0o666); err != nil {
		t.Fatal(err)
	}
	n := 0
	s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodHead {
			return false
		}
		switch n++; n {
		case 1:
			w.WriteHeader(500)
		case 2:
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(429)
		case 3, 4: // cut
			w.Header().Set("Content-Length", fmt.Sprint(len(content)))
			if r.Header.Get("Range") != "" {
				w.Header().Set("Content-Range", fmt.Sprintf("bytes 100000-%d/%d", len(content)-1, len(content)))
				w.Header().Set("Content-Length", fmt.Sprint(len(content)-100_000))
				w.WriteHeader(206)
				_, _ = w.Write(content[100_000:200_000])
			} else {
				_, _ = w.Write(content[:100_000])
			}
			panic(http.ErrAbortHandler)
		default:
			return false
		}
		return true
	})
	c := remote.Cache{Dir: filepath.Join(dir, "cache"), Client: quick}
	path, err := c.File(t.Context(), s.URL+"/a.csv")
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, content) {
		t.Errorf("%d bytes came, other than the server's", len(got))
	}
	// The file changes: it is fetched again. The server goes: the last copy serves.
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), []byte("new"), 0o666); err != nil {
		t.Fatal(err)
	}
	if path, err = c.File(t.Context(), s.URL+"/a.csv"); err != nil {
		t.Fatal(err)
	}
	s.Close()
	note := ""
	c.Note = func(text string) { note = text }
	again, err := c.File(t.Context(), s.URL+"/a.csv")
	if got, _ := os.ReadFile(again); err != nil || string(got) != "new" || again != path || !strings.Contains(note, "the copy fetched before is used") {
		t.Errorf("%q %q %v", got, note, err)
	}
}

// Two at once: one fetches, the other waits and finds.
func TestTwoAtOnce(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.csv"), bytes.Repeat([]byte("x"), 1<<20), 0o666); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, nil)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c := remote.Cache{Dir: filepath.Join(dir, "cache"), Client: quick}
			if p, err := c.File(t.Context(), s.URL+"/a.csv"); err != nil {
				t.Error(err)
			} else if info, err := os.Stat(p); err != nil || info.Size() != 1<<20 {
				t.Error(p, err)
			}
		})
	}
	wg.Wait()
	if n, gets := s.sent(); gets != 1 || n != 1<<20 {
		t.Errorf("%d transfers, %d bytes", gets, n)
	}
}
