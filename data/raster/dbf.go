package raster

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"opencarbon/data/charset"
)

// dbfSample is how much text of a dBase file its encoding is guessed from.
const dbfSample = 64 << 10

// attributeEncoding finds the encoding of a shapefile's attributes where the
// shapefile does not say it, for GDAL's open option ENCODING: without a .cpg file
// and with a code page of 0 or "ANSI", which programs in China and Japan write
// over any text, GDAL takes the bytes as they are, or as Latin letters. Empty
// means that GDAL is right, or that nobody knows.
func attributeEncoding(path string) string {
	end := strings.ToLower(filepath.Ext(path))
	if end != ".shp" && end != ".dbf" {
		return ""
	}
	stem := strings.TrimSuffix(path, filepath.Ext(path))
	if beside(stem, ".cpg") != "" {
		return ""
	}
	table := beside(stem, ".dbf")
	if table == "" {
		return ""
	}
	f, err := os.Open(table)
	if err != nil {
		return "" // GDAL says so
	}
	defer f.Close()
	sample, language := dbfText(f)
	switch language {
	case 0x00, 0x03, 0x57: // none, Windows ANSI, ANSI
	default:
		return ""
	}
	if len(sample) == 0 {
		return ""
	}
	name, rival := charset.Guess(sample)
	if rival != "" {
		return ""
	}
	return strings.ToUpper(name)
}

// beside finds the file with an ending in either case, as GDAL does.
func beside(stem, end string) string {
	for _, e := range []string{end, strings.ToUpper(end)} {
		if info, err := os.Stat(stem + e); err == nil && info.Mode().IsRegular() {
			return stem + e
		}
	}
	return ""
}

// dbfText gathers texts with other characters than ASCII from a dBase file, and
// reads its code page. (dBase III: 32 bytes of header, 32 for each field, rows.)
func dbfText(r io.Reader) (text []byte, language byte) {
	br := bufio.NewReaderSize(r, 64<<10)
	head := make([]byte, 32)
	if _, err := io.ReadFull(br, head); err != nil {
		return nil, 0
	}
	language = head[29]
	headBytes, rowBytes := int(binary.LittleEndian.Uint16(head[8:])), int(binary.LittleEndian.Uint16(head[10:]))
	fields := make([]byte, max(0, headBytes-32))
	if _, err := io.ReadFull(br, fields); err != nil || rowBytes < 2 {
		return nil, language
	}
	type span struct{ from, to int }
	var texts []span
	at := 1 // the mark of deleted rows
	for ; len(fields) >= 32 && fields[0] != 0x0D; fields = fields[32:] {
		to := at + int(fields[16])
		if fields[11] == 'C' && to <= rowBytes {
			texts = append(texts, span{at, to})
		}
		at = to
	}
	row := make([]byte, rowBytes)
	for len(text) < dbfSample {
		if _, err := io.ReadFull(br, row); err != nil {
			break
		}
		for _, s := range texts {
			v := bytes.TrimRight(row[s.from:s.to], " \x00")
			if bytes.IndexFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
				continue
			}
			// A name that fills its field may end within a character.
			if short := charset.Uncut(v); utf8.Valid(short) {
				v = short
			}
			text = append(append(text, v...), '\n')
		}
	}
	return text, language
}
