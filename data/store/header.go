package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"unsafe"

	"opencarbon/data/fault"
)

// Layout of tiles.ocs, all numbers little-endian:
//
//	offset  size  field
//	     0     8  magic "OCTILES\n"; zero while a build is unfinished
//	     8     4  version of the layout
//	    12     4  number of sections
//	    16     8  N, number of tiles
//	    24     4  H = W of images, 0 = no images
//	    28     4  edge of the POI frame in pixels, 0 = no POIs
//	    32     4  C, number of POI categories
//	    36     4  CRC-32C of these 4096 bytes with this field zero
//	    40     8  size of the file
//	    48     4  K, number of further numbers of a tile; zero in version 1
//	    52     4  B, number of the images' bands; zero in versions 1 and 2: 3
//	    56     4  type of the images' numbers (Pixel); zero in versions 1 and 2
//	    60     4  zero
//	    64  64*k  section table: name [24], element size u32, CRC-32C u32,
//	              offset u64, size u64, zero [16]
//	  4096        sections, each starting at a multiple of 64
const (
	headerSize = 4096
	entrySize  = 64
	align      = 64
	magic      = "OCTILES\n"
	// Version is the newest layout that this program writes. A reader accepts it
	// and older ones, and refuses newer ones. Version 2 has further numbers of a
	// tile (secRasters); a store without them is written as version 1. Version 3 has
	// images of other bands or numbers than three of bytes; others keep their version.
	Version = 3
)

// Bounds that keep a damaged header from asking for absurd sizes.
const (
	maxTiles     = 1 << 28
	maxImageSize = 4096
)

// Names of the sections.
const (
	secImages    = "images"       // u8, f16 or f32 [N, B, H, W]
	secCells     = "cells"        // i64 [N, 2] col, row
	secLonLat    = "lonlat"       // f64 [N, 2]
	secArea      = "area_km2"     // f64 [N]
	secCoverage  = "coverage"     // f32 [N]
	secTargets   = "targets"      // f64 [N]
	secNeighbors = "neighbors"    // i32 [N, 7, 7]
	secSplits    = "splits"       // u8 [N]
	secOffsets   = "poi_offsets"  // i64 [N+1]
	secCategory  = "poi_category" // u16 [P]
	secRow       = "poi_row"      // u16 [P]
	secCol       = "poi_col"      // u16 [P]
	secCount     = "poi_count"    // f32 [P]
	secRasters   = "rasters"      // f32 [N, K]; NaN: no value
	secMeta      = "meta"         // JSON
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// header is the decoded first page of a store.
type header struct {
	tiles, poiSize, categories int
	image                      Shape
	rasters                    int // K, further numbers of a tile
	fileSize                   int64
	sections                   []section
}

// section is one entry of the section table.
type section struct {
	name         string
	elem         int // bytes of one element
	crc          uint32
	offset, size int64
}

// bulk says whether a section is too big to be read whenever a store is opened.
func (s section) bulk() bool {
	switch s.name {
	case secImages, secCategory, secRow, secCol, secCount:
		return true
	}
	return false
}

// damaged is the error of a section that is not what it should be.
func damaged(name, what string) error {
	return fault.New("", fmt.Sprintf("section %q is damaged: %s", name, what), "The file was changed or its disk is failing. "+remedyBuild)
}

// encode makes the first page, its checksum included.
func (h *header) encode() []byte {
	b := make([]byte, headerSize)
	le := binary.LittleEndian
	copy(b, magic)
	le.PutUint32(b[8:], uint32(h.version()))
	le.PutUint32(b[12:], uint32(len(h.sections)))
	le.PutUint64(b[16:], uint64(h.tiles))
	le.PutUint32(b[24:], uint32(h.image.Size))
	le.PutUint32(b[28:], uint32(h.poiSize))
	le.PutUint32(b[32:], uint32(h.categories))
	le.PutUint64(b[40:], uint64(h.fileSize))
	le.PutUint32(b[48:], uint32(h.rasters))
	if h.version() > 2 {
		le.PutUint32(b[52:], uint32(h.image.Bands))
		le.PutUint32(b[56:], uint32(h.image.Pixel))
	}
	for i, s := range h.sections {
		e := b[64+i*entrySize:]
		copy(e[:24], s.name)
		le.PutUint32(e[24:], uint32(s.elem))
		le.PutUint32(e[28:], s.crc)
		le.PutUint64(e[32:], uint64(s.offset))
		le.PutUint64(e[40:], uint64(s.size))
	}
	le.PutUint32(b[36:], crc32.Checksum(b, castagnoli))
	return b
}

// ErrNewer is the cause of Open's error for a store whose layout this program is
// too old to read. A newer program may still be using it: nobody overwrites it
// unasked.
var ErrNewer = errors.New("it was written by a newer program")

// parseHeader decodes and checks the first page of a store whose file has
// fileSize bytes. After it every section lies inside the file, is aligned and
// has the size that N, H, C ask for.
func parseHeader(b []byte, fileSize int64) (header, error) {
	var h header
	le := binary.LittleEndian
	if bytes.Equal(b[:8], make([]byte, 8)) {
		return h, fault.New("", "is an unfinished build", remedyBuild)
	}
	if string(b[:8]) != magic {
		return h, fault.New("", "is not a tile store", remedyBuild)
	}
	if v := le.Uint32(b[8:]); v > Version {
		return h, fault.Wrap(ErrNewer, "", fmt.Sprintf("is a tile store of version %d, and this program reads versions up to %d", v, Version),
			"Update the program, or build the store again with this one.")
	}
	sum := le.Uint32(b[36:])
	clean := bytes.Clone(b[:headerSize])
	le.PutUint32(clean[36:], 0)
	if got := crc32.Checksum(clean, castagnoli); got != sum {
		return h, damaged("header", fmt.Sprintf("checksum %08x, expected %08x", got, sum))
	}
	if v := le.Uint32(b[8:]); v < 1 {
		return h, damaged("header", fmt.Sprintf("unknown version %d", v))
	}
	tiles, size := le.Uint64(b[16:]), le.Uint64(b[40:])
	image, poi, cats := le.Uint32(b[24:]), le.Uint32(b[28:]), le.Uint32(b[32:])
	count, rasters := le.Uint32(b[12:]), le.Uint32(b[48:])
	if tiles > maxTiles || image > maxImageSize || poi > maxImageSize || cats > MaxCategories || count > (headerSize-64)/entrySize {
		return h, damaged("header", fmt.Sprintf("%d tiles, images of %d px, POIs of %d px, %d categories, %d sections are out of range", tiles, image, poi, cats, count))
	}
	version := le.Uint32(b[8:])
	if rasters > MaxRasters || version < 3 && (rasters > 0) != (version > 1) {
		return h, damaged("header", fmt.Sprintf("%d further numbers of a tile in a store of version %d", rasters, version))
	}
	if bands, pixel := le.Uint32(b[52:]), le.Uint32(b[56:]); version > 2 {
		if image == 0 || bands < 1 || bands > MaxBands || int64(pixel) >= int64(len(pixelNames)) || bands == 3 && pixel == 0 {
			return h, damaged("header", fmt.Sprintf("images of %d px, %d bands and type %d", image, bands, pixel))
		}
		h.image = Shape{Size: int(image), Bands: int(bands), Pixel: Pixel(pixel)}
	} else {
		h.image = RGB(int(image))
	}
	if per := h.image.Bytes(); per > 0 && int64(tiles) > math.MaxInt64/2/per {
		return h, damaged("header", fmt.Sprintf("%d images of %d bytes are out of range", tiles, per))
	}
	if int64(size) != fileSize {
		return h, fault.New("", fmt.Sprintf("has %d bytes where its header says %d: the file was cut short or has grown", fileSize, size), remedyBuild)
	}
	h.tiles, h.poiSize, h.categories, h.fileSize = int(tiles), int(poi), int(cats), fileSize
	h.rasters = int(rasters)
	for i := range int(count) {
		e := b[64+i*entrySize:]
		name, _, _ := bytes.Cut(e[:24], []byte{0})
		h.sections = append(h.sections, section{
			name: string(name), elem: int(le.Uint32(e[24:])), crc: le.Uint32(e[28:]),
			offset: int64(le.Uint64(e[32:])), size: int64(le.Uint64(e[40:])),
		})
	}
	return h, h.check()
}

// check compares the section table with what the header's counts ask for.
func (h *header) check() error {
	want := h.wanted()
	points := int64(-1)
	seen := map[string]bool{}
	for _, s := range h.sections {
		w, ok := want[s.name]
		if !ok || seen[s.name] {
			return damaged("header", fmt.Sprintf("unexpected section %q", s.name))
		}
		seen[s.name] = true
		if s.offset < headerSize || s.offset%align != 0 || s.size < 0 || s.offset > h.fileSize || s.size > h.fileSize-s.offset {
			return damaged(s.name, fmt.Sprintf("bytes %d to %d lie outside the file of %d bytes", s.offset, s.offset+s.size, h.fileSize))
		}
		if s.elem != w.elem {
			return damaged(s.name, fmt.Sprintf("elements of %d bytes, expected %d", s.elem, w.elem))
		}
		switch {
		case w.count >= 0:
			if s.size != w.count*int64(w.elem) {
				return damaged(s.name, fmt.Sprintf("%d bytes, expected %d", s.size, w.count*int64(w.elem)))
			}
		case s.size%int64(w.elem) != 0:
			return damaged(s.name, fmt.Sprintf("%d bytes are no whole number of elements", s.size))
		case s.name != secMeta:
			if n := s.size / int64(w.elem); points < 0 {
				points = n
			} else if n != points {
				return damaged(s.name, fmt.Sprintf("%d points where another section has %d", n, points))
			}
		}
	}
	for _, name := range sectionOrder {
		if _, ok := want[name]; ok && !seen[name] {
			return damaged(name, "it is missing")
		}
	}
	return nil
}

// want is an expected section: bytes of an element, and how many (-1: any
// number).
type want struct {
	elem  int
	count int64
}

// sectionOrder is the order of the sections in a file: images first, so that
// they can be written before the rest is known.
var sectionOrder = []string{secImages, secCells, secLonLat, secArea, secCoverage, secTargets, secNeighbors, secSplits,
	secOffsets, secCategory, secRow, secCol, secCount, secRasters, secMeta}

// wanted is the sections that a store of these counts must have.
func (h *header) wanted() map[string]want {
	n := int64(h.tiles)
	m := map[string]want{
		secCells: {8, 2 * n}, secLonLat: {8, 2 * n}, secArea: {8, n}, secCoverage: {4, n}, secTargets: {8, n},
		secNeighbors: {4, n * MaxNeighborhood * MaxNeighborhood}, secSplits: {1, n}, secMeta: {1, -1},
	}
	if s := h.image; s.Size > 0 {
		elem := s.Pixel.Bytes()
		m[secImages] = want{elem, n * s.Bytes() / int64(elem)}
	}
	if h.poiSize > 0 {
		m[secOffsets] = want{8, n + 1}
		m[secCategory], m[secRow], m[secCol], m[secCount] = want{2, -1}, want{2, -1}, want{2, -1}, want{4, -1}
	}
	if h.rasters > 0 {
		m[secRasters] = want{4, n * int64(h.rasters)}
	}
	return m
}

// version is the layout that a store with this header has.
func (h *header) version() int {
	switch {
	case h.image != RGB(h.image.Size):
		return 3
	case h.rasters > 0:
		return 2
	}
	return 1
}

// view reinterprets the bytes of a section, which is aligned and a whole number
// of elements by parseHeader.
func view[T any](b []byte) []T {
	if len(b) == 0 {
		return nil
	}
	var t T
	return unsafe.Slice((*T)(unsafe.Pointer(&b[0])), len(b)/int(unsafe.Sizeof(t)))
}

// raw is the reverse of view: the bytes of a slice of plain numbers.
func raw[T any](v []T) []byte {
	if len(v) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&v[0])), len(v)*int(unsafe.Sizeof(v[0])))
}

// checkEndian refuses machines whose byte order is not the file's: zero copy
// means that the bytes are used as they lie.
func checkEndian(path string) error {
	if one := uint16(1); *(*byte)(unsafe.Pointer(&one)) != 1 {
		return fault.New(path, "tile stores are little-endian and this machine is big-endian", "Use a little-endian machine (amd64, arm64).")
	}
	return nil
}
