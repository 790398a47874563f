package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/cmd/internal/cli"
	"opencarbon/data/raster"
	"opencarbon/data/synth"
)

// childVariable makes the test binary the command itself, for the cases that
// need a process of their own (limits, another user, a signal).
const childVariable = "PREPARE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		cli.Main(command())
	}
	os.Exit(m.Run())
}

const cityCells = 8 // the made city of the tests is cityCells x cityCells

// master is a made city that every case copies.
func master(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	if _, err := synth.Write(t.Context(), dir, synth.Config{Rows: cityCells, Cols: cityCells, Size: 32, Seed: 4}, nil); err != nil {
		t.Fatal(err)
	}
	return dir
}

// city is one case's copy of the made city.
type city struct {
	t   *testing.T
	dir string
}

func newCity(t *testing.T, from string) city {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "city")
	if err := os.CopyFS(dir, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return city{t, dir}
}

func (c city) path(name string) string { return filepath.Join(c.dir, name) }

func (c city) check(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c city) read(name string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.path(name))
	c.check(err)
	return string(b)
}

func (c city) write(name, text string) {
	c.t.Helper()
	c.check(os.WriteFile(c.path(name), []byte(text), 0o644))
}

// edit replaces text in a file; the old text must be there.
func (c city) edit(name, old, now string) {
	c.t.Helper()
	text := c.read(name)
	if !strings.Contains(text, old) {
		c.t.Fatalf("%s does not hold %q", name, old)
	}
	c.write(name, strings.ReplaceAll(text, old, now))
}

// yaml edits the experiment file.
func (c city) yaml(old, now string) { c.t.Helper(); c.edit("demo.yaml", old, now) }

// region gives the experiment a region of its own.
func (c city) region(text string) {
	c.t.Helper()
	c.yaml("  imagery:\n", "  region: "+text+"\n  imagery:\n")
}

func (c city) remove(name string) { c.t.Helper(); c.check(os.RemoveAll(c.path(name))) }

// truncate keeps the first part of a file.
func (c city) truncate(name string, keep float64) {
	c.t.Helper()
	info, err := os.Stat(c.path(name))
	c.check(err)
	c.check(os.Truncate(c.path(name), int64(keep*float64(info.Size()))))
}

// raster writes a float32 or 8-bit GeoTIFF over the city instead of a file.
func (c city) raster(name string, s raster.Spec, value float64) {
	c.t.Helper()
	w, err := raster.Create(c.path(name), s)
	c.check(err)
	data := make([]float64, s.Width*s.Height)
	for i := range data {
		data[i] = value
	}
	for b := 1; b <= max(1, s.Bands); b++ {
		c.check(raster.Write(w, b, 0, 0, s.Width, s.Height, data))
	}
	c.check(w.Close())
}

// frame is a raster spec of n x n pixels that covers the city.
func frame(n, bands int, t raster.DType, crs string) raster.Spec {
	s := raster.Spec{Width: n, Height: n, Bands: bands, DType: t,
		GeoTransform: raster.North(10, 47, cityCells*synth.CellDegrees/float64(n), cityCells*synth.CellDegrees/float64(n))}
	if crs != "" {
		c, err := raster.ParseCRS(crs)
		if err != nil {
			panic(err)
		}
		s.CRS = c
	}
	return s
}

// store is the folder of the city's store; its parent holds nothing else.
func (c city) store() string { return filepath.Join(filepath.Dir(c.dir), "stores", "demo") }

func (c city) args(more ...string) []string {
	return append([]string{"--config", c.path("demo.yaml"), "--set", "data.store=" + c.store()}, more...)
}

// prepare runs the command in this process and returns its exit code and what
// it wrote.
func (c city) prepare(more ...string) (code int, out, errs string) {
	c.t.Helper()
	pipe := func(f **os.File) func() string {
		old := *f
		tmp, err := os.CreateTemp(c.t.TempDir(), "")
		c.check(err)
		*f = tmp
		return func() string {
			*f = old
			_, err := tmp.Seek(0, io.SeekStart)
			c.check(err)
			b, err := io.ReadAll(tmp)
			c.check(err)
			tmp.Close()
			return string(b)
		}
	}
	stdout, stderr := pipe(&os.Stdout), pipe(&os.Stderr)
	code = cli.Run(command(), c.args(more...))
	return code, stdout(), stderr()
}

// child prepares the command as a process of its own; wrap may be a shell prefix
// such as "ulimit -f 8;".
func (c city) child(wrap string, more ...string) (*exec.Cmd, *bytes.Buffer) {
	self, err := os.Executable()
	c.check(err)
	cmd := exec.Command("sh", append([]string{"-c", wrap + ` exec "$0" "$@"`, self}, c.args(more...)...)...)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	return cmd, &out
}

// left lists what lies where the store was to be: nothing may, after a failure.
func (c city) left() []string {
	c.t.Helper()
	entries, err := os.ReadDir(filepath.Dir(c.store()))
	if os.IsNotExist(err) {
		return nil
	}
	c.check(err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
