package torch_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// A process without a setting of its own has waiting threads that sleep, under
// its own process id and with its own arguments; a user's setting stays.
func TestPassiveWaiting(t *testing.T) {
	if os.Getenv("OCG_PRINT_WAITING") != "" {
		t.Logf("waiting %q %q pid %v", os.Getenv("OMP_WAIT_POLICY"), os.Getenv("GOMP_SPINCOUNT"), os.Getpid())
		return
	}
	for _, c := range []struct{ set, want string }{
		{"", `waiting "passive" "0"`}, {"OMP_WAIT_POLICY=active", `waiting "active" ""`}, {"GOMP_SPINCOUNT=7", `waiting "" "7"`},
	} {
		cmd := exec.Command(os.Args[0], "-test.run=^TestPassiveWaiting$", "-test.v")
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "OMP_WAIT_POLICY=") && !strings.HasPrefix(v, "GOMP_SPINCOUNT=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, "OCG_PRINT_WAITING=1", c.set)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %v, want %s in\n%s", c.set, err, c.want, out)
		}
	}
}
