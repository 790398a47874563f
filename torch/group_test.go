package torch_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/torch"
)

// TestGroupChild is a rank: TestGroup starts the test binary again with it.
func TestGroupChild(t *testing.T) {
	var rank, world, port, seconds int
	var how string
	if _, err := fmt.Sscan(os.Getenv("GROUP"), &rank, &world, &port, &seconds, &how); err != nil {
		t.Skip("started by TestGroup")
	}
	o := torch.GroupOptions{Rank: rank, World: world, Host: "127.0.0.1", Port: port, Timeout: time.Duration(seconds) * time.Second}
	if how == "config" {
		o.About = fmt.Sprint("config ", min(rank, 1))
	}
	g, err := torch.NewGroup(o)
	if err != nil {
		fmt.Println("ENDED", err)
		return
	}
	err = torch.Run(torch.Options{Threads: 1}, func() {
		if how == "sums" {
			sums(t, g)
			return
		}
		for step := 0; ; step++ {
			if step == 3 {
				fmt.Println("GOING")
			}
			if step == 5 && rank == 1 && how == "fails" {
				panic(&torch.Error{Op: "test", Message: "the disk is full"})
			}
			if how == "backward" && step > 0 {
				torch.InScope(func(*torch.Scope) {
					w, b := torch.Ones(torch.Float32, torch.CPU, 2).SetRequiresGrad(true), torch.Zeros(torch.Float32, torch.CPU, 2)
					mean, variance := torch.Zeros(torch.Float32, torch.CPU, 2), torch.Ones(torch.Float32, torch.CPU, 2)
					y := g.BatchNorm(torch.FromSlice([]float32{1, 2, 3, float32(rank)}, 2, 2), w, b, mean, variance, false, torch.BatchNormOptions{Training: true, Eps: 1e-5}).Sum()
					if rank == 2 && step == 4 {
						os.Exit(3)
					}
					g.Within(y.Backward)
				})
				continue
			}
			g.Numbers([]float64{float64(rank), 2})
			time.Sleep(10 * time.Millisecond)
		}
	})
	g.Close(err)
	if err != nil {
		fmt.Println("ENDED", err)
	}
}

// sums checks the collectives against what one process computes.
func sums(t *testing.T, g *torch.Group) {
	r := float64(g.Rank)
	if got := g.Numbers([]float64{r, 10 * r}); len(got) != 3 || got[1][0] != 1 || got[2][1] != 20 {
		t.Errorf("numbers: %v", got)
	}
	w := torch.FromSlice([]float32{float32(g.Rank), 5}).Own()
	defer w.Close()
	g.Broadcast([]*torch.Tensor{w})
	if got := w.Float64s(); got[0] != 0 || got[1] != 5 {
		t.Errorf("broadcast: %v", got)
	}
	// A network of a batch normalization and a loss that looks at all rows; the rows are cut 2, 3, 1 and 3, 3, 0.
	all := []float64{1, -2, 3, 0.5, 0, 4, -1, 2, 2, 2, 7, -3}
	for _, counts := range [][]int{{2, 3, 1}, {3, 3, 0}} {
		weights := func() (w, b, mean, variance *torch.Tensor) {
			return torch.FromSlice([]float64{1.5, 0.5}).SetRequiresGrad(true), torch.FromSlice([]float64{0, 1}).SetRequiresGrad(true),
				torch.Zeros(torch.Float64, torch.CPU, 2), torch.Ones(torch.Float64, torch.CPU, 2)
		}
		o := torch.BatchNormOptions{Training: true, Momentum: 0.1, Eps: 1e-5}
		loss := func(x *torch.Tensor) *torch.Tensor { return torch.Normalize(x, 0, 1e-8).Abs().Mul(x).Sum() }
		w, b, mean, variance := weights()
		x := torch.FromSlice(all, 6, 2).SetRequiresGrad(true)
		loss(torch.BatchNorm(x, w, b, mean, variance, o)).Backward()

		from := 0
		for _, n := range counts[:g.Rank] {
			from += n
		}
		n := counts[g.Rank]
		own := torch.FromSlice(all, 6, 2).Narrow(0, min(from, 5), max(1, n)).Clone().SetRequiresGrad(true)
		w2, b2, mean2, variance2 := weights()
		y := g.Rows(g.BatchNorm(own, w2, b2, mean2, variance2, n == 0, o), counts)
		loss(y).MulScalar(g.Part()).Backward()
		tail := []float64{1, r}
		g.SumGradients([]*torch.Tensor{w2, b2}, tail)
		if tail[0] != 3 || tail[1] != 3 {
			t.Errorf("tail %v", tail)
		}
		for name, pair := range map[string][2]*torch.Tensor{"weight": {w.Grad(), w2.Grad()}, "bias": {b.Grad(), b2.Grad()}, "mean": {mean, mean2},
			"variance": {variance, variance2}} {
			if d := pair[0].Sub(pair[1]).Abs().AMax().Item(); !(d < 1e-12) {
				t.Errorf("%v: %s is off by %g", counts, name, d)
			}
		}
		want := torch.Zeros(torch.Float64, torch.CPU, max(1, n), 2)
		if n > 0 {
			want = x.Grad().Narrow(0, from, n)
		}
		if d := own.Grad().Sub(want).Abs().AMax().Item(); !(d < 1e-12) {
			t.Errorf("%v, rank %d: the gradient of its rows is off by %g", counts, g.Rank, d)
		}
	}
}

// sink collects what a rank prints, and calls going once it is on its way.
type sink struct {
	strings.Builder
	going func()
}

func (s *sink) Write(p []byte) (int, error) {
	if s.going != nil && strings.Contains(string(p), "GOING") {
		s.going()
	}
	return s.Builder.Write(p)
}

// Three processes: sums over them are right; one that fails, is killed, stopped,
// missing or started otherwise ends the others, who name it.
func TestGroup(t *testing.T) {
	if !torch.GroupAvailable() {
		t.Skip("this libtorch has no c10d with gloo")
	}
	for _, c := range []struct {
		how     string
		missing int // rank that is not started; -1: none
		timeout int // seconds
		signal  syscall.Signal
		to      int // rank that gets it
		want    string
	}{
		{"sums", -1, 60, 0, 0, ""},
		{"fails", -1, 60, 0, 1, "the disk is full"},
		{"config", -1, 60, 0, 1, "rank 1"},
		{"kill", -1, 60, syscall.SIGKILL, 2, "rank 2"},
		{"backward", -1, 60, 0, 2, "rank 2"},
		{"stop", -1, 15, syscall.SIGSTOP, 1, "rank 1"},
		{"store", -1, 15, syscall.SIGSTOP, 0, "rank 0"},
		{"missing", 1, 15, 0, 1, "rank 1"},
	} {
		t.Run(c.how, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			port := l.Addr().(*net.TCPAddr).Port
			l.Close()
			const world = 3
			var cmds [world]*exec.Cmd
			var outs [world]sink
			for r := range world {
				if r == c.missing {
					continue
				}
				cmds[r] = exec.Command(os.Args[0], "-test.run=^TestGroupChild$", "-test.timeout=200s")
				cmds[r].Env = append(os.Environ(), fmt.Sprintf("GROUP=%d %d %d %d %s", r, world, port, c.timeout, c.how), "OMP_NUM_THREADS=1")
				cmds[r].Stdout, cmds[r].Stderr = &outs[r], &outs[r]
				if c.signal != 0 && r == c.to {
					outs[r].going = func() { cmds[r].Process.Signal(c.signal) }
				}
				if err := cmds[r].Start(); err != nil {
					t.Fatal(err)
				}
				defer cmds[r].Process.Kill()
			}
			for r := range world {
				if r == c.missing || c.signal != 0 && r == c.to {
					continue
				}
				if err := cmds[r].Wait(); err != nil && c.want == "" {
					t.Errorf("rank %d: %v\n%s", r, err, outs[r].String())
				}
				if c.how == "backward" && r == c.to {
					continue // it ends without a word
				}
				if c.want != "" && (!strings.Contains(outs[r].String(), c.want) || !strings.Contains(outs[r].String(), "ENDED")) {
					t.Errorf("rank %d does not name %s:\n%s", r, c.want, outs[r].String())
				}
			}
		})
	}
}
