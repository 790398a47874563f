package build

import (
	"os/exec"
	"strings"
	"testing"
)

// The commands of a kit for machines without GDAL (make kit) compile with the tag
// nogdal and lean on no binding of it, and what is missing there says so.
func TestWithoutGDAL(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles three commands")
	}
	out, err := exec.Command("go", "list", "-tags", "nogdal", "-export", "-deps", "opencarbon/cmd/train", "opencarbon/cmd/predict", "opencarbon/cmd/compare").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if strings.Contains(string(out), "lukeroth/gdal") {
		t.Error("with the tag nogdal the commands still need GDAL's binding")
	}
	if out, err := exec.Command("go", "test", "-vet=off", "-tags", "nogdal", "opencarbon/data/raster").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
