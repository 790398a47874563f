package cli

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	"github.com/spf13/cobra"
)

// Every signal that asks a program to end cancels the command in good order.
func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		if signal.Ignored(s) {
			continue // under nohup
		}
		code := Run(&cobra.Command{Use: "x", RunE: func(cmd *cobra.Command, _ []string) error {
			if err := syscall.Kill(os.Getpid(), s); err != nil {
				return err
			}
			<-cmd.Context().Done()
			return cmd.Context().Err()
		}}, nil)
		if code != ExitInterrupted {
			t.Errorf("%v: exit code %d", s, code)
		}
	}
}

// A command whose words do not reach their place has failed.
func TestFullOutput(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("this system has no /dev/full")
	}
	defer full.Close()
	for _, test := range []struct {
		to   io.Writer
		want int
	}{{full, ExitFailure}, {io.Discard, ExitOK}} {
		cmd := &cobra.Command{Use: "x", Run: func(cmd *cobra.Command, _ []string) { fmt.Fprintln(cmd.OutOrStdout(), "done") }}
		cmd.SetOut(test.to)
		if code := Run(cmd, nil); code != test.want {
			t.Errorf("exit code %d, want %d", code, test.want)
		}
	}
}

// What a name holds does not steer the terminal, and a character may come in two
// pieces.
func TestOutputIsPlain(t *testing.T) {
	var b strings.Builder
	o := &output{to: &b}
	for _, s := range []string{"caf\xc3", "\xa9 \x1b[2J\n", "餐\t饮\x07"} {
		if n, err := o.Write([]byte(s)); n != len(s) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := "café \\x1b[2J\n餐\t饮\\x07"; b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
}
