package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"opencarbon/data/synth"
	"opencarbon/torch"
	"opencarbon/torch/safetensors"
	"opencarbon/train"
)

// workshop is where two ranks train a made city of 16 x 16 cells.
type workshop struct {
	t    *testing.T
	dir  string
	self string
	n    int      // runs so far
	more []string // settings
}

func newWorkshop(t *testing.T) *workshop {
	if !torch.GroupAvailable() {
		t.Skip("this libtorch has no c10d with gloo")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	w := &workshop{t: t, dir: t.TempDir(), self: self}
	if _, err := synth.Write(context.Background(), filepath.Join(w.dir, "city"), synth.Config{Rows: 16, Cols: 16, Size: 16, Seed: 5, Noise: 0.35, Cities: 1, Year: 18}, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// args are the command's in run folder run.
func (w *workshop) args(run string) []string {
	args := []string{"--config", filepath.Join(w.dir, "city", "demo.yaml"), "--run", run, "--timeout", rankTimeout.String(), "--quiet"}
	for _, s := range append([]string{"data.store=" + filepath.Join(w.dir, "store"), "model.image_encoder=frozen", "train.epochs=5", "train.min_epochs=1",
		"train.contrastive_warmup_epochs=1", "train.threads=1", "train.stack=[]", "output.plots=false", "output.tensorboard=false"}, w.more...) {
		args = append(args, "--set", s)
	}
	return args
}

// attempt is a launcher's processes.
type attempt struct {
	mark string
	out  bytes.Buffer
	ends chan error // of the launcher
}

// start runs a command line with a mark that its descendants inherit.
func (w *workshop) start(a *attempt, env []string, name string, args ...string) {
	cmd := exec.Command(name, args...)
	cmd.Env = append(append(os.Environ(), asTrain+"="+a.mark, "OMP_NUM_THREADS=1"), env...)
	cmd.Stdout, cmd.Stderr = &a.out, &a.out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	go func() { a.ends <- cmd.Wait() }()
}

// launch starts both ranks as a launcher does. Of "shell", which is none, out is of
// both ranks together; "alone" is one process.
func (w *workshop) launch(launcher, run string) *attempt {
	w.n++
	a := &attempt{mark: fmt.Sprintf("%s-%d-%d", launcher, os.Getpid(), w.n), ends: make(chan error, 1)}
	switch launcher {
	case "alone":
		w.start(a, nil, w.self, w.args(run)...)
	case "shell":
		port := freePort(w.t)
		// Each says how it ended: the exit code of both is lost otherwise.
		script := fmt.Sprintf(`for r in 0 1; do (RANK=$r WORLD_SIZE=2 MASTER_ADDR=127.0.0.1 MASTER_PORT=%d %q "$@"; echo "rank $r: exit code $?") & done; wait`, port, w.self)
		w.start(a, nil, "sh", append([]string{"-c", script, "ranks"}, w.args(run)...)...)
	case "torchrun":
		w.start(a, nil, "torchrun", append([]string{"--nnodes=1", "--no_python", "--nproc_per_node=2", "--max_restarts=3", "-r", "1", "-t", "1",
			fmt.Sprintf("--master_port=%d", freePort(w.t)), w.self}, w.args(run)...)...)
	case "slurm":
		log := filepath.Join(w.dir, a.mark+".log")
		script := filepath.Join(w.dir, a.mark+".sh")
		// --requeue alone is for a lost node; a step that failed is put back by the script.
		text := "#!/bin/sh\nsrun -n 2 --kill-on-bad-exit=1 '" + strings.Join(append([]string{w.self}, w.args(run)...), "' '") + "'\ncode=$?\n" +
			"[ $code = 0 ] || [ $code = 2 ] || [ ${SLURM_RESTART_COUNT:-0} -ge 3 ] || scontrol requeue $SLURM_JOB_ID\nexit $code\n"
		if err := os.WriteFile(script, []byte(text), 0o755); err != nil {
			w.t.Fatal(err)
		}
		w.start(a, nil, "sh", "-c", fmt.Sprintf("sbatch --wait --requeue --ntasks=2 --open-mode=append --output=%[1]s %[2]s; code=$?; cat %[1]s; exit $code", log, script))
	}
	return a
}

// wait waits for the launcher's end; false: it did not come, and all are killed.
func (a *attempt) wait(limit time.Duration) (error, bool) {
	select {
	case err := <-a.ends:
		return err, true
	case <-time.After(limit):
		for _, pid := range slices.Concat(a.ranks()[0], a.ranks()[1]) {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		return errors.New("did not end"), false
	}
}

// ranks are the processes of each rank that live.
func (a *attempt) ranks() (pids [2][]int) {
	entries, _ := os.ReadDir("/proc")
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || pid == os.Getpid() {
			continue
		}
		text, err := os.ReadFile(filepath.Join("/proc", e.Name(), "environ"))
		line, err2 := os.ReadFile(filepath.Join("/proc", e.Name(), "cmdline"))
		exe, err3 := os.Readlink(filepath.Join("/proc", e.Name(), "exe"))
		if err != nil || err2 != nil || err3 != nil || !bytes.Contains(text, []byte(asTrain+"="+a.mark+"\x00")) || !bytes.Contains(line, []byte("--run")) {
			continue
		}
		if self, _ := os.Executable(); exe != self {
			continue
		}
		env := map[string]string{}
		for _, v := range strings.Split(string(text), "\x00") {
			name, value, _ := strings.Cut(v, "=")
			env[name] = value
		}
		r := env["RANK"]
		if r == "" && env["SLURM_STEP_NUM_TASKS"] == "2" {
			r = env["SLURM_PROCID"]
		}
		if r == "0" || r == "1" {
			pids[r[0]-'0'] = append(pids[r[0]-'0'], pid)
		}
	}
	return pids
}

// trained is what a run left: the hash of the arrays of both checkpoints, of the
// metrics and the predictions. Empty: it has not ended well.
func trained(t *testing.T, run string) string {
	t.Helper()
	h := sha256.New()
	for _, name := range []string{train.LastFile, train.BestFile} {
		f, err := safetensors.ReadFile(filepath.Join(run, name))
		if errors.Is(err, fs.ErrNotExist) {
			return ""
		} else if err != nil {
			t.Fatal(err)
		}
		for _, k := range slices.Sorted(maps.Keys(f.Arrays)) {
			fmt.Fprintf(h, "%s %v\n", k, f.Arrays[k].Shape)
			h.Write(f.Arrays[k].Data)
		}
	}
	for _, name := range []string{"metrics.csv", "predictions.csv"} {
		text, err := os.ReadFile(filepath.Join(run, name))
		if errors.Is(err, fs.ErrNotExist) {
			return ""
		} else if err != nil {
			t.Fatal(err)
		}
		h.Write(text)
	}
	return fmt.Sprintf("%x", h.Sum(nil))[:16]
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
