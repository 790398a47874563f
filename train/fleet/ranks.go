package fleet

import (
	"fmt"
	"os/exec"
	"strconv"
	"strings"

	"opencarbon/data/fault"
)

// Rank says which of a run's processes this one is, and where they meet.
type Rank struct {
	Rank, World int    // 0 <= Rank < World; World 1: alone
	Local       int    // among those of this machine
	LocalWorld  int    // how many there are on this machine; 0: the launcher does not say
	Addr        string // host of rank 0
	Port        int    // where rank 0 keeps the store
	Restart     int    // how often the launcher has begun anew
	Launcher    string // torchrun, srun, mpirun; empty: none
}

// Alone reports whether there is one process.
func (r Rank) Alone() bool { return r.World <= 1 }

// FirstHost names the first host of a Slurm node list, e.g. gpu[03-07,9].
var FirstHost = func(list string) (string, error) {
	if !strings.ContainsAny(list, "[,") {
		return list, nil
	}
	out, err := exec.Command("scontrol", "show", "hostnames", list).Output()
	if err != nil {
		return "", fault.Wrap(err, "SLURM_STEP_NODELIST", "cannot be read with scontrol show hostnames", "Set MASTER_ADDR to the first host.")
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(first), nil
}

// Ranks reads what torchrun (and PyTorchJob), srun or mpirun tell a process. Of a
// partial or impossible set it makes a *fault.Input error, never one process in
// silence, whose copies would all train the same. A Slurm batch script and array
// tasks are one process each: only a step of srun has ranks.
func Ranks(getenv func(string) string) (Rank, error) {
	e := reader{getenv: getenv}
	r := Rank{World: 1}
	switch {
	case e.any("RANK", "WORLD_SIZE"):
		r = Rank{Launcher: "torchrun", Rank: e.number("RANK", -1), World: e.number("WORLD_SIZE", -1), Local: e.number("LOCAL_RANK", 0),
			LocalWorld: e.number("LOCAL_WORLD_SIZE", 0), Restart: e.number("TORCHELASTIC_RESTART_COUNT", 0)}
	case e.any("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"):
		r = Rank{Launcher: "mpirun", Rank: e.number("OMPI_COMM_WORLD_RANK", -1), World: e.number("OMPI_COMM_WORLD_SIZE", -1),
			Local: e.number("OMPI_COMM_WORLD_LOCAL_RANK", 0), LocalWorld: e.number("OMPI_COMM_WORLD_LOCAL_SIZE", 0)}
	case e.number("SLURM_STEP_NUM_TASKS", 1) > 1:
		r = Rank{Launcher: "srun", Rank: e.number("SLURM_PROCID", -1), World: e.number("SLURM_STEP_NUM_TASKS", -1),
			Local: e.number("SLURM_LOCALID", 0), Restart: e.number("SLURM_RESTART_COUNT", 0)}
	case e.any("PMI_RANK", "PMI_SIZE") && e.number("PMI_SIZE", -1) != 1:
		r = Rank{Launcher: "mpirun", Rank: e.number("PMI_RANK", -1), World: e.number("PMI_SIZE", -1), Local: e.number("MPI_LOCALRANKID", 0),
			LocalWorld: e.number("MPI_LOCALNRANKS", 0)}
	}
	if e.err != nil {
		return r, e.err
	}
	if r.World < 1 || r.Rank < 0 || r.Rank >= r.World {
		return r, fault.New("the launcher's environment", fmt.Sprintf("says rank %d of %d processes", r.Rank, r.World), "Ranks run from 0 to one less than the number of processes.")
	}
	if r.Alone() {
		return r, nil
	}
	r.Addr = getenv("MASTER_ADDR")
	switch {
	case r.Addr != "" || r.Launcher != "srun":
	case e.number("SLURM_STEP_NUM_NODES", 0) == 1:
		r.Addr = "127.0.0.1" // whatever the node's name means to a resolver
		r.LocalWorld = r.World
	default:
		list := getenv("SLURM_STEP_NODELIST")
		if list == "" {
			list = getenv("SLURM_JOB_NODELIST")
		}
		var err error
		if r.Addr, err = FirstHost(list); err != nil {
			return r, err
		}
	}
	port := 0
	if r.Launcher == "srun" { // steps of a job may run side by side
		port = 20000 + (e.number("SLURM_JOB_ID", 0)+7919*e.number("SLURM_STEP_ID", 0))%20000
	}
	r.Port = e.number("MASTER_PORT", port)
	if e.err != nil {
		return r, e.err
	}
	if r.Addr == "" || r.Port < 1 || r.Port > 65534 {
		return r, fault.New("MASTER_ADDR and MASTER_PORT", fmt.Sprintf("are %q and %d: the processes would not find each other", getenv("MASTER_ADDR"), r.Port),
			"Set them, the same for all, to a host name of rank 0 and a free port there.")
	}
	if getenv("TORCHELASTIC_USE_AGENT_STORE") == "True" {
		r.Port++ // at MASTER_PORT is the launcher's own store, which may speak another libtorch's protocol
	}
	return r, nil
}

type reader struct {
	getenv func(string) string
	err    error
}

func (e *reader) any(names ...string) bool {
	for _, n := range names {
		if e.getenv(n) != "" {
			return true
		}
	}
	return false
}

// number is a variable's, or what holds where it is not set: below 0 says that it
// must be.
func (e *reader) number(name string, unset int) int {
	text := e.getenv(name)
	if text == "" {
		if unset < 0 && e.err == nil {
			e.err = fault.New(name, "is not set, though the launcher's other variables are", "Start all processes with torchrun, srun or mpirun, or set the whole set.")
		}
		return unset
	}
	v, err := strconv.Atoi(text)
	if (err != nil || v < 0) && e.err == nil {
		e.err = fault.New(name, fmt.Sprintf("is %q, no number", text), "It comes from the launcher: torchrun, srun or mpirun.")
	}
	return v
}
