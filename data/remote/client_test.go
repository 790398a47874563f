package remote

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
)

// What a server does is told by the kind of its error, and only what may pass is
// tried again. A server that says no is told from one that cannot be reached.
func TestFailuresByTheirKind(t *testing.T) {
	asked := 0
	answer := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			asked++
			if code == http.StatusFound {
				w.Header().Set("Location", "gopher://nowhere/file.csv")
			}
			w.WriteHeader(code)
		}
	}
	plain := httptest.NewServer(answer(http.StatusOK))
	defer plain.Close()
	quiet := log.New(io.Discard, "", 0)
	strange := httptest.NewUnstartedServer(answer(http.StatusOK))
	strange.Config.ErrorLog = quiet
	strange.StartTLS()
	defer strange.Close()
	gone := httptest.NewServer(answer(http.StatusOK))
	gone.Close()
	serve := func(code int) string {
		s := httptest.NewServer(answer(code))
		t.Cleanup(s.Close)
		return s.URL
	}
	for _, c := range []struct {
		name, address, want string
		denied              bool
		asked               int // at most
	}{
		{"an unknown certificate", strange.URL, "cannot prove who it is", false, 0},
		{"no TLS", strings.Replace(plain.URL, "http:", "https:", 1), "cannot prove who it is", false, 0},
		{"nobody", gone.URL, "no server answers there", false, 0},
		{"nothing there", serve(404), "the server says 404", true, 2},
		{"no leave", serve(403), "the server says 403", true, 2},
		{"busy", serve(503), "the server says 503", false, 6},
		{"another protocol", serve(http.StatusFound), "the connection failed", false, 2},
	} {
		asked = 0
		_, err := (&Client{Tries: 2, Delay: time.Millisecond}).Look(t.Context(), c.address+"/file.csv")
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || denied(err) != c.denied || asked > c.asked {
			t.Errorf("%s: %v; denied %v, asked %d times", c.name, err, denied(err), asked)
		}
	}
}
