// Package part is the flag by which a study does a part of its work.
package part

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"opencarbon/train/fleet"
)

// Flag is --shard.
type Flag struct{ text string }

// Add gives a command the flag.
func Add(cmd *cobra.Command) *Flag {
	f := &Flag{}
	cmd.Flags().StringVar(&f.text, "shard", "", "i/n: make every n-th of the trainings, from the i-th (0/n to n-1/n), and no table; auto: i/n as Slurm says (array, srun -n); auto/n: i as Kubernetes says")
	return f
}

// Shard is what the flag asks for; part is false for the whole.
func (f *Flag) Shard() (s fleet.Shard, part bool, err error) {
	s, err = fleet.StudyShard(f.text, os.Getenv)
	return s, f.text != "", err
}

// Say prints what a shard did.
func Say(cmd *cobra.Command, deal *fleet.Deal) error {
	_, err := fmt.Fprintln(cmd.OutOrStdout(), deal.Words("trainings"))
	return err
}
