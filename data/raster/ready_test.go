//go:build !nogdal

package raster

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// readyChild makes the test binary print what Ready says.
const readyChild = "OPENCARBON_TEST_READY"

func TestMain(m *testing.M) {
	if os.Getenv(readyChild) != "" {
		err := Ready()
		fmt.Println(fault.IsInput(err), err)
		return
	}
	os.Exit(m.Run())
}

func TestReady(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	broken := filepath.Join(dir, "broken")
	if err := os.Mkdir(broken, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{file, filepath.Join(broken, "proj.db")} {
		if err := os.WriteFile(f, []byte("nothing of use"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ set, want string }{
		{"", "false <nil>"},
		{"PROJ_LIB=" + dir + "/none", "true PROJ_LIB: is " + dir + "/none, which is not there"},
		{"PROJ_LIB=" + dir, "where there is no proj.db"},
		{"PROJ_LIB=" + broken, "whose proj.db is of another PROJ"},
		{"PROJ_DATA=" + file, "which is no folder"},
		{"GDAL_DATA=" + dir + "/none", "true GDAL_DATA: is " + dir + "/none, which is not there"},
		{"GDAL_DATA=" + dir, "where there is no gdalvrt.xsd"},
	} {
		cmd := exec.Command(self)
		for _, v := range os.Environ() {
			if !strings.HasPrefix(v, "PROJ_") && !strings.HasPrefix(v, "GDAL_DATA=") {
				cmd.Env = append(cmd.Env, v)
			}
		}
		cmd.Env = append(cmd.Env, readyChild+"=1", c.set)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%q: %s %v, want %q", c.set, out, err, c.want)
		}
	}
}
