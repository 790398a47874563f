package fleet

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// What a real Slurm tells the tasks of an array, of a step and of a step in an array
// gives each of them a shard of its own, wherever indices begin.
func TestSlurmArray(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "sinfo", "--noheader", "--states=idle,mixed").CombinedOutput(); err != nil || len(strings.TrimSpace(string(out))) == 0 {
		t.Skipf("no Slurm with a free node answers here (sinfo: %v): apt-get install slurm-wlm munge, and start slurmctld and slurmd", err)
	}
	for _, c := range []struct{ array, run, want string }{
		{"0-2", "", "0/3 1/3 2/3"},
		{"4-12:4", "", "0/3 1/3 2/3"},
		{"0", "srun -n 2 ", "0/2 1/2"},
		{"0-1", "srun -n 2 ", "0/4 1/4 2/4 3/4"},
	} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, "sbatch", "--wait", "--ntasks=2", "--array="+c.array, "--output=/dev/null", "--chdir="+dir,
			"--wrap", c.run+`sh -c "env | grep ^SLURM_ > env.\$SLURM_ARRAY_TASK_ID.\$SLURM_PROCID"`)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("sbatch --array=%s: %v\n%s", c.array, err, out)
		}
		files, err := filepath.Glob(filepath.Join(dir, "env.*"))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			text, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			env := map[string]string{}
			for line := range strings.Lines(string(text)) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
				env[name] = value
			}
			s, err := ShardOf("", func(name string) string { return env[name] })
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, fmt.Sprint(s))
		}
		slices.Sort(got)
		if strings.Join(got, " ") != c.want {
			t.Errorf("--array=%s, %s: the tasks are %v, want %s", c.array, c.run, got, c.want)
		}
	}
}
