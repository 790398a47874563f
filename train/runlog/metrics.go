package runlog

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/atomicfile"
)

// Metrics is metrics.csv, one line per validation (or epoch), on disk as soon as
// it is written, so that a killed run keeps it. The first column is the epoch.
type Metrics struct {
	file    *os.File
	columns []string
}

// NewMetrics begins metrics.csv. columns name the values that Append takes;
// "epoch" comes before them by itself.
func (r *Run) NewMetrics(columns []string) (*Metrics, error) {
	if err := atomicfile.WriteBytes(r.Path(MetricsFile), []byte(header(columns))); err != nil {
		return nil, err
	}
	return r.appendMetrics(columns)
}

// ResumeMetrics takes up metrics.csv at the checkpoint of epoch: lines of later
// epochs, which will be computed again, and a torn last line are cut off. It
// returns the lines kept, [rows][1+len(columns)], the epoch first, an absent
// value NaN. A missing file is begun anew.
func (r *Run) ResumeMetrics(columns []string, epoch int) (*Metrics, [][]float64, error) {
	text, err := regular.Read(r.Path(MetricsFile), maxFile)
	if os.IsNotExist(err) {
		m, err := r.NewMetrics(columns)
		return m, nil, err
	} else if err != nil {
		return nil, nil, err
	}
	path := r.Path(MetricsFile)
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	if string(first)+"\n" != header(columns) {
		return nil, nil, fault.New(path, "has other columns than this program writes: "+string(first),
			"It belongs to another version; move it away to resume with a new one.")
	}
	kept := []byte(header(columns))
	var rows [][]float64
	for line := 2; len(rest) > 0; line++ {
		one, tail, whole := bytes.Cut(rest, []byte("\n"))
		rest = tail
		if !whole {
			break // torn by a kill
		}
		row, err := parseRow(string(one), 1+len(columns))
		if err != nil {
			return nil, nil, fault.Wrap(err, fmt.Sprintf("%s, line %d", path, line), "cannot be read", "Move the file away to resume with a new one.")
		}
		if row[0] > float64(epoch) {
			break
		}
		rows = append(rows, row)
		kept = append(append(kept, one...), '\n')
	}
	if err := atomicfile.WriteBytes(path, kept); err != nil {
		return nil, nil, err
	}
	m, err := r.appendMetrics(columns)
	return m, rows, err
}

// maxFile bounds the texts of a run folder.
const maxFile = 64 << 20

// ReadMetrics reads a whole metrics.csv: its columns, the epoch first, and its
// rows, an absent value NaN. A torn last line is left out.
func ReadMetrics(path string) (columns []string, rows [][]float64, err error) {
	text, err := regular.Read(path, maxFile)
	if err != nil {
		return nil, nil, fault.Wrap(err, path, "cannot be read", "Give the metrics.csv of a run folder.")
	}
	lines := strings.Split(string(text), "\n")
	columns = strings.Split(lines[0], ",")
	if columns[0] != "epoch" || len(lines) < 2 {
		return nil, nil, fault.New(path, "is no metrics table: it does not begin with a line of column names, epoch first", "Give the metrics.csv of a run folder.")
	}
	for i, line := range lines[1 : len(lines)-1] {
		row, err := parseRow(line, len(columns))
		if err != nil {
			return nil, nil, fault.Wrap(err, fmt.Sprintf("%s, line %d", path, i+2), "cannot be read", "Give the metrics.csv of a run folder.")
		}
		rows = append(rows, row)
	}
	return columns, rows, nil
}

func header(columns []string) string { return "epoch," + strings.Join(columns, ",") + "\n" }

func parseRow(line string, n int) ([]float64, error) {
	fields := strings.Split(line, ",")
	if len(fields) != n {
		return nil, fmt.Errorf("%d fields where %d belong", len(fields), n)
	}
	row := make([]float64, n)
	for i, f := range fields {
		if f == "" && i > 0 {
			row[i] = math.NaN()
			continue
		}
		v, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return nil, fmt.Errorf("field %d is %q, no number", i+1, f)
		}
		row[i] = v
	}
	return row, nil
}

func (r *Run) appendMetrics(columns []string) (*Metrics, error) {
	f, err := os.OpenFile(r.Path(MetricsFile), os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	return &Metrics{file: f, columns: slices.Clone(columns)}, nil
}

// Append writes a line, in one piece, and syncs it. A NaN becomes an empty field.
func (m *Metrics) Append(epoch int, values []float64) error {
	if len(values) != len(m.columns) {
		return fmt.Errorf("metrics: %d values for %d columns", len(values), len(m.columns))
	}
	line := strconv.AppendInt(nil, int64(epoch), 10)
	for _, v := range values {
		line = append(line, ',')
		line = appendNumber(line, v)
	}
	if _, err := m.file.Write(append(line, '\n')); err != nil {
		return err
	}
	return m.file.Sync()
}

// appendNumber writes the shortest text that reads back as v; NaN is empty.
func appendNumber(b []byte, v float64) []byte {
	if math.IsNaN(v) {
		return b
	}
	return strconv.AppendFloat(b, v, 'g', -1, 64)
}

// Close closes the file.
func (m *Metrics) Close() error { return m.file.Close() }
