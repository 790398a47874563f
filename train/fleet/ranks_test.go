package fleet_test

import (
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/fleet"
)

func TestRanks(t *testing.T) {
	fleet.FirstHost = func(list string) (string, error) { return "first-of-" + list, nil }
	for name, c := range map[string]struct {
		env  string
		want fleet.Rank
		bad  string // part of the error
	}{
		"nothing":  {"", fleet.Rank{World: 1}, ""},
		"torchrun": {"RANK=1 WORLD_SIZE=4 LOCAL_RANK=1 LOCAL_WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=29500 TORCHELASTIC_RESTART_COUNT=2", fleet.Rank{Rank: 1, World: 4, Local: 1, LocalWorld: 2, Addr: "a", Port: 29500, Restart: 2, Launcher: "torchrun"}, ""},
		"the launcher's own store": {"RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=29500 TORCHELASTIC_USE_AGENT_STORE=True",
			fleet.Rank{World: 2, Addr: "a", Port: 29501, Launcher: "torchrun"}, ""},
		"torchrun of one": {"RANK=0 WORLD_SIZE=1", fleet.Rank{World: 1, Launcher: "torchrun"}, ""},
		"srun": {"SLURM_PROCID=1 SLURM_NTASKS=2 SLURM_STEP_NUM_TASKS=2 SLURM_LOCALID=0 SLURM_JOB_ID=40007 SLURM_STEP_ID=0 SLURM_STEP_NODELIST=n[1-2] SLURM_RESTART_COUNT=1",
			fleet.Rank{Rank: 1, World: 2, Addr: "first-of-n[1-2]", Port: 20007, Restart: 1, Launcher: "srun"}, ""},
		"srun on one node": {"SLURM_PROCID=1 SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NUM_NODES=1 SLURM_LOCALID=1 SLURM_JOB_ID=5 SLURM_STEP_NODELIST=made-up",
			fleet.Rank{Rank: 1, World: 2, Local: 1, LocalWorld: 2, Addr: "127.0.0.1", Port: 20005, Launcher: "srun"}, ""},
		"a batch script":      {"SLURM_PROCID=0 SLURM_NTASKS=2 SLURM_JOB_ID=7", fleet.Rank{World: 1}, ""},
		"an array's task":     {"SLURM_PROCID=0 SLURM_NTASKS=1 SLURM_ARRAY_TASK_ID=3 SLURM_STEP_NUM_TASKS=1", fleet.Rank{World: 1}, ""},
		"torchrun below srun": {"RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=5 SLURM_STEP_NUM_TASKS=9 SLURM_PROCID=8", fleet.Rank{World: 2, Addr: "a", Port: 5, Launcher: "torchrun"}, ""},
		"mpirun":              {"OMPI_COMM_WORLD_RANK=2 OMPI_COMM_WORLD_SIZE=3 OMPI_COMM_WORLD_LOCAL_RANK=2 OMPI_COMM_WORLD_LOCAL_SIZE=3 MASTER_ADDR=h MASTER_PORT=9", fleet.Rank{Rank: 2, World: 3, Local: 2, LocalWorld: 3, Addr: "h", Port: 9, Launcher: "mpirun"}, ""},
		"mpich":               {"PMI_RANK=1 PMI_SIZE=2 MASTER_ADDR=h MASTER_PORT=9", fleet.Rank{Rank: 1, World: 2, Addr: "h", Port: 9, Launcher: "mpirun"}, ""},
		"no WORLD_SIZE":       {"RANK=0", fleet.Rank{}, "WORLD_SIZE"},
		"no RANK":             {"WORLD_SIZE=2", fleet.Rank{}, "RANK"},
		"beyond":              {"RANK=2 WORLD_SIZE=2", fleet.Rank{}, "rank 2 of 2"},
		"no number":           {"RANK=x WORLD_SIZE=2", fleet.Rank{}, "RANK"},
		"negative":            {"RANK=-1 WORLD_SIZE=2", fleet.Rank{}, "RANK"},
		"no master":           {"RANK=0 WORLD_SIZE=2", fleet.Rank{}, "MASTER_ADDR"},
		"port":                {"RANK=0 WORLD_SIZE=2 MASTER_ADDR=a MASTER_PORT=70000", fleet.Rank{}, "70000"},
	} {
		env := map[string]string{}
		for _, s := range strings.Fields(c.env) {
			k, v, _ := strings.Cut(s, "=")
			env[k] = v
		}
		got, err := fleet.Ranks(func(k string) string { return env[k] })
		switch {
		case c.bad != "":
			if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), c.bad) {
				t.Errorf("%s: %v", name, err)
			}
		case err != nil || got != c.want:
			t.Errorf("%s: got %+v, %v; want %+v", name, got, err, c.want)
		}
	}
}
