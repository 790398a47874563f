package main

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/cmd/internal/cli"
	"opencarbon/train"
)

// What becomes of ranks that are killed, stopped and delayed. A short case runs
// always; the series, minutes for each launcher:
//
//	go test ./cmd/train -run TestRanks -series 20 -timeout 3h
var series = flag.Int("series", 0, "random moments for each launcher at which a rank is killed, stopped or delayed")

// asTrain makes the test binary the command, and marks its processes.
const asTrain = "OPENCARBON_TEST_TRAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asTrain) != "" {
		cli.Main(command())
	}
	os.Exit(m.Run())
}

// rankTimeout is --timeout. blameTime is what naming the one that is gone takes on
// top of it, on a machine that does other things as well.
const (
	rankTimeout = 10 * time.Second
	blameTime   = 40 * time.Second
)

// kinds of disturbance.
const (
	killed = iota
	stopped
	delayed // stopped for less than the timeout
	kinds
)

// disturb does it to a rank of an attempt, and says what was done; empty: the run
// was over before.
func disturb(a *attempt, after time.Duration, rank, kind int, nap time.Duration) string {
	time.Sleep(after)
	var pids []int
	for range 100 { // the moment may lie before the rank's start
		if pids = a.ranks()[rank]; len(pids) > 0 || len(a.ends) > 0 {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if len(pids) == 0 {
		return ""
	}
	all := func(s syscall.Signal) {
		for _, pid := range pids {
			_ = syscall.Kill(pid, s)
		}
	}
	switch kind {
	case killed:
		all(syscall.SIGKILL)
		return fmt.Sprintf("rank %d killed", rank)
	case stopped:
		all(syscall.SIGSTOP)
		return fmt.Sprintf("rank %d stopped", rank)
	}
	all(syscall.SIGSTOP)
	time.Sleep(nap)
	all(syscall.SIGCONT)
	return fmt.Sprintf("rank %d delayed by %v", rank, nap.Round(time.Millisecond))
}

// undisturbed is what a run leaves that nobody disturbs, and how long it takes.
func (w *workshop) undisturbed() (string, time.Duration) {
	w.t.Helper()
	for n := range 2 { // the first builds the store
		run := filepath.Join(w.dir, fmt.Sprint("undisturbed", n))
		began := time.Now()
		a := w.launch("shell", run)
		if err, ended := a.wait(5 * time.Minute); err != nil || !ended {
			w.t.Fatalf("%v\n%s", err, &a.out)
		}
		if hash := trained(w.t, run); n == 1 || *series == 0 {
			if hash == "" {
				w.t.Fatalf("the run is not whole\n%s", &a.out)
			}
			return hash, time.Since(began)
		}
	}
	return "", 0
}

// A rank that is killed ends the other, which names it; the same command goes on
// and leaves what an undisturbed run leaves. With -series also ranks that are
// stopped and delayed, at random moments.
func TestRanksDisturbed(t *testing.T) {
	if testing.Short() {
		t.Skip("trains with two processes")
	}
	w := newWorkshop(t)
	want, length := w.undisturbed()
	t.Logf("undisturbed: %s in %v", want, length.Round(time.Second/10))
	r := rand.New(rand.NewPCG(19, 19))
	hit := 0
	for i := 0; hit < max(1, *series) && i < 1+4**series; i++ {
		kind, rank := hit%kinds, r.IntN(2)
		after, nap := time.Duration(r.Float64()*float64(length)), time.Duration((0.5+4*r.Float64())*float64(time.Second))
		run := filepath.Join(w.dir, fmt.Sprint("run", i))
		a := w.launch("shell", run)
		if *series == 0 { // as soon as there is something to go on from
			rank, after = 1, 0
			for began := time.Now(); time.Since(began) < time.Minute; time.Sleep(10 * time.Millisecond) {
				if _, err := os.Stat(filepath.Join(run, train.LastFile)); err == nil || len(a.ends) > 0 {
					break
				}
			}
		}
		what := disturb(a, after, rank, kind, nap)
		at := time.Now()
		limit := rankTimeout + blameTime
		if kind == stopped { // its own end does not come; the other's does
			for time.Since(at) < limit && len(a.ranks()[1-rank]) > 0 {
				time.Sleep(100 * time.Millisecond)
			}
			if len(a.ranks()[1-rank]) > 0 {
				t.Errorf("%d: %s after %v: rank %d goes on for %v", i, what, after, 1-rank, limit)
			}
			for _, pid := range a.ranks()[rank] {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		} else if kind == delayed {
			limit += 2 * length
		}
		took := time.Since(at)
		_, ended := a.wait(limit)
		if kind == killed {
			took = time.Since(at)
		}
		text := a.out.String()
		other := fmt.Sprintf("rank %d: exit code 0", 1-rank)
		switch {
		case !ended:
			t.Errorf("%d: %s after %v: has not ended within %v\n%s", i, what, after, limit, text)
		case what == "":
			t.Logf("%d: the run was over before %v", i, after)
			length = min(length, after) // the machine is less busy than it was
		case kind == delayed && (!strings.Contains(text, "rank 0: exit code 0") || !strings.Contains(text, "rank 1: exit code 0")):
			t.Errorf("%d: %s after %v ends the run\n%s", i, what, after, text)
		case kind != delayed && strings.Contains(text, other): // it was all but done
			t.Logf("%d: %s after %v, too late to matter", i, what, after.Round(time.Second/10))
		case kind != delayed && !regexp.MustCompile(fmt.Sprintf(`(?m)^error: .*\brank %d\b`, rank)).MatchString(text):
			t.Errorf("%d: %s after %v: the other does not name it\n%s", i, what, after, text)
		default:
			hit++
			line := ""
			for l := range strings.Lines(text) {
				if strings.Contains(l, "error:") {
					line = strings.TrimSpace(l)
				}
			}
			t.Logf("%d: %s after %v: over %v later. %s", i, what, after.Round(time.Second/10), took.Round(time.Second/10), line)
		}
		if trained(t, run) != want {
			a := w.launch("shell", run)
			if err, ended := a.wait(5 * time.Minute); err != nil || !ended {
				t.Fatalf("%d: %v\n%s", i, err, &a.out)
			}
			if hash := trained(t, run); hash != want {
				t.Errorf("%d: %s after %v: the run that went on left %s, an undisturbed one %s\n%s", i, what, after, hash, want, &a.out)
			}
		}
	}
	if hit == 0 {
		t.Skip("no rank was met: the test shows nothing")
	}
}

// Under a launcher that starts ranks again the run ends trained, as if nobody had
// disturbed it.
func TestRanksRestarted(t *testing.T) {
	if *series == 0 {
		t.Skip("takes minutes: go test ./cmd/train -run TestRanksRestarted -series 20 -timeout 3h")
	}
	var want string
	var length time.Duration
	var w *workshop
	for _, launcher := range []string{"torchrun", "slurm"} {
		t.Run(launcher, func(t *testing.T) {
			switch launcher {
			case "torchrun":
				if _, err := exec.LookPath("torchrun"); err != nil {
					t.Skip("no torchrun: apt-get install python3-torch")
				}
			case "slurm":
				if out, err := exec.Command("sinfo", "--noheader", "--states=idle,mixed").CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) == 0 {
					t.Skip("no Slurm with a free node answers here: apt-get install slurm-wlm munge, and start slurmctld and slurmd")
				}
			}
			w = newWorkshop(t)
			want, length = w.undisturbed()
			r := rand.New(rand.NewPCG(20, uint64(len(launcher))))
			for i, hit := 0, 0; hit < *series && i < 4**series; i++ {
				kind, rank := hit%kinds, r.IntN(2)
				after, nap := time.Duration(r.Float64()*float64(length)), time.Duration((0.5+4*r.Float64())*float64(time.Second))
				run := filepath.Join(w.dir, fmt.Sprint("run", i))
				a := w.launch(launcher, run)
				began := time.Now()
				for len(a.ranks()[rank]) == 0 && time.Since(began) < time.Minute { // the launcher's own start
					time.Sleep(50 * time.Millisecond)
				}
				what := disturb(a, after, rank, kind, nap)
				err, ended := a.wait(5 * time.Minute)
				hash := trained(t, run)
				if err != nil || !ended || hash != want {
					t.Errorf("%d: %s after %v: %v, left %s, an undisturbed run %s\n%s", i, what, after, err, hash, want, &a.out)
					continue
				}
				if what == "" {
					length, what = min(length, after), "nothing any more"
				} else {
					hit++
				}
				t.Logf("%d: %s after %v: trained %v after the start", i, what, after.Round(time.Second/10), time.Since(began).Round(time.Second/10))
			}
		})
	}
}
