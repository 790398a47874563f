package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"

	"opencarbon/data/fault"
)

// Options of Run.
type Options struct {
	Specs  []Spec
	Rounds int // the rows take turns so often; medians are reported
	Dir    string
	Peers  []Peer
	Say    func(line string) // hears of every row that is done; may be nil
}

// Table is what Run measured: one entry a spec and a peer, medians over the
// rounds.
type Table struct {
	Rows  []Result     `json:"rows"`
	Peers []PeerResult `json:"peers,omitempty"`
	// LeftOut are the rows that this machine only imitates: bfloat16 without AVX-512.
	LeftOut []string `json:"left_out,omitempty"`
}

// Run measures every spec in a process of its own, which is this program given
// the argument "row", and the peers beside them. It ends with ctx's error when
// ctx does.
func Run(ctx context.Context, o Options) (*Table, error) {
	for i := range o.Specs {
		if err := o.Specs[i].Check(); err != nil {
			return nil, err
		}
		if err := o.Specs[i].Make(ctx, o.Dir); err != nil {
			return nil, err
		}
	}
	rows, peers := make([][]Result, len(o.Specs)), make([][]PeerResult, len(o.Peers))
	for round := range max(1, o.Rounds) {
		for i, s := range o.Specs {
			var r Result
			if err := child(ctx, &s, &r); err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			if r.Emulated {
				if round == 0 {
					o.say("left out %-36s this processor does not compute in bfloat16 (no AVX-512)", s.Name)
				}
				continue
			}
			rows[i] = append(rows[i], r)
			o.say("round %d  %-36s %8.2f s an epoch, %7.1f images/s, %6.2f encodings a sample", round+1, s.Name, r.EpochSeconds, r.ImagesPerSecond(), r.Encodings)
		}
		for i, p := range o.Peers {
			r, err := p.run(ctx)
			if err != nil {
				return nil, fmt.Errorf("the published program in Python: %w", err)
			}
			peers[i] = append(peers[i], *r)
			o.say("round %d  %-36s %8.2f s an epoch, %7.1f images/s (%d of %d cells trained on)", round+1, r.Name, r.EpochSeconds, r.ImagesPerSecond, r.Trained, r.Cells)
		}
	}
	t := &Table{}
	for i, r := range rows {
		if len(r) == 0 {
			t.LeftOut = append(t.LeftOut, o.Specs[i].Name)
			continue
		}
		t.Rows = append(t.Rows, middle(r, func(r Result) float64 { return r.EpochSeconds }))
	}
	for _, p := range peers {
		t.Peers = append(t.Peers, middle(p, func(p PeerResult) float64 { return p.EpochSeconds }))
	}
	return t, nil
}

func (o *Options) say(format string, args ...any) {
	if o.Say != nil {
		o.Say(fmt.Sprintf(format, args...))
	}
}

// middle is the run with the median time.
func middle[T any](runs []T, seconds func(T) float64) T {
	runs = slices.Clone(runs)
	slices.SortStableFunc(runs, func(a, b T) int {
		if seconds(a) < seconds(b) {
			return -1
		}
		return 1
	})
	return runs[(len(runs)-1)/2]
}

// child runs this program for one row, once for each of its ranks: its spec goes in
// as JSON, its result comes out, of ranks the first's.
func child(ctx context.Context, s *Spec, r *Result) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ranks := make([]rank, max(1, s.Ranks))
	port := 0
	if len(ranks) > 1 {
		if port, err = freePort(); err != nil {
			return err
		}
	}
	for i := range ranks {
		own := *s
		own.Rank, own.Port = i, port
		in, err := json.Marshal(own)
		if err != nil {
			return err
		}
		ranks[i].cmd = exec.CommandContext(ctx, self, "row")
		ranks[i].cmd.Stdin, ranks[i].cmd.Stdout, ranks[i].cmd.Stderr = bytes.NewReader(in), &ranks[i].out, &ranks[i].complaint
	}
	var failed error
	started := 0
	for i := range ranks {
		if failed = ranks[i].cmd.Start(); failed != nil {
			for j := range started {
				_ = ranks[j].cmd.Process.Kill()
			}
			break
		}
		started++
	}
	for i := range started { // one that fails ends the others
		if err := ranks[i].cmd.Wait(); err != nil && failed == nil {
			failed = err
			if text := strings.TrimPrefix(strings.TrimSpace(ranks[i].complaint.String()), "error: "); text != "" {
				failed = errors.New(text)
			}
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed != nil:
		return failed
	}
	return json.Unmarshal(ranks[0].out.Bytes(), r)
}

// rank is a process of a row.
type rank struct {
	cmd            *exec.Cmd
	out, complaint bytes.Buffer
}

// freePort is a port of this machine that nobody listens at.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Serve is the child's side of Run.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	var s Spec
	if err := json.NewDecoder(in).Decode(&s); err != nil {
		return fault.Wrap(err, "bench row", "gets a specification on standard input", "Run: go run ./cmd/bench")
	}
	r, err := Row(ctx, s)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(r)
}
