package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"flag"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// everything makes all calls that a hostile file could reach.
func everything(b []byte) error {
	f, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return err
	}
	_, _, _ = StateDict(f)
	_, _ = OptimizerState(f)
	return nil
}

// allocated is what reading b allocates in all, garbage included, which bounds
// the memory in use.
func allocated(b []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_ = everything(b)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

const allowance = 64 << 20

func fixtures(tb testing.TB) (names []string, files [][]byte) {
	paths, err := filepath.Glob("testdata/*.pth")
	if err != nil || len(paths) < 20 {
		tb.Fatal("fixtures are missing")
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			tb.Fatal(err)
		}
		names, files = append(names, p), append(files, b)
	}
	return names, files
}

// reseal puts right the checksum of a zip's data.pkl, so that damage there
// reaches the reader of pickles.
func reseal(b []byte) {
	at := bytes.Index(b, []byte("/data.pkl"))
	central := bytes.LastIndex(b, []byte("PK\x01\x02"))
	for i := 0; i+46 < len(b) && at > 0 && central > 0; i++ {
		if string(b[i:i+4]) == "PK\x01\x02" && bytes.HasPrefix(b[i+46:], b[at-len("adam_zip"):at]) {
			n := int(binary.LittleEndian.Uint32(b[i+24:]))
			from := 30 + int(binary.LittleEndian.Uint16(b[26:])) + int(binary.LittleEndian.Uint16(b[28:]))
			if from+n <= len(b) {
				binary.LittleEndian.PutUint32(b[i+16:], crc32.ChecksumIEEE(b[from:from+n]))
			}
			return
		}
	}
}

// interesting numbers to write over lengths and counts.
var interesting = []uint64{0, 1, 0x7f, 0x80, 0xff, 0xffff, 1 << 20, 1<<31 - 1, 1 << 31, 1<<32 - 1, 1 << 40, 1<<63 - 1, 1 << 63, 1<<64 - 1}

// mutate damages b in one of the ways in which files are damaged.
func mutate(r *rand.Rand, b []byte) []byte {
	b = bytes.Clone(b)
	switch r.IntN(5) {
	case 0:
		return b[:r.IntN(len(b))]
	case 1: // a piece is moved
		n := 1 + r.IntN(min(64, len(b)-1))
		copy(b[r.IntN(len(b)-n+1):], b[r.IntN(len(b)-n+1):][:n])
	case 2: // a number is replaced
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], interesting[r.IntN(len(interesting))])
		copy(b[r.IntN(len(b)):], w[:1<<r.IntN(4)])
	case 3: // a piece is cut out
		at := r.IntN(len(b))
		b = append(b[:at], b[min(len(b), at+1+r.IntN(16)):]...)
	default:
		for range 1 + r.IntN(4) {
			b[r.IntN(len(b))] = byte(r.Uint32())
		}
	}
	reseal(b)
	return b
}

var mutations = flag.Int("mutations", 20_000, "how many damaged files TestMutations reads")

// TestMutations reads damaged and truncated files: no panic, and none takes
// memory beyond twice the file and 64 MiB, garbage included.
//
//	go test ./torch/pth ./data/published -run Mutations -mutations 100000 -v
func TestMutations(t *testing.T) {
	total := *mutations
	if testing.Short() || raceDetector {
		total = min(total, 2_000)
	}
	names, files := fixtures(t)
	r := rand.New(rand.NewPCG(7, 11))
	failed, most := 0, 0.0
	var before, after runtime.MemStats
	for i := range total {
		k := i % len(files)
		b := mutate(r, files[k])
		runtime.ReadMemStats(&before)
		err := everything(b)
		runtime.ReadMemStats(&after)
		if err != nil {
			failed++
		}
		n := after.TotalAlloc - before.TotalAlloc
		most = max(most, float64(n)/float64(2*len(b)+allowance))
		if n > uint64(2*len(b)+allowance) {
			t.Fatalf("a damaged %s of %d bytes takes %d bytes of memory", names[k], len(b), n)
		}
	}
	t.Logf("%d damaged files, %d gave an error, the others were still sound; at most %.0f%% of the memory allowed was taken", total, failed, 100*most)
	if failed < total/2 {
		t.Errorf("only %d of %d damaged files gave an error", failed, total)
	}
}

// TestHostileFiles: files made to exhaust the reader.
func TestHostileFiles(t *testing.T) {
	many := func(s string, n int) string { return strings.Repeat(s, n) }
	tensor := func(size, stride string) string { // over a storage of one float
		return "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQK\x00" +
			size + stride + "\x89N(tR."
	}
	doubled := "\x80\x02]q\x00"
	for i := range 60 { // a tree of 2^60 leaves in 400 bytes
		doubled += "h" + string(rune(i)) + "h" + string(rune(i)) + "\x86q" + string(rune(i+1))
	}
	var bomb bytes.Buffer
	z := zip.NewWriter(&bomb)
	w, _ := z.Create("archive/data.pkl")
	_, _ = w.Write(make([]byte, 64<<20))
	z.Close()
	var wide bytes.Buffer
	z = zip.NewWriter(&wide)
	for range 60_000 {
		_, _ = z.CreateRaw(&zip.FileHeader{Name: "a/data.pkl"})
	}
	z.Close()
	for name, content := range map[string]string{
		"long int":         "\x80\x02\x8b\xff\xff\xff\x7f.",
		"long text":        "\x80\x02X\xff\xff\xff\xff.",
		"longer text":      "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
		"long bytes":       "\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xff.",
		"wide memo":        "\x80\x02Nr\xff\xff\xff\xff.",
		"creeping memo":    "\x80\x02" + many("Nr\x00\x04\x00\x00", 1<<20),
		"deep lists":       "\x80\x02" + many("]", 8<<20) + many("a", 8<<20),
		"deep tuples":      "\x80\x02N" + many("\x85", 16<<20) + ".",
		"many marks":       "\x80\x02" + many("(", 32<<20),
		"many dicts":       "\x80\x02" + many("}", 8<<20),
		"many nones":       "\x80\x02" + many("N", 32<<20),
		"many numbers":     "\x80\x02(" + many("M\x00\x80", 8<<20) + "t.",
		"doubled tuples":   doubled + "0" + "\x8c\x00.",
		"expanded tensor":  tensor("J\x00\x00\x00\x40K\x04\x86", "K\x00K\x00\x86"),
		"endless tensor":   tensor("\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x86", "K\x01K\x01\x86"),
		"overflowing view": tensor("K\x03\x85", "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f\x85"),
		"zip bomb":         bomb.String(),
		"wide zip":         wide.String(),
	} {
		t.Run(name, func(t *testing.T) {
			b := []byte(content)
			if err := everything(b); err == nil {
				t.Error("no error")
			} else if len(err.Error()) > 1000 {
				t.Errorf("a message of %d bytes", len(err.Error()))
			}
			if n := allocated(b); n > uint64(2*len(b)+allowance) {
				t.Errorf("a file of %d bytes takes %d bytes of memory", len(b), n)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	_, files := fixtures(f)
	for _, b := range files {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) { _ = everything(b) })
}
