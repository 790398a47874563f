package osm

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// inflate unpacks by Go's own library.
func inflate(dst, src []byte) error {
	z, err := zlib.NewReader(bytes.NewReader(src))
	if err != nil {
		return err
	}
	if _, err := io.ReadFull(z, dst); err != nil {
		return err
	}
	if n, err := z.Read(make([]byte, 1)); n > 0 || err != io.EOF { // EOF: the checksum is right
		return errWire
	}
	return nil
}

func save(t testing.TB, content []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.osm.pbf")
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// list reads a file to the end, as lines of text.
func list(path string) (lines []string, err error) {
	f, err := Open(path, inflate)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for k := Nodes; k <= Relations; k++ {
		if err := Scan(context.Background(), f, f.Part(k), func(_ int, b *Block) (s []string, err error) {
			text := func(tags []uint32) (s string) {
				for _, i := range tags {
					s += " " + string(b.Strings[i])
				}
				return s
			}
			refs := func(packed []byte) (s []int64) {
				if !Deltas(packed, func(id int64) { s = append(s, id) }) {
					err = errWire
				}
				return s
			}
			switch k {
			case Nodes:
				return s, b.Nodes(func(id int64, lon, lat float64, tags []uint32) error {
					s = append(s, fmt.Sprintf("n%d %.7f %.7f%s", id, lon, lat, text(tags)))
					return nil
				})
			case Ways:
				return s, b.Ways(func(w *Way) error {
					s = append(s, fmt.Sprintf("w%d %v%s", w.ID, refs(w.Refs), text(w.Tags)))
					return err
				})
			}
			return s, b.Relations(func(r *Relation) error {
				s = append(s, fmt.Sprintf("r%d %v%s as%s %v", r.ID, r.Members, text(r.Tags), text(r.Roles), r.Types))
				return nil
			})
		}, func(_ int, s []string) error { lines = append(lines, s...); return nil }); err != nil {
			return nil, err
		}
	}
	return lines, nil
}

// sample writes a file of three blocks of nodes, and two each of ways and
// relations; and its elements as list gives them.
func sample(t *testing.T) (content []byte, want []string) {
	var file bytes.Buffer
	o := NewWriter(&file)
	for i := range 2*perBlock + 5 {
		lon, lat := int32(i*1000-1_799_999_999), int32(899_999_999-i*777)
		var tags []string
		if i%3 == 0 {
			tags = []string{"name", fmt.Sprint("Café ", i), "amenity", "cafe"}
		}
		o.Node(int64(i*7), lon, lat, tags...)
		want = append(want, strings.TrimSuffix(fmt.Sprintf("n%d %.7f %.7f %s", i*7, float64(lon)/1e7, float64(lat)/1e7, strings.Join(tags, " ")), " "))
	}
	for i := range perBlock + 1 {
		o.Way(int64(i), []string{"building", "yes"}, []byte{20, 2, 1})
		want = append(want, fmt.Sprintf("w%d [10 11 10] building yes", i))
	}
	for i := range perBlock + 1 {
		o.Relation(int64(i), []string{"type", "multipolygon"}, []int64{5, 3}, []string{"outer", "inner"})
		want = append(want, fmt.Sprintf("r%d [5 3] type multipolygon as outer inner [1 1]", i))
	}
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes(), want
}

// TestWriteAndRead: what was written comes back, in order, from all blocks.
func TestWriteAndRead(t *testing.T) {
	content, want := sample(t)
	got, err := list(save(t, content))
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("element %d of %d (got %d): got %q, want %q", i, len(want), len(got), got[min(i, len(got)-1)], want[i])
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d elements, want %d", len(got), len(want))
	}
}

// file is one of a header and blobs whose content is given.
func file(features []string, blocks ...[]byte) []byte {
	var out bytes.Buffer
	for i, b := range append([][]byte{nil}, blocks...) {
		kind := "OSMData"
		if i == 0 {
			kind = "OSMHeader"
			for _, f := range features {
				b = appendBytes(b, 4, []byte(f))
			}
		}
		var packed bytes.Buffer
		z := zlib.NewWriter(&packed)
		z.Write(b)
		z.Close()
		body := appendBytes(appendVarint(nil, 2, uint64(len(b))), 3, packed.Bytes())
		head := appendVarint(appendBytes(nil, 1, []byte(kind)), 3, uint64(len(body)))
		out.Write(binary.BigEndian.AppendUint32(nil, uint32(len(head))))
		out.Write(head)
		out.Write(body)
	}
	return out.Bytes()
}

// plain is a group with one node that is no column of many, at lon, lat 10, 51.
func plain(id int64) []byte {
	n := appendVarint(nil, 1, zigzag(id))
	n = appendBytes(appendBytes(n, 2, []byte{1}), 3, []byte{2})
	n = appendVarint(appendVarint(n, 8, zigzag(5_100_000)), 9, zigzag(1_000_000))
	return appendBytes(nil, 1, n)
}

// TestPacked reads what the writer does not write: packed blobs, nodes one by one,
// another granularity and origin, relations of nodes, all kinds in one block.
func TestPacked(t *testing.T) {
	words := appendBytes(appendBytes(appendBytes(nil, 1, nil), 1, []byte("shop")), 1, []byte("yes"))
	block := appendVarint(appendBytes(nil, 1, words), 17, 1000) // units of a thousandth of a degree, by 1000
	block = appendVarint(appendVarint(block, 19, 1_000_000_000), 20, 2_000_000_000)
	block = appendBytes(block, 2, plain(4))
	block = appendBytes(block, 2, appendBytes(nil, 3, appendBytes(appendVarint(nil, 1, 9), 8, []byte{8, 2})))
	r := appendBytes(appendVarint(nil, 1, 3), 8, []byte{1, 0, 2})
	block = appendBytes(block, 2, appendBytes(nil, 4, appendBytes(appendBytes(r, 9, []byte{8, 10, 0}), 10, []byte{0, 1, 2})))
	got, err := list(save(t, file([]string{"OsmSchema-V0.6"}, block)))
	want := []string{"n4 3.0000000 6.1000000 shop yes", "w9 [4 5]", "r3 [4 9 9] as shop  yes [0 1 2]"}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

// TestRefuses: what this reader does not know, and what is damaged, is an error
// and never a shorter list.
func TestRefuses(t *testing.T) {
	node := appendBytes(appendBytes(nil, 1, appendBytes(appendBytes(appendBytes(nil, 1, nil), 1, []byte("shop")), 1, []byte("yes"))), 2, plain(1))
	way := appendBytes(appendBytes(nil, 1, appendBytes(nil, 1, nil)), 2, appendBytes(nil, 3, appendVarint(nil, 1, 9)))
	whole := file(nil, node, node, way, way)
	if lines, err := list(save(t, whole)); err != nil || len(lines) != 4 {
		t.Fatalf("whole: %q, %v", lines, err)
	}
	far := appendVarint(bytes.Clone(node), 20, 180_000_000_000)
	damaged := bytes.Clone(whole)
	damaged[len(damaged)-6] ^= 0xff // in the checksum's neighborhood of the last blob
	for name, content := range map[string][]byte{
		"mixed order":  file(nil, node, way, node, way),
		"other needs":  file([]string{"HistoricalInformation"}, node),
		"no element":   file(nil, node, appendBytes(nil, 1, nil)),
		"far away":     file(nil, far),
		"wrong word":   file(nil, appendBytes(nil, 2, plain(1))),
		"bit flipped":  damaged,
		"another blob": bytes.Replace(whole, []byte("OSMData"), []byte("OSMDatb"), 1),
	} {
		if lines, err := list(save(t, content)); err == nil {
			t.Errorf("%s: %q", name, lines)
		}
	}
	path := save(t, whole)
	ends := map[int]bool{}
	f, err := Open(path, inflate)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range f.blobs {
		ends[int(b.at)+b.size] = true
	}
	start := int(f.blobs[0].at) - 4 - len("OSMData") - 4
	f.Close()
	for n := start; n < len(whole); n++ {
		if n == start || ends[n] { // a shorter file, and nothing that says so
			continue
		}
		if lines, err := list(save(t, whole[:n])); err == nil {
			t.Errorf("cut to %d bytes of %d: %q", n, len(whole), lines)
		}
	}
}

// TestStop: an error of the caller's ends a scan and is what it returns, whichever
// block it comes from; a cancelled context does, too.
func TestStop(t *testing.T) {
	content, _ := sample(t)
	f, err := Open(save(t, content), inflate)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decode := func(i int, _ *Block) (int, error) { return i, nil }
	if err := Scan(context.Background(), f, f.Part(Nodes), decode, func(i, _ int) error {
		if i == 1 {
			return os.ErrInvalid
		}
		return nil
	}); err != os.ErrInvalid {
		t.Errorf("got %v", err)
	}
	ctx, stop := context.WithCancel(context.Background())
	stop()
	if err := Scan(ctx, f, f.Part(Nodes), decode, func(int, int) error { return nil }); err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

// FuzzBlock reads any bytes as a block: an error, or elements whose tags are in
// the table.
func FuzzBlock(f *testing.F) {
	words := appendBytes(appendBytes(nil, 1, nil), 1, []byte("shop"))
	f.Add(appendBytes(appendBytes(nil, 1, words), 2, plain(4)))
	dense := appendBytes(appendBytes(appendBytes(appendBytes(nil, 1, []byte{2, 2}), 8, []byte{2, 2}), 9, []byte{2, 2}), 10, []byte{1, 1, 0, 0})
	f.Add(appendBytes(appendBytes(nil, 1, words), 2, appendBytes(nil, 2, dense)))
	f.Add(appendBytes(appendBytes(nil, 1, words), 2, appendBytes(nil, 3, appendBytes(appendBytes(appendVarint(nil, 1, 9), 2, []byte{1}), 3, []byte{0}))))
	r := appendBytes(appendVarint(nil, 1, 3), 8, []byte{1})
	f.Add(appendBytes(appendBytes(nil, 1, words), 2, appendBytes(nil, 4, appendBytes(appendBytes(r, 9, []byte{8}), 10, []byte{2}))))
	f.Fuzz(func(t *testing.T, content []byte) {
		var b Block
		if b.parse(content) != nil {
			return
		}
		tags := func(list []uint32) {
			for _, s := range list {
				_ = b.Strings[s]
			}
			if len(list)%2 != 0 {
				t.Fatal("a key without value")
			}
		}
		_ = b.Nodes(func(_ int64, lon, lat float64, list []uint32) error { tags(list); return nil })
		_ = b.Ways(func(w *Way) error { tags(w.Tags); return nil })
		_ = b.Relations(func(r *Relation) error {
			tags(r.Tags)
			for i := range r.Members {
				_, _ = b.Strings[r.Roles[i]], r.Types[i]
			}
			return nil
		})
	})
}
