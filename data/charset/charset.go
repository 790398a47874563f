// Package charset finds out which encoding a text is in, and reads it. Tables of
// points and attributes of shapefiles seldom say it, and in Chinese, Japanese and
// Korean they are seldom UTF-8: taken for it, every name is lost.
package charset

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/unicode"
)

// aliases are names of encodings that people write and the list of the web
// (encoding.spec.whatwg.org) does not have: code pages of Windows, mostly.
var aliases = map[string]string{
	"cp936": "gb18030", "ms936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030", "euc-cn": "gb18030", "euccn": "gb18030",
	"cp950": "big5", "cp932": "shift_jis", "ms932": "shift_jis", "cp949": "euc-kr", "uhc": "euc-kr",
	"eucjp": "euc-jp", "euckr": "euc-kr", "utf8": "utf-8", "utf-8-sig": "utf-8", "utf16": "utf-16", "ansi": "windows-1252",
}

// New finds an encoding by its name; nil stands for UTF-8.
func New(name string) (encoding.Encoding, error) {
	low := strings.ToLower(strings.TrimSpace(name))
	if other, ok := aliases[low]; ok {
		low = other
	}
	switch low {
	case "utf-8":
		return nil, nil
	case "utf-16":
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), nil
	}
	e, err := htmlindex.Get(low)
	if err != nil || e == encoding.Replacement {
		return nil, fmt.Errorf("there is no encoding %q here; known are utf-8, utf-16, gb18030 (gbk), big5, shift_jis, euc-jp, euc-kr, windows-1252 and the others of the web (encoding.spec.whatwg.org)", name)
	}
	if e == unicode.UTF8 {
		return nil, nil
	}
	return e, nil
}

// sampleBytes is how much text with other characters than ASCII a guess is made
// from; more would not make it better.
const sampleBytes = 128 << 10

// Sample gathers the lines that tell an encoding: those with other characters
// than ASCII, wherever in the file they are, and what the file begins with.
func Sample(r io.Reader) ([]byte, error) {
	br := bufio.NewReaderSize(r, 64<<10)
	start, err := br.Peek(4 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.IndexByte(start, 0) >= 0 || bytes.HasPrefix(start, []byte{0xFF, 0xFE}) || bytes.HasPrefix(start, []byte{0xFE, 0xFF}) {
		return bytes.Clone(start), nil
	}
	var out []byte
	for len(out) < sampleBytes {
		line, err := br.ReadSlice('\n')
		if !ascii(line) {
			out = append(out, line...)
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, err
		}
	}
	return out, nil
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}
