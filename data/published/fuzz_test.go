package published

import (
	"bytes"
	"context"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"opencarbon/data/grid"
	"opencarbon/data/store"
	"opencarbon/torch/pickle"
)

// small are files of tiny datasets whose matrices are small enough to damage
// them often: 256 x 256 x 1 bytes would hide the pickle around them.
func small(tb testing.TB) map[string][]byte {
	files := map[string][]byte{}
	for _, fixture := range []string{"published.zip", "published_numpy2.zip"} {
		dir := unpack(tb, fixture, "")
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			name := e.Name()
			if err == nil && (strings.Contains(name, "carbon") || strings.HasSuffix(name, ".pkl") || strings.Contains(name, "tokyo.npz")) {
				if b, err := os.ReadFile(path); err == nil {
					files[fixture+"/"+name] = b
				}
			}
			return nil
		})
	}
	if len(files) < 8 {
		tb.Fatalf("only %d fixtures", len(files))
	}
	return files
}

// everything reads b as the kind of file that it is a damaged one of.
func everything(name string, b []byte) error {
	s, err := openPickle(bytes.NewReader(b), int64(len(b)), "poi_distribution")
	if err != nil {
		return err
	}
	w := &build{report: &Report{}, out: Output{Progress: func(string, int, int) {}}, cells: []grid.Cell{{Col: 26995, Row: 12416}}, targets: []float64{1},
		splits: make([]store.Split, 1)}
	switch filepath.Ext(name) {
	case ".npz":
		_, _, err = w.poisOf(context.Background(), s, name)
		return err
	case ".pkl":
		return w.listsOf(s, name)
	}
	return w.targetsOf(s, name)
}

// TestDamagedFiles reads damaged files: errors, no panic, and no more memory
// than twice the file and 64 MiB (a packed file: 16 times and 320 MiB),
// measured on some.
func TestDamagedFiles(t *testing.T) {
	total := 20_000
	if testing.Short() {
		total = 2_000
	}
	r := rand.New(rand.NewPCG(3, 5))
	files := small(t)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		b := files[name]
		n := total / 8
		packed := strings.HasSuffix(name, ".npz")
		if packed {
			n /= 50 // each unpacks megabytes
		}
		failed := 0
		for i := range n {
			d := bytes.Clone(b)
			switch r.IntN(4) {
			case 0:
				d = d[:r.IntN(len(d))]
			case 1:
				k := 1 + r.IntN(64)
				copy(d[r.IntN(len(d)-k):], d[r.IntN(len(d)-k):][:k])
			case 2:
				var w [8]byte
				binary.LittleEndian.PutUint64(w[:], []uint64{0, 255, 1 << 31, 1<<32 - 1, 1 << 62, 1<<64 - 1}[r.IntN(6)])
				copy(d[r.IntN(len(d)):], w[:1<<r.IntN(4)])
			default:
				for range 1 + r.IntN(4) {
					d[r.IntN(len(d))] = byte(r.Uint32())
				}
			}
			var before, after runtime.MemStats
			if i%50 == 0 {
				runtime.ReadMemStats(&before)
			}
			if everything(name, d) != nil {
				failed++
			}
			if i%50 == 0 {
				runtime.ReadMemStats(&after)
				limit := uint64(2*len(d) + 64<<20)
				if packed {
					limit = uint64(16*len(d) + 320<<20)
				}
				if got := after.TotalAlloc - before.TotalAlloc; got > limit {
					t.Fatalf("a damaged %s of %d bytes takes %d bytes of memory", name, len(d), got)
				}
			}
		}
		if failed < n/4 {
			t.Errorf("%s: only %d of %d damaged files gave an error", name, failed, n)
		}
	}
}

// TestStreaming: a large POI file needs the memory of one matrix and of its
// entries, not its own size; with bytes as protocol 4 writes them, and as text,
// as protocol 2 does.
func TestStreaming(t *testing.T) {
	const tiles, categories = 100, 3
	for _, text := range []bool{false, true} {
		path := filepath.Join(t.TempDir(), "tile2poi_distribution_x.npy")
		writeLarge(t, path, tiles, categories, text)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		b := &build{report: &Report{}, out: Output{Progress: func(string, int, int) {}}}
		cells, all, err := b.readPOIs(context.Background(), path)
		runtime.ReadMemStats(&after)
		if err != nil || len(cells) != tiles || len(all[tiles-1].keys) != tiles {
			t.Fatal(len(cells), err)
		}
		const matrix = 256 * 256 * categories * 8
		got := after.TotalAlloc - before.TotalAlloc
		t.Logf("%d bytes of file, %d allocated", info.Size(), got)
		if got > 3*matrix+1<<20 || info.Size() < tiles*matrix {
			t.Errorf("reading a file of %d bytes allocated %d", info.Size(), got)
		}
	}
}

// writeLarge writes a dict of matrices as NumPy's pickles are, each with its
// memo entries; matrix i has i+1 entries that are not zero.
func writeLarge(t *testing.T, path string, tiles, categories int, text bool) {
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	raw := make([]byte, 256*256*categories*8)
	var head bytes.Buffer
	head.WriteString("\x80\x04}\x94(")
	for i := range tiles {
		binary.LittleEndian.PutUint64(raw[8*i:], 0x4000000000000000) // 2.0, whose bytes are ASCII
		head.WriteString("M" + string([]byte{byte(i), byte(i >> 8)}) + "K\x07\x86\x94\x8c\x16numpy._core.multiarray\x8c\x0c_reconstruct\x93\x94\x8c\x05numpy\x8c\x07ndarray\x93\x94K\x00\x85\x94C\x01b\x87\x94R\x94(K\x01M\x00\x01M\x00\x01K" +
			string(rune(categories)) + "\x87\x94\x8c\x05numpy\x8c\x05dtype\x93\x94\x8c\x02f8\x89\x88\x87\x94R\x94(K\x03\x8c\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00t\x94b\x89")
		tail := "\x94t\x94b"
		if text {
			head.WriteString("c_codecs\nencode\nX")
			tail = "\x94\x8c\x06latin1\x86\x94R" + tail
		} else {
			head.WriteString("B")
		}
		_ = binary.Write(&head, binary.LittleEndian, uint32(len(raw)))
		for _, b := range [][]byte{head.Bytes(), raw, []byte(tail)} {
			if _, err := f.Write(b); err != nil {
				t.Fatal(err)
			}
		}
		head.Reset()
	}
	if _, err := f.WriteString("u."); err != nil {
		t.Fatal(err)
	}
}

func FuzzPickle(f *testing.F) {
	files := small(f)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f.Add(files[name])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{Reader: bytes.NewReader(b), size: int64(len(b)), memory: 1 << 24}
		v, err := s.load(func(d *pickle.Decoder, a *pickle.Array) error {
			if len(a.Shape) == 3 {
				_, err := (&sparser{}).convert(a)
				return err
			}
			return nil
		})
		if err == nil {
			_, _ = cellOf(v)
			_, _ = items(v)
		}
	})
}
