package pth

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestPython lets PyTorch itself read what we write, with weights_only, and its
// Adam take over the optimizer's state. It skips where no Python with PyTorch is
// found; OPENCARBON_PYTHON names another interpreter than Debian's.
func TestPython(t *testing.T) {
	python := os.Getenv("OPENCARBON_PYTHON")
	if python == "" {
		python = "/usr/bin/python3"
	}
	if testing.Short() || exec.Command(python, "-c", "import torch").Run() != nil {
		t.Skipf("%s has no PyTorch", python)
	}
	args := []string{"testdata/load.py"}
	var trees []any
	for _, name := range []string{"adam_stream.pth", "views_stream.pth", "dtypes_zip.pth", "plain_zip.pth", "old_tar.pth"} {
		f, err := ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		root := f.Root
		if name == "adam_stream.pth" {
			names, arrays, err := StateDict(f)
			if err != nil {
				t.Fatal(err)
			}
			opt, err := OptimizerState(f)
			if err != nil {
				t.Fatal(err)
			}
			if root, err = Checkpoint(names, arrays, opt); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(t.TempDir(), name)
		if err := writeFile(path, root); err != nil {
			t.Fatal(err)
		}
		args, trees = append(args, path), append(trees, root)
	}
	text, err := exec.Command(python, args...).Output()
	if err != nil {
		t.Fatalf("PyTorch cannot read them: %v\n%s", err, stderr(err))
	}
	var want []map[string]any
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for i, root := range trees {
		got := map[string]any{}
		flatten(root, "", got)
		if fmt.Sprint(got) != fmt.Sprint(want[i]) {
			t.Errorf("%s: we wrote\n%v\nPyTorch reads\n%v", args[i+1], got, want[i])
		}
	}
}

func stderr(err error) []byte {
	if e, ok := err.(*exec.ExitError); ok {
		return e.Stderr
	}
	return nil
}
