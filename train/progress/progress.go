// Package progress tells a person how far a long piece of work is: a bar on a
// terminal, plain lines now and then where the output goes to a file or a pipe,
// nothing when quiet was asked for. It writes text and keeps no results.
package progress

import (
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// every is the least time between two plain lines of the same work.
const every = 10 * time.Second

// Options say where and how to report. The zero value reports to os.Stderr.
type Options struct {
	Quiet bool      // write nothing
	Out   io.Writer // default os.Stderr
	Plain bool      // no bar, even on a terminal

	now func() time.Time // for tests
}

func (o Options) withDefaults() Options {
	if o.Out == nil {
		o.Out = os.Stderr
	}
	if o.now == nil {
		o.now = time.Now
	}
	if f, ok := o.Out.(*os.File); !ok || !term.IsTerminal(int(f.Fd())) {
		o.Plain = true
	}
	return o
}

// Bar reports work of a known number of equal pieces. Its methods may be called
// from several goroutines.
type Bar struct {
	mu    sync.Mutex
	o     Options
	label string
	note  string
	done  int
	total int
	began time.Time
	last  time.Time // of the last plain line
	most  string    // "at most " where the work may end sooner
	bar   *progressbar.ProgressBar
}

// NewBar begins a report on total pieces.
func NewBar(o Options, label string, total int) *Bar {
	o = o.withDefaults()
	b := &Bar{o: o, label: label, total: max(total, 0), began: o.now()}
	b.last = b.began
	if !o.Quiet && !o.Plain {
		b.bar = progressbar.NewOptions(max(total, 1),
			progressbar.OptionSetWriter(o.Out), progressbar.OptionSetDescription(label), progressbar.OptionShowCount(),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionSetWidth(24), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionSetTheme(progressbar.ThemeASCII))
	}
	return b
}

// Add says that n more pieces are done.
func (b *Bar) Add(n int) { b.advance(n, "") }

func (b *Bar) advance(n int, note string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	if note != "" {
		b.note = note
	}
	switch {
	case b.o.Quiet:
	case b.bar != nil:
		if note != "" {
			b.bar.Describe(b.label + " " + note)
		}
		_ = b.bar.Add(n) // fails when a bar overruns: no reason to stop the work
	case b.o.now().Sub(b.last) >= every:
		b.plain()
	}
}

// plain writes a line of how far the work is.
func (b *Bar) plain() {
	b.last = b.o.now()
	line := fmt.Sprintf("%s %d/%d", b.label, b.done, b.total)
	if b.note != "" {
		line += " " + b.note
	}
	if left, ok := b.left(); ok {
		line += ", " + b.most + Duration(left) + " left"
	}
	fmt.Fprintln(b.o.Out, line)
}

// left estimates the time that the rest takes at the pace so far.
func (b *Bar) left() (time.Duration, bool) {
	if b.done <= 0 || b.done >= b.total {
		return 0, false
	}
	spent := b.o.now().Sub(b.began)
	return time.Duration(float64(spent) * float64(b.total-b.done) / float64(b.done)), true
}

// Println writes a line of its own, above the bar where there is one.
func (b *Bar) Println(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.o.Quiet {
		return
	}
	if b.bar != nil {
		_ = b.bar.Clear()
		fmt.Fprintln(b.o.Out, line)
		_ = b.bar.RenderBlank()
		return
	}
	b.last = b.o.now()
	fmt.Fprintln(b.o.Out, line)
}

// Close ends the report and removes the bar. It may be called twice.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.bar != nil {
		_ = b.bar.Clear()
		_ = b.bar.Exit()
		b.bar = nil
		b.o.Quiet = true
	}
}

// Training reports on a training run: epoch, step, time left, loss and the last
// validation's R2.
type Training struct {
	bar    *Bar
	epochs int
	steps  int     // of an epoch
	r2     float64 // of the last validation
}

// NewTraining begins a report on epochs first..epochs (first is 1, or higher
// when resumed) of steps batches each.
func NewTraining(o Options, first, epochs, steps int) *Training {
	return &Training{
		bar:    NewBar(o, "train", (epochs-first+1)*steps),
		epochs: epochs, steps: steps, r2: math.NaN(),
	}
}

// MayStop says that training may end before its last epoch, as patience has it: the
// time that is left is then the most that it can take.
func (t *Training) MayStop() {
	t.bar.mu.Lock()
	defer t.bar.mu.Unlock()
	t.bar.most = "at most "
}

// Step says that a step is done: epoch and step count from 1, loss is the
// step's (or a running mean).
func (t *Training) Step(epoch, step int, loss float64) {
	note := fmt.Sprintf("epoch %d/%d step %d/%d loss %s", epoch, t.epochs, step, t.steps, number(loss))
	if !math.IsNaN(t.r2) {
		note += " R2 " + number(t.r2)
	}
	t.bar.advance(1, note)
}

// Validated says what a validation found; it always gives a line. best marks a
// new best R2. An R2 that is NaN is undefined.
func (t *Training) Validated(epoch int, loss, r2, mae, rmse float64, best bool) {
	t.r2 = r2
	var b strings.Builder
	fmt.Fprintf(&b, "epoch %d/%d  loss %s  validation R2 %s  MAE %s  RMSE %s", epoch, t.epochs, number(loss), number(r2), number(mae), number(rmse))
	if best {
		b.WriteString("  best")
	}
	if left, ok := t.left(); ok {
		fmt.Fprintf(&b, "  (%s%s left)", t.bar.most, Duration(left))
	}
	t.bar.Println(b.String())
}

func (t *Training) left() (time.Duration, bool) {
	t.bar.mu.Lock()
	defer t.bar.mu.Unlock()
	return t.bar.left()
}

// Println writes a line of its own.
func (t *Training) Println(line string) { t.bar.Println(line) }

// Close ends the report. It may be called twice.
func (t *Training) Close() { t.bar.Close() }

func number(x float64) string {
	if math.IsNaN(x) {
		return "-"
	}
	return fmt.Sprintf("%.4f", x)
}

// Duration writes a time as a person says it: 45s, 12m30s, 3h05m.
func Duration(d time.Duration) string {
	s := int(d.Round(time.Second) / time.Second)
	switch {
	case s < 60:
		return fmt.Sprintf("%ds", s)
	case s < 3600:
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	return fmt.Sprintf("%dh%02dm", s/3600, s/60%60)
}
