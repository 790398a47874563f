package published

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"flag"
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

// fixtures are the pickles of tiny datasets by name: emissions, splits, and POI
// matrices, which are large and slow to read.
func fixtures(tb testing.TB) (small, matrices map[string][]byte) {
	small, matrices = map[string][]byte{}, map[string][]byte{}
	for _, fixture := range []string{"published.zip", "published_numpy2.zip"} {
		dir := unpack(tb, fixture, "")
		_ = filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
			name := e.Name()
			if ext := filepath.Ext(name); err != nil || ext != ".npy" && ext != ".npz" && ext != ".pkl" {
				return err
			}
			b, err := os.ReadFile(path)
			if strings.Contains(name, "distribution") {
				matrices[fixture+"/"+name] = b
			} else {
				small[fixture+"/"+name] = b
			}
			return err
		})
	}
	if len(small) < 8 || len(matrices) < 8 {
		tb.Fatalf("only %d and %d fixtures", len(small), len(matrices))
	}
	return small, matrices
}

// everything reads b as the kind of file that it is a damaged one of.
func everything(name string, b []byte) error {
	s, err := openPickle(bytes.NewReader(b), int64(len(b)), "poi_distribution")
	if err != nil {
		return err
	}
	w := &build{report: &Report{}, out: Output{Progress: func(string, int, int) {}}, cells: []grid.Cell{{Col: 26995, Row: 12416}}, targets: []float64{1},
		splits: make([]store.Split, 1)}
	switch {
	case strings.Contains(name, "distribution"):
		_, _, err = w.poisOf(context.Background(), s, name)
		return err
	case strings.Contains(name, "count"):
		_, err = countsOf(s, name)
		return err
	case filepath.Ext(name) == ".pkl":
		return w.listsOf(s, name)
	}
	return w.targetsOf(s, name)
}

var mutations = flag.Int("mutations", 20_000, "how many damaged files TestMutations reads")

// damage changes b in one of the ways in which files are damaged, mostly where
// something is: matrices are zeros nearly everywhere.
func damage(r *rand.Rand, b []byte) []byte {
	at := func() (i int) {
		for range 50 {
			if i = r.IntN(len(b)); b[i] != 0 {
				break
			}
		}
		return i
	}
	d := bytes.Clone(b)
	switch r.IntN(5) {
	case 0:
		return d[:at()]
	case 1: // a piece is moved
		k := 1 + r.IntN(64)
		copy(d[min(at(), len(d)-k):], b[min(at(), len(b)-k):][:k])
	case 2: // a number is replaced
		var w [8]byte
		binary.LittleEndian.PutUint64(w[:], []uint64{0, 255, 1 << 31, 1<<32 - 1, 1 << 62, 1<<64 - 1}[r.IntN(6)])
		copy(d[at():], w[:1<<r.IntN(4)])
	case 3: // a piece is cut out
		i := at()
		d = append(d[:i], d[min(len(d), i+1+r.IntN(16)):]...)
	default:
		for range 1 + r.IntN(4) {
			d[at()] = byte(r.Uint32())
		}
	}
	return d
}

// allowed is what a file of n bytes may allocate, garbage included.
func allowed(n int) uint64 { return uint64(2*n + 64<<20) }

// allocated is what f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMutations reads damaged and truncated files: no panic, and none takes
// memory beyond twice the file and 64 MiB, packed files too. One in fifty is a
// file of matrices.
//
//	go test ./torch/pth ./data/published -run Mutations -mutations 100000 -v
func TestMutations(t *testing.T) {
	total := *mutations
	if testing.Short() {
		total = min(total, 2_000)
	}
	r := rand.New(rand.NewPCG(3, 5))
	small, matrices := fixtures(t)
	most := 0.0
	read := func(files map[string][]byte, total int) (failed int) {
		names := slices.Sorted(maps.Keys(files))
		for i := range total {
			name := names[i%len(names)]
			d := damage(r, files[name])
			var err error
			n := allocated(func() { err = everything(name, d) })
			if err != nil {
				failed++
			}
			most = max(most, float64(n)/float64(allowed(len(d))))
			if n > allowed(len(d)) {
				t.Fatalf("a damaged %s of %d bytes takes %d bytes of memory", name, len(d), n)
			}
		}
		return failed
	}
	failed := read(small, total-total/50)
	large := read(matrices, total/50)
	t.Logf("%d damaged files, %d gave an error, the others were still sound; at most %.0f%% of the memory allowed was taken", total, failed+large, 100*most)
	if failed < total/4 || large < total/200 {
		t.Errorf("only %d and %d of %d damaged files gave an error", failed, large, total)
	}
}

// TestHostileMatrices: files made to exhaust the reader.
func TestHostileMatrices(t *testing.T) {
	matrix := func(categories, claimed int, fill byte) []byte { // uint8 [256, 256, C] at the key (1, 2)
		var b bytes.Buffer
		b.WriteString("\x80\x04}K\x01K\x02\x86\x8c\x15numpy.core.multiarray\x8c\x0c_reconstruct\x93\x8c\x05numpy\x8c\x07ndarray\x93K\x00\x85C\x01b\x87R" +
			"(K\x01M\x00\x01M\x00\x01M" + string([]byte{byte(categories), byte(categories >> 8)}) + "\x87\x8c\x05numpy\x8c\x05dtype\x93\x8c\x02u1\x89\x88\x87R\x89\x8e")
		_ = binary.Write(&b, binary.LittleEndian, uint64(claimed))
		b.Write(bytes.Repeat([]byte{fill}, 256*256*categories))
		b.WriteString("tbs.")
		return b.Bytes()
	}
	packed := func(b []byte) []byte {
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		w, _ := z.Create("poi_distribution.npy")
		_, _ = w.Write([]byte(magic + "\x01\x00\x10\x00{'descr': '|O'} "))
		_, _ = w.Write(b)
		z.Close()
		return out.Bytes()
	}
	sound := matrix(17, 17<<16, 0)
	for name, b := range map[string][]byte{"sound": sound, "sound, packed": packed(sound)} {
		if err := everything("distribution", b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for name, b := range map[string][]byte{
		"all counted":         matrix(200, 200<<16, 1),
		"all counted, packed": packed(matrix(600, 600<<16, 1)),
		"huge, packed":        packed(matrix(2000, 2000<<16, 0)),
		"a claim":             matrix(1, 1<<40, 0),
		"a claim, packed":     packed(matrix(1, 1<<40, 0)),
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			if n := allocated(func() { err = everything("distribution", b) }); n > allowed(len(b)) {
				t.Errorf("a file of %d bytes takes %d bytes of memory", len(b), n)
			}
			if err == nil {
				t.Error("no error")
			}
		})
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
	small, _ := fixtures(f)
	for _, name := range slices.Sorted(maps.Keys(small)) {
		f.Add(small[name])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := openPickle(bytes.NewReader(b), int64(len(b)), "poi_distribution")
		if err != nil {
			return
		}
		v, err := s.load(func(d *pickle.Decoder, a *pickle.Array) error {
			if len(a.Shape) == 3 {
				_, err := thin(d, a)
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
