package mutations

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
)

// span is a range of a file's bytes.
type span struct{ from, to int }

// mutation is a damaged file.
type mutation struct {
	how   string
	data  []byte
	first int // the first byte that differs
	last  int // behind the last one
}

// mutate damages a file in one of the ways that disks, downloads and hands do.
// others are files that may come in its place.
func mutate(r *rand.Rand, good []byte, others [][]byte) mutation {
	b := bytes.Clone(good)
	at := func() int { // half of all places lie in the first kilobytes, where the headers are
		if r.IntN(2) == 0 {
			return r.IntN(min(len(b), 4096))
		}
		return r.IntN(len(b))
	}
	how := ""
	switch r.IntN(6) {
	case 0, 1:
		i := at()
		b[i] ^= 1 << r.IntN(8)
		how = fmt.Sprintf("a bit of byte %d flipped", i)
	case 2:
		n := at()
		b = b[:n]
		how = fmt.Sprintf("cut to %d bytes", n)
	case 3:
		i := at()
		n := min(1+r.IntN(5000), len(b)-i)
		clear(b[i : i+n])
		how = fmt.Sprintf("%d bytes from %d on zeroed", n, i)
	case 4:
		more := make([]byte, 1+r.IntN(100))
		for i := range more {
			more[i] = byte(r.Uint32())
		}
		b = append(b, more...)
		how = fmt.Sprintf("%d bytes appended", len(more))
	case 5:
		k := r.IntN(len(others))
		b = bytes.Clone(others[k])
		how = fmt.Sprintf("replaced by file %d", k)
	}
	m := mutation{how: how, data: b}
	for m.first < min(len(b), len(good)) && b[m.first] == good[m.first] {
		m.first++
	}
	m.last = max(len(b), len(good))
	if len(b) == len(good) {
		for m.last > m.first && b[m.last-1] == good[m.last-1] {
			m.last--
		}
	}
	return m
}

// nothing reports whether the file is what it was.
func (m mutation) nothing() bool { return m.first == m.last }

// touches reports whether any of the spans is damaged.
func (m mutation) touches(spans []span) bool {
	for _, s := range spans {
		if m.first < s.to && s.from < m.last {
			return true
		}
	}
	return false
}

// checkpointBulk is where a safetensors file keeps its arrays.
func checkpointBulk(b []byte) []span {
	return []span{{8 + int(binary.LittleEndian.Uint64(b)), len(b)}}
}

// storeBulk is where a tile store keeps its sections; between them is padding.
func storeBulk(b []byte) (spans []span) {
	le := binary.LittleEndian
	for i := range int(le.Uint32(b[12:])) {
		e := b[64+64*i:]
		if strings.TrimRight(string(e[:24]), "\x00") != "" {
			from := int(le.Uint64(e[32:]))
			spans = append(spans, span{from, from + int(le.Uint64(e[40:]))})
		}
	}
	return spans
}
