package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"opencarbon/train/atomicfile"
)

// writer is the environment variable that makes this test binary a command that
// writes a big file, at the path it holds, over and over.
const writer = "OPENCARBON_TEST_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writer); path != "" {
		Main(&cobra.Command{Use: "write", RunE: func(cmd *cobra.Command, _ []string) error {
			for n := byte(1); ; n++ {
				err := atomicfile.Write(path, func(w io.Writer) error { return content(w, n) })
				if err == nil {
					err = cmd.Context().Err()
				}
				if err != nil {
					return err
				}
			}
		}})
	}
	os.Exit(m.Run())
}

// content is 8 MB that tell by their first byte what all of them are, written so
// slowly that a signal comes in between.
func content(w io.Writer, n byte) error {
	part := bytes.Repeat([]byte{n}, 1<<18)
	for range 32 {
		if _, err := w.Write(part); err != nil {
			return err
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// Whatever signals come, and how often, while a big file is written, the file is
// whole, the one before or the new one; nothing else is left.
func TestSignalsWhileWriting(t *testing.T) {
	for turn, signals := range [][]os.Signal{{syscall.SIGINT}, {syscall.SIGTERM}, {os.Interrupt, os.Interrupt}, {syscall.SIGTERM, syscall.SIGTERM},
		{syscall.SIGINT, syscall.SIGTERM}, {syscall.SIGHUP, syscall.SIGHUP}, {syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM}} {
		t.Run(fmt.Sprint(turn), func(t *testing.T) {
			if slices.Contains(signals, os.Signal(syscall.SIGHUP)) && signal.Ignored(syscall.SIGHUP) {
				t.Skip("SIGHUP is ignored here (nohup), as a command leaves it")
			}
			dir := t.TempDir()
			path := filepath.Join(dir, "big.bin")
			if err := atomicfile.Write(path, func(w io.Writer) error { return content(w, 0) }); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), writer+"="+path)
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) { // until one is being written
				if left, _ := filepath.Glob(filepath.Join(dir, ".*.tmp")); len(left) > 0 || time.Now().After(deadline) {
					break
				}
			}
			for _, s := range signals {
				if err := cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
					t.Fatal(err)
				}
				time.Sleep(2 * time.Millisecond)
			}
			hangs := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			hangs.Stop()
			if code := cmd.ProcessState.ExitCode(); code != ExitInterrupted {
				t.Errorf("exit code %d", code)
			}
			b, err := os.ReadFile(path)
			if err != nil || len(b) != 32<<18 || !bytes.Equal(b, bytes.Repeat(b[:1], len(b))) {
				t.Errorf("the file has %d bytes, %v", len(b), err)
			}
			entries, _ := os.ReadDir(dir)
			if len(entries) != 1 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}
