// Package progress shows how far long work has come: a bar on a terminal, a
// plain line a stage elsewhere, so that logs stay readable.
package progress

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar shows one stage after another. Its methods may be called from several
// goroutines.
type Bar struct {
	mu    sync.Mutex
	out   io.Writer
	tty   bool
	stage string
	bar   *progressbar.ProgressBar
	done  int
	total int
	began time.Time
}

// New makes a bar that writes to out.
func New(out io.Writer) *Bar {
	f, ok := out.(*os.File)
	return &Bar{out: out, tty: ok && term.IsTerminal(int(f.Fd()))}
}

// Set says that done of total steps of a stage are done. A new stage closes the
// one before it.
func (b *Bar) Set(stage string, done, total int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if stage != b.stage {
		b.finish()
		b.stage, b.done, b.total, b.began = stage, 0, total, time.Now()
		if b.tty {
			b.bar = progressbar.NewOptions(total,
				progressbar.OptionSetWriter(b.out), progressbar.OptionSetDescription(fmt.Sprintf("%-12s", stage)),
				progressbar.OptionShowCount(), progressbar.OptionSetWidth(30), progressbar.OptionThrottle(100*time.Millisecond),
				progressbar.OptionSetPredictTime(true), progressbar.OptionFullWidth())
		}
	}
	b.done = max(b.done, done) // workers may report out of order
	if b.bar != nil {
		_ = b.bar.Set(b.done)
	}
}

// Close ends the last stage.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.finish()
	b.stage = ""
}

func (b *Bar) finish() {
	switch {
	case b.stage == "":
	case b.bar != nil:
		fmt.Fprintln(b.out)
		b.bar = nil
	default:
		fmt.Fprintf(b.out, "%s: %d of %d in %s\n", b.stage, b.done, b.total, time.Since(b.began).Round(time.Millisecond))
	}
}
