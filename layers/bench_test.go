package layers_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"testing"
	"time"

	"opencarbon/layers"
	"opencarbon/torch"
)

// benchThreads is what all three sides compute with.
const benchThreads = 2

// peer is a process of another language that does the same work on request.
type peer struct {
	in      io.WriteCloser
	out     *bufio.Reader
	version string
}

func startPeer(b *testing.B, name string, args ...string) *peer {
	b.Helper()
	c := exec.Command(name, args...)
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := c.Start(); err != nil {
		b.Skipf("%s does not start (%v): make bench builds what is needed", name, err)
	}
	b.Cleanup(func() {
		in.Close()
		c.Wait()
	})
	p := &peer{in: in, out: bufio.NewReader(out)}
	if _, err := fmt.Fscanln(p.out, &p.version); err != nil {
		b.Skipf("%s ended at once: it needs PyTorch and torchvision", name)
	}
	return p
}

func (p *peer) work(b *testing.B, what string, n int) (wall, cpu float64) {
	fmt.Fprintln(p.in, what, n)
	if _, err := fmt.Fscanln(p.out, &wall, &cpu); err != nil {
		b.Fatal("the peer ended: ", err)
	}
	return wall, cpu
}

func processorSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

func median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	return (v[len(v)/2] + v[(len(v)-1)/2]) / 2
}

// sideBySide lets Go and its peers do n rounds of the same work in turn, so that
// all see the same machine, and reports medians of the ratios within a turn and
// of the times.
func sideBySide(b *testing.B, what string, turns, n int, work func(n int), peers map[string]*peer) {
	names := []string{"cpp", "python"}
	times, ratios, processor := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	work(max(n/10, 1)) // warm up all
	for _, p := range peers {
		p.work(b, what, max(n/10, 1))
	}
	for range turns {
		cpu, start := processorSeconds(), time.Now()
		work(n)
		wall := time.Since(start).Seconds()
		cpu = processorSeconds() - cpu
		times["go"] = append(times["go"], wall/float64(n))
		for _, name := range names {
			if p := peers[name]; p != nil {
				w, c := p.work(b, what, n)
				times[name] = append(times[name], w/float64(n))
				ratios[name] = append(ratios[name], wall/w)
				processor[name] = append(processor[name], cpu/c)
			}
		}
	}
	b.ReportMetric(0, "ns/op") // the turns are fixed: time per operation would be of no meaning
	b.ReportMetric(median(times["go"])*1e6, "go-us")
	for _, name := range names {
		if peers[name] != nil {
			b.ReportMetric(median(times[name])*1e6, name+"-us")
			b.ReportMetric(median(ratios[name]), "go/"+name)
			b.ReportMetric(median(processor[name]), "go/"+name+"-cpu")
			b.Logf("%s: libtorch %s here, %s in %s", what, torch.Version(), peers[name].version, name)
		}
	}
}

func benchPeers(b *testing.B) map[string]*peer {
	python := os.Getenv("PYTHON")
	if python == "" {
		python = "/usr/bin/python3"
	}
	return map[string]*peer{
		"cpp":    startPeer(b, "../build/bench-peer", fmt.Sprint(benchThreads)),
		"python": startPeer(b, python, "testdata/bench_peer.py", fmt.Sprint(benchThreads)),
	}
}

func benchRun(b *testing.B, f func()) {
	if err := torch.Run(torch.Options{Threads: benchThreads}, f); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkSmallOperation: what one operation on four numbers costs through Go.
func BenchmarkSmallOperation(b *testing.B) {
	peers := benchPeers(b)
	for what, f := range map[string]func(x, y *torch.Tensor){
		"add":  func(x, y *torch.Tensor) { x.Add(y) },
		"relu": func(x, _ *torch.Tensor) { x.ReLU() },
	} {
		b.Run(what, func(b *testing.B) {
			benchRun(b, func() {
				x, y := torch.Ones(torch.Float32, torch.CPU, 4), torch.Ones(torch.Float32, torch.CPU, 4)
				sideBySide(b, what, 15, 20000, func(n int) {
					for n > 0 { // a scope a hundred operations, about as in a training step
						torch.InScope(func(*torch.Scope) {
							for range min(n, 100) {
								f(x, y)
							}
						})
						n -= 100
					}
				}, peers)
			})
		})
	}
}

// BenchmarkResNet18Step: one training step (batch 32, 64 x 64, float32, Adam).
func BenchmarkResNet18Step(b *testing.B) {
	peers := benchPeers(b)
	benchRun(b, func() {
		torch.ManualSeed(1)
		s := layers.NewParams(torch.CPU)
		defer s.Close()
		net := layers.NewResNet18(s.Root(), 10)
		adam := torch.NewAdam(s.Parameters(), torch.AdamOptions{LearningRate: 1e-3, WeightDecay: 5e-3})
		defer adam.Close()
		images := torch.Normal(0, 1, torch.Float32, torch.CPU, 32, 3, 64, 64)
		classes := make([]int64, 32)
		for i := range classes {
			classes[i] = int64(i % 10)
		}
		target := torch.FromSlice(classes)
		sideBySide(b, "step", 12, 1, func(n int) {
			for range n {
				torch.InScope(func(*torch.Scope) {
					adam.ZeroGrad()
					loss := torch.CrossEntropy(net.Forward(images), target)
					loss.Backward()
					adam.Step()
					if v := loss.Item(); v != v {
						b.Fatal("the loss is NaN")
					}
				})
			}
		}, peers)
	})
}
