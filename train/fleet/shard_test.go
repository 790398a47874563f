package fleet

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
)

func TestShardOf(t *testing.T) {
	array := func(task, count, low, high, step string) map[string]string {
		return map[string]string{slurmTask: task, slurmCount: count, slurmMin: low, slurmMax: high, slurmStep: step, "SLURM_PROCID": "0"}
	}
	for _, c := range []struct {
		name string
		flag string
		env  map[string]string
		want Shard
		err  string // part of the message
	}{
		{name: "alone", want: Whole},
		{name: "flag", flag: "2/7", want: Shard{2, 7}},
		{name: "flag beats array", flag: "0/2", env: array("3", "4", "0", "3", "1"), want: Shard{0, 2}},
		{name: "beyond", flag: "5/4", err: "no shard 5 of 4"},
		{name: "counted from one", flag: "4/4", err: "counted from 0"},
		{name: "negative", flag: "-1/4", err: "no shard -1"},
		{name: "none", flag: "0/0", err: "1 or more"},
		{name: "words", flag: "first", err: "no shard"},
		{name: "array", env: array("3", "4", "0", "3", "1"), want: Shard{3, 4}},
		{name: "array from 1", env: array("4", "4", "1", "4", "1"), want: Shard{3, 4}},
		{name: "array in steps", env: array("20", "3", "0", "20", "10"), want: Shard{2, 3}},
		{name: "array with gaps", env: array("5", "2", "3", "5", "1"), err: "gaps"},
		{name: "half an array", env: map[string]string{slurmTask: "1"}, err: slurmCount},
		{name: "job within a step", env: map[string]string{"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, want: Whole},
		{name: "step", env: map[string]string{stepTasks: "4", stepTask: "2"}, want: Shard{2, 4}},
		{name: "step of one", env: map[string]string{stepTasks: "1", stepTask: "0"}, want: Whole},
		{name: "step without a place", env: map[string]string{stepTasks: "4"}, err: stepTask},
		{name: "step beyond", env: map[string]string{stepTasks: "4", stepTask: "4"}, err: "no shard 4 of 4"},
		{name: "step of an array", env: map[string]string{slurmTask: "1", slurmCount: "3", slurmMin: "0", slurmMax: "2", slurmStep: "1", stepTasks: "2", stepTask: "1"}, want: Shard{3, 6}},
		{name: "pod", flag: "auto/5", env: map[string]string{kubeIndex: "4"}, want: Shard{4, 5}},
		{name: "pod of unknown many", env: map[string]string{kubeIndex: "4"}, err: "auto/N"},
		{name: "pod beyond", flag: "auto/3", env: map[string]string{kubeIndex: "4"}, err: "no shard 4 of 3"},
		{name: "no engine", flag: "auto", err: "neither"},
		{name: "auto array", flag: "auto", env: array("3", "4", "0", "3", "1"), want: Shard{3, 4}},
		{name: "another array", flag: "auto/5", env: array("3", "4", "0", "3", "1"), err: "5 shards, and Slurm began 4"},
		{name: "auto of none", flag: "auto/0", err: "no shard"},
		{name: "no number", env: map[string]string{kubeIndex: "x"}, flag: "auto/2", err: "no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ShardOf(c.flag, func(k string) string { return c.env[k] })
			switch {
			case c.err == "" && (err != nil || got != c.want):
				t.Errorf("%v, %v; want %v", got, err, c.want)
			case c.err != "" && (err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.err)):
				t.Errorf("%v; want an input error with %q", err, c.err)
			}
		})
	}
}

// Every piece of work is exactly one shard's, whatever their number.
func TestEveryPieceOnce(t *testing.T) {
	for n := 1; n < 9; n++ {
		for piece := range 50 {
			owners := 0
			for i := range n {
				if (Shard{i, n}).Has(piece) {
					owners++
				}
			}
			if owners != 1 {
				t.Fatalf("piece %d has %d owners among %d", piece, owners, n)
			}
		}
	}
}

// A study in an array of tasks is whole unless it is asked to be a part.
func TestStudyShard(t *testing.T) {
	env := func(k string) string {
		return map[string]string{slurmTask: "1", slurmCount: "2", slurmMin: "0", slurmMax: "1", slurmStep: "1"}[k]
	}
	for flag, want := range map[string]Shard{"": Whole, "auto": {1, 2}, "0/3": {0, 3}} {
		if got, err := StudyShard(flag, env); err != nil || got != want {
			t.Errorf("%q: %v, %v; want %v", flag, got, err, want)
		}
	}
}
