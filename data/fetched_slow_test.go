package data

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"opencarbon/data/remote"
)

// A server that falls silent in the middle of a file is asked again for the rest,
// with ranges and without; one that stays silent is an error in plain words.
func TestServerFallsSilent(t *testing.T) {
	content := bytes.Repeat([]byte("lon,lat,category\n"), 20_000)
	for name, c := range map[string]struct {
		ranges bool
		silent int // so many times
		fails  string
	}{
		"once":            {true, 1, ""},
		"once, no ranges": {false, 1, ""},
		"always":          {true, 100, "does not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "poi.csv"), content, 0o666); err != nil {
				t.Fatal(err)
			}
			n := 0
			s := serve(t, dir, func(w http.ResponseWriter, r *http.Request) bool {
				if !c.ranges {
					r.Header.Del("Range")
				}
				if r.Method != http.MethodGet {
					return false
				}
				if n++; n > c.silent {
					return false
				}
				if r.Header.Get("Range") == "" {
					w.Header().Set("Content-Length", fmt.Sprint(len(content)))
					_, _ = w.Write(content[:100_000])
				}
				w.(http.Flusher).Flush()
				<-r.Context().Done()
				return true
			})
			client := quick
			client.Stall = 200 * time.Millisecond
			cache := remote.Cache{Dir: filepath.Join(dir, "cache"), Client: client}
			path, err := cache.File(t.Context(), s.URL+"/poi.csv")
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("%v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := os.ReadFile(path); !bytes.Equal(got, content) {
				t.Errorf("%d bytes came, other than the server's", len(got))
			}
		})
	}
}
