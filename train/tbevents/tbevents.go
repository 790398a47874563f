// Package tbevents writes the event files that TensorBoard shows: scalars,
// pictures and a text with the settings. `tensorboard --logdir runs` finds them
// in the run folders.
//
// It knows the file format and nothing else: no metrics, no config.
package tbevents

import (
	"bytes"
	"errors"
	"fmt"
	"image/png"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Writer is an open event file. Every event is on its way to the disk when the
// method returns, so a killed run loses nothing but a torn last record, which
// TensorBoard leaves out. It is for one goroutine.
type Writer struct {
	file *os.File
	now  func() time.Time
}

// Create begins an event file in folder dir.
func Create(dir string) (*Writer, error) { return create(dir, time.Now) }

func create(dir string, now func() time.Time) (*Writer, error) {
	for n := 0; ; n++ {
		// TensorBoard takes files with "tfevents" in their names, in their order.
		name := fmt.Sprintf("events.out.tfevents.%010d.opencarbon.%d.%d", now().Unix(), os.Getpid(), n)
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		w := &Writer{file: f, now: now}
		// Event.file_version = 3 must come first.
		if err := w.write(w.event(0).text(3, "brain.Event:2")); err != nil {
			f.Close()
			return nil, err
		}
		return w, nil
	}
}

// Resume says that training goes on at step: TensorBoard drops what earlier
// files of the folder hold from that step on.
func (w *Writer) Resume(step int) error {
	// Event.session_log = 7 {status = 1: 1 is START}
	return w.write(w.event(step).bytes(7, message(nil).varint(1, 1)))
}

// Scalar adds a point to the curve tag, such as "validation/R2". A value that is
// NaN or infinite is left out.
func (w *Writer) Scalar(tag string, step int, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return w.write(w.event(step).summary(scalar(tag, v)))
}

// PNG adds a picture, given as the bytes of a PNG file.
func (w *Writer) PNG(tag string, step int, picture []byte) error {
	c, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		return fmt.Errorf("picture %s for TensorBoard: %w", tag, err)
	}
	return w.write(w.event(step).summary(image(tag, c.Width, c.Height, picture)))
}

// Text adds a text in Markdown, shown under TensorBoard's "Text".
func (w *Writer) Text(tag string, step int, markdown string) error {
	return w.write(w.event(step).summary(textValue(tag, markdown)))
}

// Settings adds the run's settings as a table, one row per key, in the order
// given: [key, value] pairs.
func (w *Writer) Settings(pairs [][2]string) error {
	var b strings.Builder
	b.WriteString("| key | value |\n|---|---|\n")
	cell := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, p := range pairs {
		fmt.Fprintf(&b, "| %s | %s |\n", cell.Replace(p[0]), cell.Replace(p[1]))
	}
	return w.Text("settings", 0, b.String())
}

// Close syncs and closes the file.
func (w *Writer) Close() error {
	return errors.Join(w.file.Sync(), w.file.Close())
}

func (w *Writer) event(step int) message {
	return event(float64(w.now().UnixNano())/1e9, int64(step))
}

func (w *Writer) write(m message) error {
	_, err := w.file.Write(record(m))
	return err
}
