package torch_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A process without a setting of its own has waiting threads that sleep, and its own
// arguments; a user's setting stays. Where a shell left an entry in the environment
// that nobody needs, the process is loaded only once.
func TestPassiveWaiting(t *testing.T) {
	if os.Getenv("OCG_PRINT_WAITING") != "" {
		t.Logf("waiting %q %q, %q", os.Getenv("OMP_WAIT_POLICY"), os.Getenv("GOMP_SPINCOUNT"), os.Getenv("OCG_OTHER"))
		return
	}
	for _, c := range []struct {
		set   string
		want  string
		loads int
	}{
		{"", `waiting "passive" "0", ""`, 2},
		{"_=/bin/x", `waiting "passive" "", ""`, 1},
		{"OLDPWD=/ OCG_OTHER=_=", `waiting "passive" "", "_="`, 1},
		{"OMP_WAIT_POLICY=active _=/bin/x", `waiting "active" "", ""`, 1},
		{"_=/bin/x GOMP_SPINCOUNT=7", `waiting "" "7", ""`, 1},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPassiveWaiting$", "-test.v")
		for _, v := range os.Environ() {
			switch name, _, _ := strings.Cut(v, "="); name {
			case "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "_", "OLDPWD":
			default:
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(append(cmd.Env, "OCG_PRINT_WAITING=1", "OMP_DISPLAY_ENV=verbose"), strings.Fields(c.set)...)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v, want %s in\n%s", c.set, err, c.want, out)
		}
		// libgomp says what it makes of the environment when it is loaded.
		if n := strings.Count(string(out), "OPENMP DISPLAY ENVIRONMENT BEGIN"); n != 0 && n != c.loads {
			t.Errorf("%q: the process was loaded %d times, want %d", c.set, n, c.loads)
		}
		sleeps := strings.Contains(string(out), "GOMP_SPINCOUNT = '0'")
		if strings.Contains(string(out), "GOMP_SPINCOUNT = ") && sleeps != strings.Contains(c.want, "passive") {
			t.Errorf("%q: libgomp's threads sleep: %v\n%s", c.set, sleeps, out)
		}
	}
}
