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

// What a real Slurm tells the tasks of an array gives each of them a shard of its
// own, wherever its indices begin, and a task that is begun again the same one.
func TestSlurmArray(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "sinfo", "--noheader", "--states=idle,mixed").CombinedOutput(); err != nil || len(strings.TrimSpace(string(out))) == 0 {
		t.Skipf("no Slurm with a free node answers here (sinfo: %v): apt-get install slurm-wlm munge, and start slurmctld and slurmd", err)
	}
	for _, array := range []string{"0-2", "4-12:4"} {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o777); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(ctx, "sbatch", "--wait", "--array="+array, "--output=/dev/null", "--chdir="+dir,
			"--wrap", "env | grep ^SLURM_ > env.$SLURM_ARRAY_TASK_ID.$SLURM_RESTART_COUNT")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("sbatch --array=%s: %v\n%s", array, err, out)
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
		if want := []string{"0/3", "1/3", "2/3"}; !slices.Equal(got, want) {
			t.Errorf("--array=%s: the tasks are %v, want %v", array, got, want)
		}
	}
}
