package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/torch"
)

// EncoderSpec is a comparison of image encoders alone, without data, POIs and heads:
// how near the convolutions come to what the processor can do.
type EncoderSpec struct {
	Size    int    // pixels along a tile's edge
	Batch   int    // images a pass
	Turns   int    // the ways take turns so often; medians are reported
	Threads int    // of both sides; 0: all cores
	Python  string // interpreter that has PyTorch and torchvision; empty: no peer
	Script  string // cmd/bench/peer/encoder.py
	Peak    string // program that prints a core's peak (build/bench-peak), run in every turn; empty or absent: no shares
}

// EncoderRow is what a way reached: medians over the turns.
type EncoderRow struct {
	Way                string     // format, precision, kind of convolutions
	Evaluation, Images float64    // images a second without gradients, and forward and backward
	Reached            [2]float64 // GFLOP/s a core and second of its own time, in the same order; of direct convolutions
	Peer               bool
}

// EncoderTable is what Encoder measured.
type EncoderTable struct {
	Spec     EncoderSpec
	Libtorch string
	Threads  int
	Peer     string  // PyTorch's version; empty: none
	Peak     float64 // GFLOP/s of a core; 0: unknown
	Rows     []EncoderRow
}

// way is one side of the comparison: run makes a pass and returns the seconds it
// took, on the wall and of processors.
type way struct {
	name string
	peer bool
	run  func(train bool) (wall, processor float64, err error)
}

// Encoder measures s. A peer that does not start is a *fault.Input error.
func Encoder(ctx context.Context, s EncoderSpec) (*EncoderTable, error) {
	for flag, v := range map[string][3]int{"--size": {s.Size, 32, 1024}, "--batch": {s.Batch, 1, 4096}, "--rounds": {s.Turns, 1, 1000}, "--threads": {s.Threads, 0, 1024}} {
		if v[0] < v[1] || v[0] > v[2] {
			return nil, fault.New(flag, fmt.Sprintf("is %d", v[0]), fmt.Sprintf("Give %d to %d.", v[1], v[2]))
		}
	}
	t := &EncoderTable{Spec: s}
	var failed error
	if err := torch.Run(torch.Options{Threads: s.Threads}, func() { failed = t.measure(ctx) }); err != nil {
		return nil, err
	}
	return t, failed
}

func (t *EncoderTable) measure(ctx context.Context) error {
	t.Libtorch, t.Threads = torch.Version(), torch.Threads()
	params := layers.NewParams(torch.CPU)
	defer params.Close()
	ways := t.ours(params)
	if t.Spec.Python != "" {
		p, err := t.startPeer(ctx)
		if err != nil {
			return err
		}
		defer p.close()
		for _, format := range []string{"nchw", "channels_last"} {
			ways = append(ways, way{"PyTorch, " + format, true, func(train bool) (float64, float64, error) { return p.pass(train, format) }})
		}
	}
	var peaks []float64
	wall, processor := make([][2][]float64, len(ways)), make([][2][]float64, len(ways))
	for turn := range t.Spec.Turns + 1 { // the first warms up
		if peak := t.peak(ctx); peak > 0 {
			peaks = append(peaks, peak)
		}
		for pass := range 2 {
			for i, w := range ways {
				if err := ctx.Err(); err != nil {
					return err
				}
				a, b, err := w.run(pass == 1)
				if err != nil {
					return err
				}
				if turn > 0 {
					wall[i][pass], processor[i][pass] = append(wall[i][pass], a), append(processor[i][pass], b)
				}
			}
		}
	}
	if len(peaks) > 0 {
		t.Peak = slices.Max(peaks)
	}
	flops := resNet18FLOPs(t.Spec.Size) * float64(t.Spec.Batch) / 1e9
	for i, w := range ways {
		r := EncoderRow{Way: w.name, Peer: w.peer, Evaluation: float64(t.Spec.Batch) / median(wall[i][0]), Images: float64(t.Spec.Batch) / median(wall[i][1])}
		r.Reached = [2]float64{flops / median(processor[i][0]), 3 * flops / median(processor[i][1])}
		t.Rows = append(t.Rows, r)
	}
	return nil
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

// ours are this program's ways.
func (t *EncoderTable) ours(params *layers.Params) []way {
	torch.ManualSeed(1)
	images := torch.RandInt(0, 256, torch.CPU, t.Spec.Batch, 3, t.Spec.Size, t.Spec.Size).Cast(torch.UInt8)
	encoder := func(name string, change func(e *layers.ImageEncoder)) *layers.ImageEncoder {
		e := layers.NewImageEncoder(params.Root().Sub(name), 32)
		change(e)
		return e
	}
	run := func(e *layers.ImageEncoder, bf16 bool) func(train bool) (float64, float64, error) {
		forward := func() (x *torch.Tensor) {
			if !bf16 {
				return e.Forward(images)
			}
			torch.Autocast(torch.CPU, torch.BFloat16, func() { x = e.Forward(images) })
			return x.Cast(torch.Float32)
		}
		return func(train bool) (float64, float64, error) {
			before, start := processorSeconds(), time.Now()
			var v float64
			torch.InScope(func(*torch.Scope) {
				if train {
					params.Train()
					torch.ZeroGrad(params.Parameters())
					loss := forward().Sum()
					loss.Backward()
					v = loss.Item()
				} else {
					params.Eval()
					torch.NoGrad(func() { v = forward().Sum().Item() })
				}
			})
			if math.IsNaN(v) {
				return 0, 0, fmt.Errorf("the encoder gives no number")
			}
			return time.Since(start).Seconds(), processorSeconds() - before, nil
		}
	}
	quick := func(e *layers.ImageEncoder) { e.SkipPadding(); e.Winograd() }
	ways := []way{
		{"OpenCarbon", false, run(encoder("winograd", quick), false)},
		{"OpenCarbon, direct convolutions", false, run(encoder("direct", func(*layers.ImageEncoder) {}), false)},
		{"OpenCarbon, direct, NCHW", false, run(encoder("nchw", (*layers.ImageEncoder).NCHW), false)},
	}
	if torch.FastBFloat16(torch.CPU) {
		ways = append(ways, way{"OpenCarbon, bf16", false, run(encoder("bf16", quick), true)})
	}
	return ways
}

func processorSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

var gigaflops = regexp.MustCompile(`(\d+(\.\d+)?) GFLOP/s`)

// peak is a core's, in GFLOP/s; 0 where nothing tells it.
func (t *EncoderTable) peak(ctx context.Context) float64 {
	if t.Spec.Peak == "" {
		return 0
	}
	out, err := exec.CommandContext(ctx, t.Spec.Peak).Output()
	if err != nil {
		return 0
	}
	if m := gigaflops.FindSubmatch(out); m != nil {
		v, _ := strconv.ParseFloat(string(m[1]), 64)
		return v
	}
	return 0
}

// encoderPeer is the encoder in plain PyTorch, in a process that works on request.
type encoderPeer struct {
	command   *exec.Cmd
	in        io.WriteCloser
	out       *bufio.Reader
	complaint *bytes.Buffer
}

func (t *EncoderTable) startPeer(ctx context.Context) (*encoderPeer, error) {
	if _, err := os.Stat(t.Spec.Script); err != nil {
		return nil, fault.Wrap(err, t.Spec.Script, "is not there", "Run from the project's folder: go run ./cmd/bench encoder")
	}
	p := &encoderPeer{complaint: &bytes.Buffer{}}
	p.command = exec.CommandContext(ctx, t.Spec.Python, t.Spec.Script, fmt.Sprint(t.Threads), fmt.Sprint(t.Spec.Size), fmt.Sprint(t.Spec.Batch))
	p.command.Stderr = p.complaint
	in, err := p.command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	if err := p.command.Start(); err != nil {
		return nil, fault.Wrap(err, t.Spec.Python, "does not start", "Name a Python that has PyTorch and torchvision with --python, or leave --peer out.")
	}
	if _, err := fmt.Fscanln(p.out, &t.Peer); err != nil {
		p.close()
		lines := strings.Split(strings.TrimSpace(p.complaint.String()), "\n")
		return nil, fault.Wrap(err, t.Spec.Python, lines[len(lines)-1], "It needs PyTorch and torchvision: apt-get install python3-torch python3-torchvision, or --python.")
	}
	return p, nil
}

func (p *encoderPeer) pass(train bool, format string) (wall, processor float64, err error) {
	what := "evaluate"
	if train {
		what = "train"
	}
	if _, err = fmt.Fprintln(p.in, what, format); err == nil {
		_, err = fmt.Fscanln(p.out, &wall, &processor)
	}
	if err != nil {
		return 0, 0, fmt.Errorf("the encoder in Python ended: %w: %s", err, strings.TrimSpace(p.complaint.String()))
	}
	return wall, processor, nil
}

func (p *encoderPeer) close() {
	p.in.Close()
	p.command.Wait()
}

// Print writes the table in Markdown. Ratios are to the peer's faster format.
func (t *EncoderTable) Print(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "ResNet-18 alone, %d images of %d px, libtorch %s, %d threads, medians of %d turns", t.Spec.Batch, t.Spec.Size, t.Libtorch, t.Threads, t.Spec.Turns)
	if t.Peer != "" {
		fmt.Fprintf(&b, "; PyTorch %s", t.Peer)
	}
	if t.Peak > 0 {
		fmt.Fprintf(&b, "; a core does %.0f GFLOP/s at most", t.Peak)
	}
	b.WriteString("\n\n| encoder | evaluation, images/s | GFLOP/s a core | training, images/s | GFLOP/s a core | evaluation x | training x |\n|---|--:|--:|--:|--:|--:|--:|\n")
	var best [2]float64
	for _, r := range t.Rows {
		if r.Peer {
			best[0], best[1] = max(best[0], r.Evaluation), max(best[1], r.Images)
		}
	}
	reached := func(v float64) string {
		if t.Peak == 0 {
			return fmt.Sprintf("%.0f", v)
		}
		return fmt.Sprintf("%.0f (%.0f%%)", v, 100*v/t.Peak)
	}
	ratio := func(v, of float64) string {
		if of == 0 {
			return ""
		}
		return fmt.Sprintf("%.2f", v/of)
	}
	for _, r := range t.Rows {
		fmt.Fprintf(&b, "| %s | %.1f | %s | %.2f | %s | %s | %s |\n", r.Way, r.Evaluation, reached(r.Reached[0]), r.Images, reached(r.Reached[1]), ratio(r.Evaluation, best[0]), ratio(r.Images, best[1]))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
