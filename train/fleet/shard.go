// Package fleet says which part of a work that many processes share is this
// process's, as Slurm, Kubernetes or the command line tell it. It knows no
// networks, no tensors and no rasters.
package fleet

import (
	"fmt"
	"slices"
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
	stepTasks  = "SLURM_STEP_NUM_TASKS" // processes that one srun began; SLURM_NTASKS says what a job asked for
	stepTask   = "SLURM_PROCID"
	kubeIndex  = "JOB_COMPLETION_INDEX"
)

// ShardOf is this process's shard. flag goes first: "i/n", or "auto" for what an
// engine says, which an empty flag asks for too, where it may be the whole work:
// the task of a Slurm array, of a step of several processes (srun -n), or of both;
// or the pod of a Kubernetes Indexed Job, of which "auto/n" says how many there are,
// since Kubernetes does not. What does not fit
// together is a *fault.Input error: one process in silence would do the work of all.
func ShardOf(flag string, getenv func(string) string) (Shard, error) {
	left, right, _ := strings.Cut(flag, "/")
	if flag != "" && left != auto {
		return parse(flag)
	}
	n := 0
	if right != "" {
		var err error
		if n, err = strconv.Atoi(right); err != nil || n < 1 {
			return Shard{}, fault.New("--shard", fmt.Sprintf("%q is no shard", flag), "Write auto, or auto/n where an engine says i but not n.")
		}
	}
	switch {
	case getenv(slurmTask) != "" || !slices.Contains([]string{"", "1"}, getenv(stepTasks)):
		return slurm(n, getenv)
	case getenv(kubeIndex) != "":
		i, err := number(kubeIndex, getenv)
		if err != nil {
			return Shard{}, err
		}
		if n == 0 {
			return Shard{}, fault.New(kubeIndex, "says that this is a pod of an Indexed Job, but not of how many", "Give --shard auto/N, with the job's completions.")
		}
		return of(kubeIndex, i, n)
	case flag != "":
		return Shard{}, fault.New("--shard", flag+" asks an engine, and this is neither a task of a Slurm array or step nor a pod of an Indexed Job", "Give --shard i/n.")
	}
	return Whole, nil
}

// StudyShard is ShardOf for a study, which an array of tasks may well make several
// of: without the flag it is the whole study, whatever the engine says.
func StudyShard(flag string, getenv func(string) string) (Shard, error) {
	if flag == "" {
		return Whole, nil
	}
	return ShardOf(flag, getenv)
}

const auto = "auto"

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

// slurm is the shard of a task: of an array, of a step, or of a step of one of an
// array's tasks.
func slurm(n int, getenv func(string) string) (s Shard, err error) {
	s = Whole
	if getenv(slurmTask) != "" {
		if s, err = array(getenv); err != nil {
			return s, err
		}
	}
	if getenv(stepTasks) != "" {
		tasks, err := number(stepTasks, getenv)
		if err != nil {
			return s, err
		}
		task, err := number(stepTask, getenv)
		if err != nil {
			return s, err
		}
		if _, err := of(stepTask, task, tasks); err != nil {
			return s, err
		}
		s = Shard{s.I*tasks + task, s.N * tasks}
	}
	if n > 0 && n != s.N {
		return Shard{}, fault.New("--shard", fmt.Sprintf("says %d shards, and Slurm began %d tasks", n, s.N), "Give --shard auto.")
	}
	return s, nil
}

// array is the shard of an array's task. Indices may begin anywhere and go in
// steps; a list with gaps has no order that tasks of another list would share.
func array(getenv func(string) string) (Shard, error) {
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
