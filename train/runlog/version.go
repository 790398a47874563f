package runlog

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// version names the program: the commit that the build recorded, or, since "go
// run" and "go test" record none, the one that git finds in the folder this file
// was compiled from. "+changes" stands behind a tree that differed from it.
func version() string {
	b, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v, changes, recorded := b.Main.Version, "", false
	for _, s := range b.Settings {
		switch {
		case s.Key == "vcs.revision" && s.Value != "":
			v, recorded = s.Value, true
		case s.Key == "vcs.modified" && s.Value == "true":
			changes = "+changes"
		}
	}
	if v == "" {
		v = "(devel)"
	}
	if !recorded && v == "(devel)" { // a released version names its source itself
		if _, file, _, ok := runtime.Caller(0); ok {
			if c := commit(filepath.Dir(file)); c != "" {
				return c
			}
		}
	}
	return v + changes
}

// commit asks git for the commit of the source in dir; "" where there is no git,
// no repository or no such folder (a program built elsewhere, or with -trimpath).
func commit(dir string) string {
	if !filepath.IsAbs(dir) {
		return ""
	}
	git := func(arguments ...string) (string, bool) {
		ctx, stop := context.WithTimeout(context.Background(), 5*time.Second)
		defer stop()
		c := exec.CommandContext(ctx, "git", append([]string{"-C", dir}, arguments...)...)
		for _, v := range os.Environ() { // GIT_DIR and the like are about another repository
			if !strings.HasPrefix(v, "GIT_") {
				c.Env = append(c.Env, v)
			}
		}
		out, err := c.Output()
		return strings.TrimSpace(string(out)), err == nil
	}
	// A dependency's folder can lie inside somebody's unrelated repository: git must know this very file.
	if _, ok := git("ls-files", "--error-unmatch", "version.go"); !ok {
		return ""
	}
	head, ok := git("rev-parse", "HEAD")
	if !ok {
		return ""
	}
	if changed, ok := git("status", "--porcelain"); !ok || changed != "" {
		head += "+changes"
	}
	return head
}
