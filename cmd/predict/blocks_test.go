package main

import (
	"io"
	"strings"
	"testing"

	"opencarbon/data/fault"
)

// Flags that mean nothing together are refused with the step that they are for.
func TestBlockFlags(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"--work A --merge A", "more than one"},
		{"--plan A --checkpoint C --store S", "--config"},
		{"--blocks A --work A", "more than one"},
		{"--blocks A --checkpoint C --store S", "--config"},
		{"--blocks A --checkpoint C --config X --shard 0/2", "--shard"},
		{"--plan A --checkpoint C --config X --out O", "--out"},
		{"--plan A --checkpoint C --config X --shard 0/2", "--shard"},
		{"--work A --checkpoint C", "--checkpoint"},
		{"--work A --html", "--html"},
		{"--work A --shard 5/4", "no shard 5 of 4"},
		{"--work A --shard 0/4", "no plan in this folder"},
		{"--merge A --shard 0/4", "--shard"},
		{"--merge A --surplus drop", "--surplus"},
		{"--merge A", "no plan in this folder"},
		{"--shard 0/4 --checkpoint C --config X", "--shard"},
	} {
		t.Run(c.args, func(t *testing.T) {
			t.Chdir(t.TempDir())
			cmd := command()
			cmd.SilenceErrors, cmd.SilenceUsage = true, true
			cmd.SetOut(io.Discard)
			cmd.SetErr(io.Discard)
			cmd.SetArgs(strings.Fields(c.args))
			if err := cmd.Execute(); !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want an input error with %q", err, c.want)
			}
		})
	}
}
