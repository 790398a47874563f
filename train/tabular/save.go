package tabular

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/atomicfile"
	"opencarbon/train/metrics"
)

// A file of a fitted method is two lines of JSON: a head that says what the
// file is and a checksum, and the method. Its numbers are written
// so that they read back to the bit.

// fileFormat is how a head names the format.
const fileFormat = "opencarbon tabular"

const fileVersion = 1

// Head is the first line of a fitted method's file.
type Head struct {
	Format  string `json:"format"`
	Version int    `json:"version"`
	Kind    string `json:"kind"`   // ridge, SVR, XGBoost, RFR or Stacked RFR: its method's Name
	SHA256  string `json:"sha256"` // of kind and method
}

// body is what a fitted method keeps.
type body interface {
	Fitted
	kind() string
	sound() error // whether the sizes agree, of what was read
}

// Encode is the content of a fitted method's file.
func Encode(f Fitted) ([]byte, error) {
	b, ok := f.(body)
	if !ok {
		return nil, fmt.Errorf("tabular: %T cannot be saved", f)
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("tabular: %w", err)
	}
	text = append(text, '\n')
	head, err := json.Marshal(Head{fileFormat, fileVersion, b.kind(), checksum(b.kind(), text)})
	if err != nil {
		return nil, fmt.Errorf("tabular: %w", err)
	}
	return append(append(head, '\n'), text...), nil
}

// save writes a fitted method to path, whole or not at all.
func save(path string, b body) error {
	text, err := Encode(b)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(path, text)
}

// checksum is of the kind and the second line.
func checksum(kind string, text []byte) string {
	sum := sha256.Sum256(append([]byte(kind+"\n"), text...))
	return hex.EncodeToString(sum[:])
}

// maxFile bounds the file of a fitted method: the largest forests have some 100 MB.
const maxFile = 1 << 30

// Open reads a fitted method. What is damaged, cut or of a newer program is a
// *fault.Input error. Methods of trees need XGBoost when they predict, not here.
func Open(path string) (Fitted, error) {
	text, err := regular.Read(path, maxFile)
	if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", "Give the file of a fitted method.")
	}
	f, err := Decode(text)
	if err != nil {
		return nil, fault.Wrap(err, path, "is no sound file of a fitted method", "Fit the method again, or use another copy of the file.")
	}
	return f, nil
}

// Decode reads what Encode wrote.
func Decode(text []byte) (Fitted, error) {
	line, rest, ok := bytes.Cut(text, []byte("\n"))
	var h Head
	if !ok || json.Unmarshal(line, &h) != nil || h.Format != fileFormat {
		return nil, errors.New("it does not begin as one")
	}
	if h.Version != fileVersion {
		return nil, fmt.Errorf("version %d, this program reads %d", h.Version, fileVersion)
	}
	if checksum(h.Kind, rest) != h.SHA256 {
		return nil, errors.New("its checksum is another: cut or changed")
	}
	var b body
	switch h.Kind {
	case RidgeRegression{}.Name():
		b = &fittedRidge{}
	case SVR{}.Name():
		b = &fittedSVR{}
	case XGBoost{}.Name(), Forest{}.Name():
		b = &fittedTrees{}
	case Stacked{}.Name():
		b = &fittedStacked{}
	default:
		return nil, fmt.Errorf("the method %q is unknown", h.Kind)
	}
	if err := json.Unmarshal(rest, b); err != nil {
		return nil, err
	}
	if err := b.sound(); err != nil {
		return nil, err
	}
	if b.kind() != h.Kind {
		return nil, fmt.Errorf("it holds %s, not %s", b.kind(), h.Kind)
	}
	return b, nil
}

func (s *Scaling) sound() error {
	if s == nil || len(s.Keep) == 0 || len(s.Mean) != len(s.Keep) || len(s.Scale) != len(s.Keep) {
		return errors.New("the scaling's sizes do not agree")
	}
	before := -1
	for k, j := range s.Keep {
		if j <= before || j >= len(s.Names) || !(s.Scale[k] > 0) || !metrics.Finite(s.Mean[k]) || math.IsInf(s.Scale[k], 0) {
			return fmt.Errorf("the scaling of column %d is not sound", j)
		}
		before = j
	}
	return nil
}

func (f *fittedRidge) kind() string { return RidgeRegression{}.Name() }

func (f *fittedRidge) sound() error {
	if err := f.Scaled.sound(); err != nil {
		return err
	}
	p := len(f.Scaled.Keep)
	if r := f.Ridge; r == nil || len(r.Coefficients) != p || len(r.Mean) != p || len(r.Scale) != p {
		return errors.New("the regression's sizes do not agree")
	}
	return nil
}

func (f *fittedSVR) kind() string { return SVR{}.Name() }

func (f *fittedSVR) sound() error {
	if err := f.Scaled.sound(); err != nil {
		return err
	}
	if len(f.Vectors) != len(f.Coefficients)*len(f.Scaled.Keep) {
		return fmt.Errorf("%d numbers are no %d support vectors", len(f.Vectors), len(f.Coefficients))
	}
	return nil
}

func (f *fittedTrees) kind() string { return f.Method }

func (f *fittedTrees) sound() error {
	if len(f.Model) == 0 {
		return errors.New("there are no trees")
	}
	return f.Scaled.sound()
}

// Columns implements Fitted.
func (f *fittedRidge) Columns() []string { return f.Scaled.Names }

// Columns implements Fitted.
func (f *fittedSVR) Columns() []string { return f.Scaled.Names }

// Columns implements Fitted.
func (f *fittedTrees) Columns() []string { return f.Scaled.Names }

// Columns implements Fitted.
func (f *fittedStacked) Columns() []string { return f.First.Scaled.Names }

// Save implements Fitted.
func (f *fittedRidge) Save(path string) error { return save(path, f) }

// Save implements Fitted.
func (f *fittedSVR) Save(path string) error { return save(path, f) }

// Save implements Fitted.
func (f *fittedTrees) Save(path string) error { return save(path, f) }

// Save implements Fitted.
func (f *fittedStacked) Save(path string) error { return save(path, f) }
