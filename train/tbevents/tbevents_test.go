package tbevents

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	stdimage "image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// field is a decoded protocol buffer field; the reader here shares no code with
// the writer.
type field struct {
	number int
	value  uint64 // varint, fixed64 or fixed32
	bytes  []byte
}

func decode(t *testing.T, b []byte) []field {
	t.Helper()
	uvarint := func() uint64 {
		v, n := binary.Uvarint(b)
		if n <= 0 {
			t.Fatalf("bad varint in % x", b)
		}
		b = b[n:]
		return v
	}
	var out []field
	for len(b) > 0 {
		key := uvarint()
		f := field{number: int(key >> 3)}
		switch key & 7 {
		case 0:
			f.value = uvarint()
		case 1:
			f.value, b = binary.LittleEndian.Uint64(b), b[8:]
		case 5:
			f.value, b = uint64(binary.LittleEndian.Uint32(b)), b[4:]
		case 2:
			n := uvarint()
			f.bytes, b = b[:n], b[n:]
		default:
			t.Fatalf("wire type %d", key&7)
		}
		out = append(out, f)
	}
	return out
}

// get follows field numbers down to one field.
func get(t *testing.T, b []byte, path ...int) field {
	t.Helper()
	for i, number := range path {
		found := false
		for _, f := range decode(t, b) {
			if f.number == number {
				if i == len(path)-1 {
					return f
				}
				b, found = f.bytes, true
				break
			}
		}
		if !found {
			t.Fatalf("no field %v in % x", path[:i+1], b)
		}
	}
	panic("empty path")
}

// events reads the records of the only file in dir, checking both checksums.
func events(t *testing.T, dir string) [][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*tfevents*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	check := func(data []byte, want uint32) {
		t.Helper()
		// Unmask, as TensorFlow does on reading.
		rot := want - 0xa282ead8
		if crc := rot>>17 | rot<<15; crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) != crc {
			t.Fatalf("checksum of % x", data)
		}
	}
	var out [][]byte
	for len(b) > 0 {
		n := binary.LittleEndian.Uint64(b)
		check(b[:8], binary.LittleEndian.Uint32(b[8:]))
		data := b[12 : 12+n]
		check(data, binary.LittleEndian.Uint32(b[12+n:]))
		out, b = append(out, data), b[16+n:]
	}
	return out
}

func TestReadBack(t *testing.T) {
	dir := t.TempDir()
	at := time.Unix(1_700_000_000, 500_000_000)
	w, err := create(dir, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, stdimage.NewRGBA(stdimage.Rect(0, 0, 7, 5))); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		w.Scalar("train/loss", 300, 0.25), w.Scalar("gap", 1, math.NaN()),
		w.PNG("maps/error", 12, picture.Bytes()), w.Settings([][2]string{{"train.epochs", "5"}, {"a|b", "c\nd"}}),
		w.Resume(400), w.Close(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	e := events(t, dir)
	if len(e) != 5 {
		t.Fatalf("%d events", len(e))
	}
	if got := string(get(t, e[0], 3).bytes); got != "brain.Event:2" {
		t.Errorf("first event is %q", got)
	}
	if got := math.Float64frombits(get(t, e[1], 1).value); got != 1_700_000_000.5 {
		t.Errorf("wall time %f", got)
	}
	if step := get(t, e[1], 2).value; step != 300 {
		t.Errorf("step %d", step)
	}
	if tag, v := get(t, e[1], 5, 1, 1), get(t, e[1], 5, 1, 2); string(tag.bytes) != "train/loss" || math.Float32frombits(uint32(v.value)) != 0.25 {
		t.Errorf("scalar %s %v", tag.bytes, v)
	}
	if h, wd := get(t, e[2], 5, 1, 4, 1).value, get(t, e[2], 5, 1, 4, 2).value; h != 5 || wd != 7 {
		t.Errorf("image %d x %d", wd, h)
	}
	if !bytes.Equal(get(t, e[2], 5, 1, 4, 4).bytes, picture.Bytes()) {
		t.Error("picture changed")
	}
	text := string(get(t, e[3], 5, 1, 8, 8).bytes)
	if !strings.Contains(text, "| train.epochs | 5 |\n") || !strings.Contains(text, `| a\|b | c d |`) {
		t.Errorf("settings %q", text)
	}
	if plugin := string(get(t, e[3], 5, 1, 9, 1, 1).bytes); plugin != "text" {
		t.Errorf("plugin %q", plugin)
	}
	if s, step := get(t, e[4], 7, 1).value, get(t, e[4], 2).value; s != 1 || step != 400 {
		t.Errorf("session log %d at %d", s, step)
	}
}

// goldenABC is what tensorboard's own RecordWriter (Python, tensorboard.summary.
// writer.record_writer) writes for b"abc".
const goldenABC = "0300000000000000b099490e6162636e57f121"

// The checksum is that of RFC 3720 B.4 (32 zero bytes: aa36918a in wire order).
func TestRecord(t *testing.T) {
	if c := crc32.Checksum(make([]byte, 32), castagnoli); c != 0x8a9136aa {
		t.Errorf("CRC-32C %08x", c)
	}
	if got := hex.EncodeToString(record([]byte("abc"))); got != goldenABC {
		t.Errorf("got %s, want %s", got, goldenABC)
	}
}

func TestManyWriters(t *testing.T) {
	dir := t.TempDir()
	at := func() time.Time { return time.Unix(1, 0) }
	for range 3 {
		w, err := create(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if files, _ := os.ReadDir(dir); len(files) != 3 {
		t.Errorf("%d files for 3 writers", len(files))
	}
	if _, err := Create(filepath.Join(dir, "none")); err == nil {
		t.Error("a folder that is not there")
	}
}

func TestBadPicture(t *testing.T) {
	w, err := Create(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.PNG("x", 1, []byte("no png")); err == nil || !strings.Contains(fmt.Sprint(err), "picture x") {
		t.Errorf("got %v", err)
	}
}
