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
		n    int
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
		{name: "two numbers", flag: "0/2", n: 3, err: "two numbers"},
		{name: "array", env: array("3", "4", "0", "3", "1"), want: Shard{3, 4}},
		{name: "array from 1", env: array("4", "4", "1", "4", "1"), want: Shard{3, 4}},
		{name: "array in steps", env: array("20", "3", "0", "20", "10"), want: Shard{2, 3}},
		{name: "array with gaps", env: array("5", "2", "3", "5", "1"), err: "gaps"},
		{name: "half an array", env: map[string]string{slurmTask: "1"}, err: slurmCount},
		{name: "job within a step", env: map[string]string{"SLURM_PROCID": "0", "SLURM_NTASKS": "2"}, want: Whole},
		{name: "pod", n: 5, env: map[string]string{kubeIndex: "4"}, want: Shard{4, 5}},
		{name: "pod of unknown many", env: map[string]string{kubeIndex: "4"}, err: "--shards N"},
		{name: "pod beyond", n: 3, env: map[string]string{kubeIndex: "4"}, err: "no shard 4 of 3"},
		{name: "many and none", n: 3, err: "which of them"},
		{name: "no number", env: map[string]string{kubeIndex: "x"}, n: 2, err: "no number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ShardOf(c.flag, c.n, func(k string) string { return c.env[k] })
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
