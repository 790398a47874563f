package export

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"opencarbon/data/fault"
)

// Files of the projector.
const (
	TensorsFile   = "tensors.tsv"
	MetadataFile  = "metadata.tsv"
	ProjectorFile = "projector_config.pbtxt"
)

// WriteProjector writes into folder dir, made if need be, what TensorBoard's
// projector shows when it is given that folder as --logdir: the embeddings, the
// other columns as labels, and the file that names both. name is how the
// projector lists them, e.g. "X_g". The last of the three is written last.
func (t *Table) WriteProjector(dir, name string) error {
	if err := t.check(); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fault.Wrap(err, dir, "cannot be made", "see that it is no file, and that its folder may be written to")
	}
	err := lines(filepath.Join(dir, TensorsFile), t.N(), func(w *bufio.Writer, i int) {
		for k := range t.D {
			if k > 0 {
				w.WriteByte('\t')
			}
			w.WriteString(feature(t.Embedding[i*t.D+k]))
		}
		w.WriteByte('\n')
	})
	if err != nil {
		return err
	}
	columns := t.Columns()
	fields := make([]string, len(columns))
	err = lines(filepath.Join(dir, MetadataFile), 1+t.N(), func(w *bufio.Writer, i int) {
		if i == 0 { // a header, as there is more than one column
			copy(fields, columns)
		} else {
			t.row(i-1, fields)
		}
		w.WriteString(strings.Join(fields[:labels], "\t"))
		w.WriteByte('\n')
	})
	if err != nil {
		return err
	}
	return lines(filepath.Join(dir, ProjectorFile), 1, func(w *bufio.Writer, _ int) {
		fmt.Fprintf(w, "embeddings {\n  tensor_name: %s\n  tensor_path: %q\n  metadata_path: %q\n}\n", strconv.QuoteToASCII(name), TensorsFile, MetadataFile)
	})
}
