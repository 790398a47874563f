package poi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
)

// Limits of one record: a quote that is never closed must not swallow a file.
const (
	maxRecordLines = 1000
	maxRecordBytes = 1 << 20
)

var errBroken = errors.New("broken row")

// scanner reads delimited text (RFC 4180) record by record. It differs from
// encoding/csv in what it does with broken rows: it gives up one line and goes
// on with the next, also after a quote that is never closed, so that one broken
// row costs one row. Quotes inside an unquoted field are taken as they are.
type scanner struct {
	r       *bufio.Reader
	comma   byte
	pending [][]byte // lines read ahead in vain, to be read again
	line    int      // number of the record's first line, from 1
	next    int      // number of the line that comes next
	read    int64    // bytes taken from r
	buf     []byte   // the record's fields, one after the other
	ends    []int    // where each field ends in buf
	fields  [][]byte
	lines   [][]byte // the lines of this record, the first excepted
}

func newScanner(r *bufio.Reader, comma byte) *scanner {
	return &scanner{r: r, comma: comma, next: 1}
}

// takeLine is the next physical line with its end. The slice is the caller's.
func (s *scanner) takeLine(keep bool) ([]byte, error) {
	if len(s.pending) > 0 {
		b := s.pending[0]
		s.pending = s.pending[1:]
		s.next++
		return b, nil
	}
	b, err := s.r.ReadSlice('\n')
	s.read += int64(len(b))
	switch {
	case err == nil || errors.Is(err, io.EOF) && len(b) > 0:
		s.next++
		if keep {
			b = bytes.Clone(b)
		}
		return b, nil
	case errors.Is(err, bufio.ErrBufferFull):
		// A line longer than the reader's buffer: no row is that long.
		for errors.Is(err, bufio.ErrBufferFull) {
			b, err = s.r.ReadSlice('\n')
			s.read += int64(len(b))
		}
		s.next++
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, errBroken
	}
	return nil, err
}

// Read is the next record's fields, valid until the next call. errBroken tells
// of a row that was skipped; io.EOF of the end. Empty lines are passed over.
// want is the number of fields that a record must have, 0 for any; a record may
// end in further empty ones.
func (s *scanner) Read(want int) ([][]byte, error) {
	for {
		s.line = s.next
		line, err := s.takeLine(false)
		if err != nil {
			return nil, err
		}
		if len(bytes.TrimRight(line, "\r\n")) == 0 {
			continue
		}
		s.buf, s.ends, s.lines = s.buf[:0], s.ends[:0], s.lines[:0]
		err = s.parse(line)
		if err == nil {
			s.cut()
			for want > 0 && len(s.fields) > want && len(s.fields[len(s.fields)-1]) == 0 {
				s.fields = s.fields[:len(s.fields)-1]
			}
			if want > 0 && len(s.fields) != want {
				err = errBroken
			}
		}
		if errors.Is(err, errBroken) { // read the record's further lines again, each on its own
			s.next -= len(s.lines)
			s.pending = append(append([][]byte(nil), s.lines...), s.pending...)
		}
		return s.fields, err
	}
}

// cut makes fields of buf; only now, because buf moves while it grows.
func (s *scanner) cut() {
	s.fields = s.fields[:0]
	start := 0
	for _, end := range s.ends {
		s.fields = append(s.fields, s.buf[start:end])
		start = end
	}
}

// parse splits a record that begins with line, and reads more lines while a
// quote is open.
func (s *scanner) parse(line []byte) error {
	for {
		if len(line) == 0 || line[0] != '"' {
			i := 0
			for i < len(line) && line[i] != s.comma && line[i] != '\n' {
				i++
			}
			field := line[:i]
			if i == len(line) || line[i] == '\n' {
				s.endField(bytes.TrimSuffix(field, []byte{'\r'}))
				return nil
			}
			s.endField(field)
			line = line[i+1:]
			continue
		}
		rest, err := s.quoted(line[1:])
		if err != nil {
			return err
		}
		s.endField(nil)
		switch {
		case len(rest) > 0 && rest[0] == s.comma:
			line = rest[1:]
		case len(bytes.TrimRight(rest, "\r\n")) == 0:
			return nil
		default: // text after the closing quote
			return errBroken
		}
	}
}

func (s *scanner) endField(b []byte) {
	s.buf = append(s.buf, b...)
	s.ends = append(s.ends, len(s.buf))
}

// quoted takes a quoted field up to its closing quote and returns what follows.
func (s *scanner) quoted(line []byte) ([]byte, error) {
	for {
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			s.buf = append(s.buf, line...)
			if len(s.lines) >= maxRecordLines || len(s.buf) > maxRecordBytes {
				return nil, errBroken
			}
			next, err := s.takeLine(true)
			if errors.Is(err, io.EOF) {
				return nil, errBroken
			}
			if err != nil {
				return nil, err
			}
			s.lines = append(s.lines, next)
			line = next
			continue
		}
		s.buf = append(s.buf, line[:i]...)
		if i+1 < len(line) && line[i+1] == '"' {
			s.buf = append(s.buf, '"')
			line = line[i+2:]
			continue
		}
		return line[i+1:], nil
	}
}
