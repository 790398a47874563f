// Package pages holds the project's pages against the project: files that they
// link to are there, commands that they show exist and know their flags.
package pages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const top = "../../.."

// pages are the Markdown files of the project.
func pages(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	if err := filepath.WalkDir(top, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != top && (strings.HasPrefix(d.Name(), ".") || d.Name() == "build" || d.Name() == "runs" || d.Name() == "stores") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) == ".md" && !d.IsDir() {
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			out[path] = string(text)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(out) < 8 {
		t.Fatalf("only %d pages were found", len(out))
	}
	return out
}

var link = regexp.MustCompile(`\]\(([^)#]+)(#[^)]*)?\)`)

func TestLinks(t *testing.T) {
	n := 0
	for page, text := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s links to %s: %v", page, m[1], err)
			}
		}
	}
	if n < 15 {
		t.Errorf("only %d links were looked at", n)
	}
}

var (
	command = regexp.MustCompile(`go run \./cmd/([a-z]+)([^\n` + "`" + `#&|]*)`)
	flag    = regexp.MustCompile(`--[a-z][a-z-]*`)
)

// Every command that a page shows is there, and its help tells of every flag that
// the page gives it. The commands are built once.
func TestCommands(t *testing.T) {
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin+"/", "./cmd/...")
	build.Dir = top
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	help := map[string]string{}
	shown := 0
	for page, text := range pages(t) {
		text = strings.ReplaceAll(text, "\\\n", " ")
		for _, m := range command.FindAllStringSubmatch(text, -1) {
			name := m[1]
			if help[name] == "" {
				out, err := exec.Command(filepath.Join(bin, name), "--help").CombinedOutput()
				if err != nil {
					t.Errorf("%s shows cmd/%s: %v\n%s", page, name, err, out)
					continue
				}
				help[name] = string(out)
			}
			shown++
			for _, f := range flag.FindAllString(m[2], -1) {
				if !regexp.MustCompile(regexp.QuoteMeta(f) + `\b`).MatchString(help[name]) {
					t.Errorf("%s: cmd/%s has no flag %s", page, name, f)
				}
			}
		}
	}
	if shown < 25 {
		t.Errorf("only %d commands were found", shown)
	}
}

// The page to begin with stays one that is read.
func TestReadmeIsShort(t *testing.T) {
	st, err := os.Stat(filepath.Join(top, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if st.Size() > 9<<10 {
		t.Errorf("README.md has %d bytes; 9 KB are read, the rest belongs into the rooms", st.Size())
	}
}

var key = regexp.MustCompile("`((?:data|model|train|output)\\.[a-z_.]+[a-z])`|--set ((?:data|model|train|output)\\.[a-z_.]+)=")

// Keys that pages name are in the reference.
func TestKeys(t *testing.T) {
	reference, err := os.ReadFile(filepath.Join(top, "train/config/REFERENCE.md"))
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for page, text := range pages(t) {
		if strings.HasSuffix(page, "REFERENCE.md") {
			continue
		}
		for _, m := range key.FindAllStringSubmatch(text, -1) {
			name := m[1] + m[2]
			n++
			if !strings.Contains(string(reference), "`"+name) && !strings.Contains(string(reference), name) {
				t.Errorf("%s names the key %s, which the reference does not know", page, name)
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d keys were found", n)
	}
}
