package poi

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"opencarbon/data/charset"
	"opencarbon/data/fault"
	"opencarbon/data/label"
)

// readTable reads a CSV file (or one with semicolons, tabs or bars) row by row.
func readTable(ctx context.Context, spec Spec, c *collector, progress Progress) error {
	f, err := openTable(spec.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	sample, err := tableSample(spec.Path, f)
	if err != nil {
		return err
	}
	total := int64(-1)
	taken := &counter{r: f}
	r, err := unzip(spec.Path, taken)
	if err != nil {
		return err
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		total = info.Size()
	}
	if r, c.report.Encoding, err = decode(spec.Path, spec.Encoding, sample, r); err != nil {
		return err
	}
	if c.convert, err = newConverter(spec.Path, spec.CRS, nil); err != nil {
		return err
	}
	return readRows(ctx, spec, r, c, func(int64) { progress(taken.n, total) })
}

// counter counts the bytes of a file that were read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// unzip looks into a file whose name ends in .gz.
func unzip(path string, r io.Reader) (io.Reader, error) {
	if !strings.HasSuffix(strings.ToLower(path), ".gz") {
		return r, nil
	}
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fault.Wrap(err, path, "is not a gzip file", "Fetch or compress the file again.")
	}
	return z, nil
}

// tableSample reads what the encoding is guessed from and goes back to the
// file's beginning. A file that cannot go back is taken as UTF-8.
func tableSample(path string, f *os.File) ([]byte, error) {
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	r, err := unzip(path, f)
	if err != nil {
		return nil, err
	}
	sample, err := charset.Sample(r)
	if err != nil {
		return nil, readError(path, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, readError(path, err)
	}
	return sample, nil
}

// openTable opens a file, or says in plain words why it cannot be read.
func openTable(path string) (*os.File, error) {
	f, err := os.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fault.Wrap(fs.ErrNotExist, path, "the POI file does not exist", "Correct data.poi.path; relative paths start at the working directory.")
	case errors.Is(err, fs.ErrPermission):
		return nil, fault.Wrap(fs.ErrPermission, path, "the POI file or its folder may not be read", "Grant read permission (chmod u+r).")
	case err != nil:
		return nil, fault.Wrap(err, path, "the POI file cannot be read", "Correct data.poi.path.")
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		f.Close()
		return nil, fault.New(path, "is a folder, not a POI file", "Name the file in data.poi.path.")
	}
	return f, nil
}

// columns is the place of each column in a row; -1 for those that are absent.
type columns struct {
	lon, lat, category, id, count int
	place                         int      // holds both coordinates, in place of lon and lat
	tags                          []int    // hold OpenStreetMap's tags, in place of category
	keys                          []string // of those
	rule                          tagRule
}

// report names the columns that are read, for the report.
func (c columns) report(names []string) string {
	var s []string
	for _, i := range append([]int{c.place, c.lon, c.lat, c.category, c.id, c.count}, c.tags...) {
		if i >= 0 {
			s = append(s, names[i])
		}
	}
	return strings.Join(s, ", ")
}

// readRows reads the rows of a table from r.
func readRows(ctx context.Context, spec Spec, r io.Reader, c *collector, progress func(done int64)) error {
	br := bufio.NewReaderSize(r, maxRecordBytes)
	comma, skipped, err := sniff(spec.Path, br)
	if err != nil {
		return err
	}
	s := newScanner(br, comma)
	s.next += skipped
	head, err := s.Read(0)
	if err != nil {
		if errors.Is(err, errBroken) || errors.Is(err, io.EOF) {
			return fault.New(spec.Path, "its first line is no row of column names", "The first line must name the columns, e.g. lon,lat,category.")
		}
		return readError(spec.Path, err)
	}
	names := make([]string, len(head))
	for i, h := range head {
		names[i] = strings.TrimSpace(string(h))
	}
	rows, err := newRowReader(spec, names, comma != ',', c)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		if n%batchSize == 0 {
			if err := ctx.Err(); err != nil {
				return err
			}
			progress(s.read)
		}
		fields, err := s.Read(len(names))
		if errors.Is(err, io.EOF) {
			progress(s.read)
			return rows.flush()
		}
		if errors.Is(err, errBroken) {
			c.bad(s.line, "broken quotes, or another number of fields than the first line has")
			continue
		}
		if err != nil {
			return readError(spec.Path, err)
		}
		if err := rows.take(s.line, fields); err != nil {
			return err
		}
	}
}

// rowReader makes points of a table's rows.
type rowReader struct {
	c            *collector
	crs          string
	col          columns
	order        ordering
	decimalComma bool
}

func newRowReader(spec Spec, names []string, decimalComma bool, c *collector) (*rowReader, error) {
	col, err := findColumns(spec, names)
	if err != nil {
		return nil, err
	}
	c.report.Columns = col.report(names)
	r := &rowReader{c: c, crs: spec.CRS, col: col, order: ordering{c: c}, decimalComma: decimalComma}
	if col.place >= 0 {
		r.order.column = names[col.place]
	}
	return r, nil
}

// take reads a row; line is where it stands.
func (r *rowReader) take(line int, fields [][]byte) error {
	p, pair, why := parseRow(fields, r.col, r.crs, r.decimalComma)
	if e := r.c.report.Encoding; why == "" && e != "" && bytes.Contains(p.category, replacement) {
		why = "the category has characters that " + e + " does not have: say in which encoding the file is, in data.poi.encoding"
	}
	switch {
	case why == skip:
		r.c.report.Untagged++
		return nil
	case why != "":
		r.c.bad(line, why)
		return nil
	case pair:
		return r.order.add(line, p)
	}
	return r.c.add(line, p)
}

// flush hands on what was held back.
func (r *rowReader) flush() error {
	if err := r.order.flush(); err != nil {
		return err
	}
	return r.c.flush()
}

func readError(path string, err error) error {
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fault.Wrap(err, path, "the compressed file is damaged or cut short", "Fetch the file again.")
	}
	return fault.Wrap(err, path, "the POI file cannot be read", "Check the disk, and fetch the file again.")
}

// sniff skips a byte order mark and finds the delimiter: of comma, semicolon,
// tab and bar the one that the first line has most of outside quotes. A line
// sep=; before the names, as Excel has it, says it; skipped is 1 then.
func sniff(path string, r *bufio.Reader) (comma byte, skipped int, err error) {
	start, err := r.Peek(64 << 10)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, readError(path, err)
	}
	if bytes.HasPrefix(start, []byte{0xEF, 0xBB, 0xBF}) {
		start = start[3:]
		r.Discard(3) // cannot fail: it is in the buffer
	}
	if bytes.HasPrefix(start, []byte{0xFF, 0xFE}) || bytes.HasPrefix(start, []byte{0xFE, 0xFF}) {
		return 0, 0, fault.New(path, "is UTF-16 text", "Say so in data.poi.encoding.")
	}
	if m := separatorLine.FindSubmatch(start); m != nil {
		r.Discard(len(m[0]))
		return m[1][0], 1, nil
	}
	start = bytes.TrimLeft(start, "\r\n")
	if len(start) == 0 {
		return 0, 0, fault.New(path, "is empty", "Give a table whose first line names the columns, e.g. lon,lat,category.")
	}
	if line, _, _ := bytes.Cut(start, []byte{'\n'}); bytes.IndexByte(line, 0) >= 0 {
		return 0, 0, fault.New(path, "is not a text file", "Give a CSV file, or one of another format under its usual extension (.geojson, .gpkg, .shp, .osm.pbf).")
	}
	var count [256]int
	quoted := false
	for _, b := range start {
		if b == '"' {
			quoted = !quoted
		}
		if b == '\n' && !quoted {
			break
		}
		if !quoted {
			count[b]++
		}
	}
	best := byte(',')
	for _, d := range []byte{';', '\t', '|'} {
		if count[d] > count[best] {
			best = d
		}
	}
	return best, 0, nil
}

// separatorLine is Excel's own first line, in quotes or not.
var separatorLine = regexp.MustCompile(`^(?i)"?sep=([,;\t|])"?\r?\n`)

func findColumns(spec Spec, names []string) (columns, error) {
	c := columns{lon: -1, lat: -1}
	var err error
	if c.place, err = findPlace(spec, names); err != nil {
		return c, err
	}
	if c.tags, err = tagColumns(spec, names); err != nil {
		return c, err
	}
	c.rule = newTagRule(spec)
	for _, i := range c.tags {
		c.keys = append(c.keys, strings.ToLower(label.Of(names[i])))
	}
	for _, f := range []struct {
		to         *int
		key, asked string
		usual      []string
		needed     bool
	}{
		{&c.lon, "lon", spec.Columns.Lon, usualColumns.lon, c.place < 0},
		{&c.lat, "lat", spec.Columns.Lat, usualColumns.lat, c.place < 0},
		{&c.category, "category", spec.Columns.Category, usualColumns.category, true},
		{&c.id, "id", spec.Columns.ID, usualColumns.id, false},
		{&c.count, "count", spec.Columns.Count, usualColumns.count, false},
	} {
		if c.place >= 0 && (f.to == &c.lon || f.to == &c.lat) {
			continue
		}
		if len(c.tags) > 0 && f.to == &c.category {
			c.category = -1
			continue
		}
		if *f.to, err = findColumn(spec.Path, f.key, f.asked, f.usual, names, f.needed); err != nil {
			return c, err
		}
	}
	return c, nil
}

// parseRow reads one row; why says what is wrong with it, or is empty. pair says
// that the order of the coordinates is not known.
func parseRow(fields [][]byte, col columns, crs string, decimalComma bool) (p point, pair bool, why string) {
	var ok bool
	if col.place >= 0 {
		var at place
		if at, why = parsePlace(fields[col.place], crs); why != "" {
			return p, false, why
		}
		p.x, p.y, pair = at.x, at.y, at.pair
	} else if p.x, ok = number(fields[col.lon], decimalComma); !ok {
		return p, false, fmt.Sprintf("longitude %q is not a number", clip(fields[col.lon]))
	} else if p.y, ok = number(fields[col.lat], decimalComma); !ok {
		return p, false, fmt.Sprintf("latitude %q is not a number", clip(fields[col.lat]))
	}
	p.count = 1
	if col.count >= 0 {
		if p.count, ok = number(fields[col.count], decimalComma); !ok || p.count < 0 {
			return p, false, fmt.Sprintf("count %q is not a number from 0 up", clip(fields[col.count]))
		}
	}
	if len(col.tags) > 0 {
		tags := map[string]string{}
		for k, i := range col.tags {
			if v := string(bytes.TrimSpace(fields[i])); col.keys[k] == "other_tags" {
				parseTags(v, tags)
			} else if v != "" {
				tags[col.keys[k]] = v
			}
		}
		value, ok := col.rule.category(tags)
		if !ok {
			return p, false, skip
		}
		p.category = []byte(value)
	} else {
		p.category = bytes.TrimSpace(fields[col.category])
	}
	if !utf8.Valid(p.category) || bytes.IndexByte(p.category, 0) >= 0 {
		return p, false, "the category cannot be read as text: say in which encoding the file is, in data.poi.encoding (e.g. gb18030)"
	}
	if col.id >= 0 {
		p.id = bytes.TrimSpace(fields[col.id])
	}
	return p, pair, ""
}

// replacement is what stands for bytes that an encoding does not have.
var replacement = []byte("\uFFFD")

// clip keeps a message short whatever a field holds.
func clip(b []byte) []byte {
	if len(b) > 40 {
		b = append(bytes.Clone(b[:40]), "..."...)
	}
	return b
}

// number reads a finite decimal number; a decimal comma is allowed in files that
// do not use the comma as delimiter.
func number(b []byte, decimalComma bool) (float64, bool) {
	b = bytes.TrimSpace(b)
	if decimalComma && bytes.IndexByte(b, ',') >= 0 && bytes.IndexByte(b, '.') < 0 {
		b = bytes.Replace(b, []byte{','}, []byte{'.'}, 1)
	}
	if len(b) == 0 || len(b) > 64 {
		return 0, false
	}
	if v, ok := decimal(b); ok {
		return v, true
	}
	if bytes.ContainsAny(b, "xX_pPnN") { // hexadecimal, 1_000, inf, nan
		return 0, false
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// decimal reads the common kind of number, such as -12.3456789, in one pass. Both
// its digits and the power of ten are exact in 64 bits, so that one division gives
// what strconv gives; false leaves any other text to strconv.
func decimal(b []byte) (float64, bool) {
	minus := b[0] == '-'
	if minus {
		b = b[1:]
	}
	var digits uint64
	point := -1
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits = 10*digits + uint64(c-'0')
		case c == '.' && point < 0:
			point = i
		default:
			return 0, false
		}
	}
	n, decimals := len(b), 0
	if point >= 0 {
		n, decimals = n-1, len(b)-1-point
	}
	if n == 0 || n > 15 { // 15 digits are less than 2^53
		return 0, false
	}
	v := float64(digits) / powers[decimals]
	if minus {
		v = -v
	}
	return v, true
}

// powers are 1 to 1e15, all exact.
var powers = [16]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15}
