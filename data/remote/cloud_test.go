package remote

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A store of objects that speaks S3's way: an object comes whole and once; what is
// missing, forbidden or without credentials is told as that.
func TestObjects(t *testing.T) {
	content := bytes.Repeat([]byte("lon,lat\n"), 3000)
	gets := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/bucket/dir/poi.csv"):
			if r.Method == http.MethodGet {
				gets++
			}
			http.ServeContent(w, r, "poi.csv", time.Unix(1_600_000_000, 0), bytes.NewReader(content))
		case strings.HasPrefix(r.URL.Path, "/secret"):
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(403)
			fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
		default:
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(404)
			fmt.Fprint(w, `<?xml version="1.0"?><Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>`)
		}
	}))
	t.Cleanup(s.Close)
	none := filepath.Join(t.TempDir(), "none")
	for k, v := range map[string]string{"AWS_S3_ENDPOINT": strings.TrimPrefix(s.URL, "http://"), "AWS_HTTPS": "NO", "AWS_VIRTUAL_HOSTING": "FALSE", "AWS_NO_SIGN_REQUEST": "YES",
		"AWS_CONFIG_FILE": none, "CPL_AWS_CREDENTIALS_FILE": none, "CPL_AWS_EC2_API_ROOT_URL": s.URL, "CPL_AWS_AUTODETECT_EC2": "NO", "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""} {
		t.Setenv(k, v)
	}
	c := Cache{Dir: t.TempDir()}
	for run := range 2 {
		p, err := c.File(t.Context(), "s3://bucket/dir/poi.csv")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(p); !bytes.Equal(got, content) {
			t.Errorf("run %d: %d bytes", run, len(got))
		}
		if run == 1 && gets > 0 {
			t.Errorf("the second run asked %d times for it", gets)
		}
		gets = 0
	}
	if _, err := c.File(t.Context(), "s3://bucket/nothing.csv"); err == nil || !strings.Contains(err.Error(), "the server says 404") {
		t.Errorf("missing: %v", err)
	}
	if _, err := c.File(t.Context(), "s3://secret/a.csv"); err == nil || !strings.Contains(err.Error(), "403 (these credentials") {
		t.Errorf("forbidden: %v", err)
	}
	t.Setenv("AWS_NO_SIGN_REQUEST", "NO")
	if _, err := c.File(t.Context(), "s3://other/a.csv"); err == nil || !strings.Contains(err.Error(), "no credentials") {
		t.Errorf("no credentials: %v", err)
	}
}
