// Package cli is what every command shares: signals, the one way an error is
// printed, and the exit codes. A command's main.go builds a cobra command and
// hands it to Main; no logic lives in either.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"opencarbon/data/charset"
	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/scratch"
	"opencarbon/data/startup"
)

// Exit codes of every command, documented in the README.
const (
	ExitOK          = 0
	ExitFailure     = 1   // something went wrong while working
	ExitInput       = 2   // the command line, the config or the data must be mended
	ExitInterrupted = 130 // SIGINT, SIGTERM or SIGHUP; what was done is saved
)

// Main runs cmd and ends the process with one of the exit codes. The first
// SIGINT, SIGTERM or SIGHUP (a terminal or connection that closed) cancels the
// command's context, so that long work can save and stop in good order; a second
// one ends the process at once, and what was being written is removed: the file of
// that name stays as it was. Under nohup SIGHUP stays ignored.
func Main(cmd *cobra.Command) { os.Exit(Run(cmd, os.Args[1:])) }

// Run is Main without the exit, for tests.
func Run(cmd *cobra.Command, args []string) int {
	ends := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		ends = append(ends, syscall.SIGHUP)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, ends...)
	defer signal.Stop(signals)
	over := make(chan struct{})
	defer close(over)
	go func() {
		for n := 0; ; n++ {
			select {
			case <-over:
				return
			case <-signals:
			}
			if n > 0 {
				scratch.RemoveAll()
				os.Exit(ExitInterrupted)
			}
			cancel()
		}
	}()
	cmd.SilenceErrors = true
	cmd.SilenceUsage = true
	if cmd.PersistentPreRunE == nil { // before any work, but not before --help
		cmd.PersistentPreRunE = func(*cobra.Command, []string) error { return startup.Check() }
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return fault.New("command line", err.Error(), "See: go run ./cmd/"+c.Name()+" --help")
	})
	if args == nil {
		args = []string{}
	}
	cmd.SetArgs(args)
	out := &output{to: cmd.OutOrStdout()}
	cmd.SetOut(out)
	err := cmd.ExecuteContext(ctx)
	cmd.SetOut(out.to)
	if err == nil && out.err != nil {
		err = fmt.Errorf("what the command says could not be written to standard output: %w", out.err)
	}
	switch {
	case err == nil:
		return ExitOK
	case errors.Is(err, context.Canceled):
		if msg := err.Error(); msg != context.Canceled.Error() {
			fmt.Fprintln(os.Stderr, "interrupted:", label.Lines(strings.TrimSuffix(msg, ": "+context.Canceled.Error())))
		} else {
			fmt.Fprintln(os.Stderr, "interrupted")
		}
		return ExitInterrupted
	default:
		fmt.Fprintln(os.Stderr, "error:", label.Lines(err.Error()))
		if fault.IsInput(err) || strings.HasPrefix(err.Error(), "unknown command") {
			return ExitInput
		}
		return ExitFailure
	}
}

// output remembers the first error of writing, which prints ignore: a full disk
// must not pass for success.
type output struct {
	to  io.Writer
	err error
	cut []byte // the beginning of a character whose rest has not come yet
}

// plain keeps what a name holds from steering the terminal: names come from
// strangers' files.
func (o *output) plain(b []byte) []byte {
	all := append(o.cut, b...)
	whole := charset.Uncut(all)
	o.cut = append([]byte(nil), all[len(whole):]...)
	return []byte(label.Lines(string(whole)))
}

func (o *output) Write(b []byte) (int, error) {
	if _, err := o.to.Write(o.plain(b)); err != nil {
		if o.err == nil {
			o.err = err
		}
		return 0, err
	}
	return len(b), nil
}
