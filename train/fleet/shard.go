// Package fleet says which part of a work that many processes share is this
// process's, as Slurm, Kubernetes or the command line tell it. It knows no
// networks, no tensors and no rasters.
package fleet

import (
	"fmt"
	"strconv"
	"strings"

	"opencarbon/data/fault"
)

// Shard is the I-th of N parts of a list of independent pieces of work, counted
// from 0.
type Shard struct{ I, N int }

// Whole is the shard of a process that works alone.
var Whole = Shard{0, 1}

// Has says whether the piece of that number is the shard's: they are dealt like
// cards.
func (s Shard) Has(piece int) bool { return piece%s.N == s.I }

// String writes a shard as "i/n".
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.I, s.N) }

// Environment that engines set.
const (
	slurmTask  = "SLURM_ARRAY_TASK_ID"
	slurmCount = "SLURM_ARRAY_TASK_COUNT"
	slurmMin   = "SLURM_ARRAY_TASK_MIN"
	slurmMax   = "SLURM_ARRAY_TASK_MAX"
	slurmStep  = "SLURM_ARRAY_TASK_STEP"
	kubeIndex  = "JOB_COMPLETION_INDEX"
)

// ShardOf is this process's shard. flag, "i/n", goes first where it is not empty.
// Else it is the task of a Slurm array, or the pod of a Kubernetes Indexed Job of
// which n says how many there are, since Kubernetes does not; else the whole work.
// A set of variables that does not fit together is a *fault.Input error: one
// process in silence would do the work of all.
func ShardOf(flag string, n int, getenv func(string) string) (Shard, error) {
	switch {
	case n < 0:
		return Shard{}, fault.New("--shards", fmt.Sprintf("is %d", n), "Say how many workers share the work.")
	case flag != "":
		s, err := parse(flag)
		if err == nil && n > 0 && n != s.N {
			err = fault.New("--shard, --shards", fmt.Sprintf("--shard %s and --shards %d say two numbers of workers", flag, n), "Leave --shards away.")
		}
		return s, err
	case getenv(slurmTask) != "":
		return slurm(n, getenv)
	case getenv(kubeIndex) != "":
		i, err := number(kubeIndex, getenv)
		if err != nil {
			return Shard{}, err
		}
		if n == 0 {
			return Shard{}, fault.New(kubeIndex, "says that this is a pod of an Indexed Job, but not of how many", "Give --shards N, the job's completions.")
		}
		return of(kubeIndex, i, n)
	case n > 1:
		return Shard{}, fault.New("--shards", fmt.Sprintf("says that %d workers share the work, and nothing says which of them this is", n),
			"Give --shard i/n, or run it as a Slurm array or an Indexed Job.")
	}
	return Whole, nil
}

// parse reads "i/n".
func parse(flag string) (Shard, error) {
	left, right, ok := strings.Cut(flag, "/")
	i, err1 := strconv.Atoi(left)
	n, err2 := strconv.Atoi(right)
	if !ok || err1 != nil || err2 != nil {
		return Shard{}, fault.New("--shard", fmt.Sprintf("%q is no shard", flag), "Write i/n, for example 0/4, 1/4, 2/4 and 3/4 of four workers.")
	}
	return of("--shard", i, n)
}

func of(where string, i, n int) (Shard, error) {
	if n < 1 || i < 0 || i >= n {
		what := fmt.Sprintf("there is no shard %d of %d", i, n)
		if n < 1 {
			return Shard{}, fault.New(where, what, "The number of shards is 1 or more.")
		}
		return Shard{}, fault.New(where, what, fmt.Sprintf("Shards are counted from 0: of %d they are 0/%d to %d/%d.", n, n, n-1, n))
	}
	return Shard{i, n}, nil
}

// slurm is the shard of an array's task. Indices may begin anywhere and go in
// steps; a list with gaps has no order that tasks of another list would share.
func slurm(n int, getenv func(string) string) (Shard, error) {
	var v [5]int
	for i, name := range []string{slurmTask, slurmCount, slurmMin, slurmMax, slurmStep} {
		var err error
		if v[i], err = number(name, getenv); err != nil {
			return Shard{}, err
		}
	}
	task, count, low, high, step := v[0], v[1], v[2], v[3], max(v[4], 1)
	if (high-low)/step+1 != count || (task-low)%step != 0 {
		return Shard{}, fault.New(slurmTask, fmt.Sprintf("the array's %d indices from %d to %d have gaps", count, low, high),
			"Use --array=0-N without gaps (what is done already is passed over), or give --shard i/n.")
	}
	if n > 0 && n != count {
		return Shard{}, fault.New("--shards", fmt.Sprintf("is %d, and the Slurm array has %d tasks", n, count), "Leave --shards away.")
	}
	return of(slurmTask, (task-low)/step, count)
}

func number(name string, getenv func(string) string) (int, error) {
	text := getenv(name)
	v, err := strconv.Atoi(text)
	if err != nil && text == "" {
		return 0, fault.New(name, "is not set, though other variables of its engine are", "Give --shard i/n.")
	}
	if err != nil {
		return 0, fault.New(name, fmt.Sprintf("is %q, no number", text), "Give --shard i/n.")
	}
	return v, nil
}
