package osm

import (
	"errors"
	"fmt"
	"math"
)

// Block is a file's unit: some thousand elements and the strings of their tags.
// It and all that it hands out are valid until its decoder reads the next.
type Block struct {
	Strings  [][]byte
	min, max Kind // of its elements

	granularity, lat0, lon0 int64
	groups                  [][]byte
	tags                    []uint32
	way                     Way
	relation                Relation
}

// Way is one way.
type Way struct {
	ID   int64
	Tags []uint32 // key, value, key, value, ...: places in Strings
	Refs []byte   // packed differences of its nodes' numbers, see Deltas
}

// Relation is one relation; its members' lists are of one length.
type Relation struct {
	ID      int64
	Tags    []uint32
	Members []int64
	Roles   []uint32 // places in Strings
	Types   []Kind
}

// decoder reads blocks one after the other, in the same memory.
type decoder struct {
	raw, data []byte
	b         Block
}

// block reads a block.
func (d *decoder) block(f *File, i int) (*Block, error) {
	data, err := d.content(f, f.blobs[i])
	if err == nil {
		err = d.b.parse(data)
	}
	if err != nil {
		return nil, fmt.Errorf("block %d at byte %d: %w", i, f.blobs[i].at, err)
	}
	return &d.b, nil
}

// content is what a blob holds, unpacked.
func (d *decoder) content(f *File, at span) ([]byte, error) {
	d.raw = grown(d.raw, at.size)
	if _, err := f.f.ReadAt(d.raw, at.at); err != nil {
		return nil, err
	}
	var packed []byte
	size := -1
	m := message(d.raw)
	for m.next() {
		switch m.field {
		case 1:
			return m.bytes, nil
		case 2:
			size = int(min(m.number, maxBlob+1))
		case 3:
			packed = m.bytes
		default:
			return nil, fmt.Errorf("a blob with field %d, such as one packed by lzma or zstd", m.field)
		}
	}
	if m.err != nil {
		return nil, m.err
	}
	if packed == nil || size < 0 || size > maxBlob {
		return nil, errWire
	}
	d.data = grown(d.data, size)
	if err := f.inflate(d.data, packed); err != nil {
		return nil, err
	}
	return d.data, nil
}

func grown(b []byte, n int) []byte {
	if cap(b) < n {
		return make([]byte, n, n+n/4)
	}
	return b[:n]
}

// parse finds the parts of a block.
func (b *Block) parse(data []byte) error {
	b.Strings, b.groups = b.Strings[:0], b.groups[:0]
	b.granularity, b.lat0, b.lon0 = 100, 0, 0
	b.min, b.max = Relations+1, -1
	m := message(data)
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wireBytes:
			t := message(m.bytes)
			for t.next() {
				if t.field == 1 && t.wire == wireBytes {
					b.Strings = append(b.Strings, t.bytes)
				}
			}
			if t.err != nil {
				return t.err
			}
		case m.field == 2 && m.wire == wireBytes:
			b.groups = append(b.groups, m.bytes)
			if err := b.kinds(m.bytes); err != nil {
				return err
			}
		case m.field == 17:
			b.granularity = int64(m.number)
		case m.field == 19:
			b.lat0 = int64(m.number)
		case m.field == 20:
			b.lon0 = int64(m.number)
		}
	}
	if m.err == nil && b.max < 0 {
		return errors.New("a block without elements")
	}
	return m.err
}

// kinds notes what a group holds: all its elements are of one kind, so that the
// first says it.
func (b *Block) kinds(group []byte) error {
	m := message(group)
	if !m.next() {
		return m.err
	}
	k := Nodes
	switch m.field {
	case 1, 2:
	case 3:
		k = Ways
	case 4:
		k = Relations
	default:
		return fmt.Errorf("elements of type %d", m.field)
	}
	b.min, b.max = min(b.min, k), max(b.max, k)
	return nil
}

// each calls f with every element of a kind, by the field it stands in.
func (b *Block) each(f func(field int, data []byte) error, fields ...int) error {
	for _, g := range b.groups {
		m := message(g)
		for m.next() {
			for _, want := range fields {
				if m.field == want && m.wire == wireBytes {
					if err := f(m.field, m.bytes); err != nil {
						return err
					}
				}
			}
		}
		if m.err != nil {
			return m.err
		}
	}
	return nil
}

// Nodes calls f with every node: its place in degrees, and its tags as of a way.
func (b *Block) Nodes(f func(id int64, lon, lat float64, tags []uint32) error) error {
	return b.each(func(field int, data []byte) error {
		if field == 1 {
			return b.node(data, f)
		}
		return b.dense(data, f)
	}, 1, 2)
}

// place gives degrees, by the very steps of OGR's reader, so that both give the
// same bits; the conversions keep a processor from joining two steps to one.
func (b *Block) place(lon, lat int64) (x, y float64, err error) {
	x = 1e-9 * (float64(b.lon0) + float64(float64(b.granularity)*float64(lon)))
	y = 1e-9 * (float64(b.lat0) + float64(float64(b.granularity)*float64(lat)))
	if math.Abs(x) > 180 || math.Abs(y) > 90 {
		return 0, 0, errors.New("a node lies beyond 180 or 90 degrees")
	}
	return x, y, nil
}

func (b *Block) node(data []byte, f func(int64, float64, float64, []uint32) error) error {
	var id, lon, lat int64
	m := message(data)
	b.tags = b.tags[:0]
	for m.next() {
		switch {
		case m.field == 1 && m.wire == wireVarint:
			id = unzigzag(m.number)
		case m.field == 8 && m.wire == wireVarint:
			lat = unzigzag(m.number)
		case m.field == 9 && m.wire == wireVarint:
			lon = unzigzag(m.number)
		case m.field == 2 || m.field == 3:
			if err := b.addTags(m.field, m.bytes); err != nil {
				return err
			}
		}
	}
	if m.err != nil {
		return m.err
	}
	x, y, err := b.place(lon, lat)
	if err != nil {
		return err
	}
	return f(id, x, y, b.tags)
}

// dense reads nodes as columns.
func (b *Block) dense(data []byte, f func(int64, float64, float64, []uint32) error) error {
	var ids, lats, lons, tags reader
	m := message(data)
	for m.next() {
		if m.wire != wireBytes {
			continue
		}
		switch m.field {
		case 1:
			ids = message(m.bytes)
		case 8:
			lats = message(m.bytes)
		case 9:
			lons = message(m.bytes)
		case 10:
			tags = message(m.bytes)
		}
	}
	if m.err != nil {
		return m.err
	}
	var id, lon, lat int64
	for len(ids.rest) > 0 {
		id += unzigzag(ids.varint())
		lat += unzigzag(lats.varint())
		lon += unzigzag(lons.varint())
		b.tags = b.tags[:0]
		for len(tags.rest) > 0 {
			k := tags.varint()
			if k == 0 {
				break
			}
			v := tags.varint()
			if max(k, v) >= uint64(len(b.Strings)) {
				return errWire
			}
			b.tags = append(b.tags, uint32(k), uint32(v))
		}
		x, y, err := b.place(lon, lat)
		if err = errors.Join(ids.err, lats.err, lons.err, tags.err, err); err != nil {
			return err
		}
		if err := f(id, x, y, b.tags); err != nil {
			return err
		}
	}
	return nil
}

// addTags takes a list of keys (field 2) or of values (3), which follows it.
func (b *Block) addTags(field int, packed []byte) error {
	r := reader{rest: packed}
	if field == 2 {
		b.tags = b.tags[:0]
	}
	for i := 1; len(r.rest) > 0; i += 2 {
		v := r.varint()
		if r.err != nil || v >= uint64(len(b.Strings)) {
			return errWire
		}
		if field == 2 {
			b.tags = append(b.tags, uint32(v), 0)
		} else if i < len(b.tags) {
			b.tags[i] = uint32(v)
		} else {
			return errWire
		}
	}
	return nil
}

// Ways calls f with every way.
func (b *Block) Ways(f func(*Way) error) error {
	return b.each(func(_ int, data []byte) error {
		w := &b.way
		w.ID, w.Refs, b.tags = 0, nil, b.tags[:0]
		m := message(data)
		for m.next() {
			switch {
			case m.field == 1 && m.wire == wireVarint:
				w.ID = int64(m.number)
			case m.field == 2 || m.field == 3:
				if err := b.addTags(m.field, m.bytes); err != nil {
					return err
				}
			case m.field == 8 && m.wire == wireBytes:
				w.Refs = m.bytes
			}
		}
		if m.err != nil {
			return m.err
		}
		w.Tags = b.tags
		return f(w)
	}, 3)
}

// Relations calls f with every relation.
func (b *Block) Relations(f func(*Relation) error) error {
	return b.each(func(_ int, data []byte) error {
		r := &b.relation
		r.ID, r.Members, r.Roles, r.Types, b.tags = 0, r.Members[:0], r.Roles[:0], r.Types[:0], b.tags[:0]
		m := message(data)
		for m.next() {
			switch {
			case m.field == 1 && m.wire == wireVarint:
				r.ID = int64(m.number)
			case m.field == 2 || m.field == 3:
				if err := b.addTags(m.field, m.bytes); err != nil {
					return err
				}
			case m.field == 8 && m.wire == wireBytes:
				for p := message(m.bytes); len(p.rest) > 0; {
					v := p.varint()
					if p.err != nil || v >= uint64(len(b.Strings)) {
						return errWire
					}
					r.Roles = append(r.Roles, uint32(v))
				}
			case m.field == 9 && m.wire == wireBytes:
				if !Deltas(m.bytes, func(id int64) { r.Members = append(r.Members, id) }) {
					return errWire
				}
			case m.field == 10 && m.wire == wireBytes:
				for p := message(m.bytes); len(p.rest) > 0; {
					v := p.varint()
					if p.err != nil || v > uint64(Relations) {
						return errWire
					}
					r.Types = append(r.Types, Kind(v))
				}
			}
		}
		if m.err != nil || len(r.Roles) != len(r.Members) || len(r.Types) != len(r.Members) {
			return errWire
		}
		r.Tags = b.tags
		return f(r)
	}, 4)
}
