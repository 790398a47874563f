package osm

import (
	"bufio"
	"encoding/binary"
	"io"
)

// perBlock is how many elements a written block holds.
const perBlock = 8000

// Writer writes a file: nodes first, then ways, then relations, each by growing
// number. Blobs are not packed.
type Writer struct {
	w     *bufio.Writer
	err   error
	kind  Kind
	n     int // elements of the block under way
	at    map[string]uint64
	words []byte
	group []byte

	ids, lons, lats, tags []byte // of nodes
	id, lon, lat          int64  // the last one's
}

// NewWriter begins a file.
func NewWriter(w io.Writer) *Writer {
	o := &Writer{w: bufio.NewWriter(w)}
	o.blob("OSMHeader", appendBytes(appendBytes(nil, 4, []byte("OsmSchema-V0.6")), 4, []byte("DenseNodes")))
	o.fresh()
	return o
}

func (o *Writer) fresh() {
	o.n, o.at, o.words, o.group = 0, map[string]uint64{"": 0}, appendBytes(nil, 1, nil), nil
	o.ids, o.lons, o.lats, o.tags, o.id, o.lon, o.lat = nil, nil, nil, nil, 0, 0, 0
}

func (o *Writer) blob(kind string, content []byte) {
	body := appendBytes(nil, 1, content)
	head := appendVarint(appendBytes(nil, 1, []byte(kind)), 3, uint64(len(body)))
	for _, part := range [][]byte{binary.BigEndian.AppendUint32(nil, uint32(len(head))), head, body} {
		if _, err := o.w.Write(part); err != nil && o.err == nil {
			o.err = err
		}
	}
}

// begin makes room for an element of a kind.
func (o *Writer) begin(k Kind) {
	if o.n == perBlock || k != o.kind && o.n > 0 {
		o.flush()
	}
	o.kind = k
	o.n++
}

func (o *Writer) flush() {
	if o.n == 0 {
		return
	}
	if o.kind == Nodes {
		dense := appendBytes(appendBytes(appendBytes(nil, 1, o.ids), 8, o.lats), 9, o.lons)
		o.group = appendBytes(nil, 2, appendBytes(dense, 10, o.tags))
	}
	o.blob("OSMData", appendBytes(appendBytes(nil, 1, o.words), 2, o.group))
	o.fresh()
}

// word is the place of a string in the block's table.
func (o *Writer) word(s string) uint64 {
	v, ok := o.at[s]
	if !ok {
		v = uint64(len(o.at))
		o.at[s] = v
		o.words = appendBytes(o.words, 1, []byte(s))
	}
	return v
}

// Node writes a node; lon and lat are in units of 1e-7 degrees, tags are key,
// value, key, value, ...
func (o *Writer) Node(id int64, lon, lat int32, tags ...string) {
	o.begin(Nodes)
	o.ids = binary.AppendUvarint(o.ids, zigzag(id-o.id))
	o.lons = binary.AppendUvarint(o.lons, zigzag(int64(lon)-o.lon))
	o.lats = binary.AppendUvarint(o.lats, zigzag(int64(lat)-o.lat))
	for _, s := range tags {
		o.tags = binary.AppendUvarint(o.tags, o.word(s))
	}
	o.tags = append(o.tags, 0)
	o.id, o.lon, o.lat = id, int64(lon), int64(lat)
}

// element begins a way or a relation; tags are key, value, key, value, ...
func (o *Writer) element(id int64, tags []string) []byte {
	b := appendVarint(nil, 1, uint64(id))
	if len(tags) == 0 {
		return b
	}
	var list [2][]byte
	for i, s := range tags {
		list[i%2] = binary.AppendUvarint(list[i%2], o.word(s))
	}
	return appendBytes(appendBytes(b, 2, list[0]), 3, list[1])
}

// Way writes a way; refs are packed as in Way.Refs.
func (o *Writer) Way(id int64, tags []string, refs []byte) {
	o.begin(Ways)
	o.group = appendBytes(o.group, 3, appendBytes(o.element(id, tags), 8, refs))
}

// Relation writes a relation whose members are ways.
func (o *Writer) Relation(id int64, tags []string, members []int64, roles []string) {
	o.begin(Relations)
	b := o.element(id, tags)
	var names, ids, kinds []byte
	last := int64(0)
	for i, m := range members {
		names = binary.AppendUvarint(names, o.word(roles[i]))
		ids = binary.AppendUvarint(ids, zigzag(m-last))
		kinds = append(kinds, byte(Ways))
		last = m
	}
	o.group = appendBytes(o.group, 4, appendBytes(appendBytes(appendBytes(b, 8, names), 9, ids), 10, kinds))
}

// Close writes what is left; the underlying file stays open. It returns the
// first error of any call.
func (o *Writer) Close() error {
	o.flush()
	if err := o.w.Flush(); o.err == nil {
		o.err = err
	}
	return o.err
}
