package tune

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"opencarbon/train/fleet"
)

// Work is a shard's part of Run: it tries those of the points that are the shard's
// and not done yet, and makes no table. Any number of processes may do so at once;
// each trial is a file of its own, and Run takes them all. A training is pruned by
// what is done so far, by whichever shard.
func Work(ctx context.Context, points [][]string, train Training, o Options, shard fleet.Shard) (*fleet.Deal, error) {
	deal := &fleet.Deal{Shard: shard}
	for i, point := range points {
		if !deal.Mine() {
			continue
		}
		kept, err := o.begin()
		if err != nil {
			return nil, err
		}
		key := o.key(point)
		if slices.ContainsFunc(kept, func(t Trial) bool { return t.Key == key }) {
			deal.Before++
			continue
		}
		t, err := try(ctx, point, o.among(kept, points), train, o)
		if err != nil {
			return nil, err
		}
		t.Key = key
		if err := write(o.shardFile(key), []Trial{t}); err != nil {
			return nil, err
		}
		if deal.Made++; t.Why != "" {
			deal.Made--
			deal.Failed++
		}
		fmt.Fprintf(o.Report, "%d/%d  %s  %s\n", i+1, len(points), strings.Join(point, " "), t.result())
	}
	return deal, nil
}

// among are those of the trials that are of the points: others of the folder are of
// another search.
func (o Options) among(trials []Trial, points [][]string) (out []Trial) {
	keys := map[string]bool{}
	for _, p := range points {
		keys[o.key(p)] = true
	}
	for _, t := range trials {
		if keys[t.Key] {
			out = append(out, t)
		}
	}
	return out
}

// shardFile is the file of a trial that a shard makes.
func (o Options) shardFile(key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(o.Out, shardTrials, hex.EncodeToString(sum[:8])+".jsonl")
}

// ofShards are the trials that shards have made; a file that cannot be read is a
// trial that has yet to be made.
func (o Options) ofShards() (out []Trial) {
	entries, _ := os.ReadDir(filepath.Join(o.Out, shardTrials))
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".jsonl") && !strings.HasPrefix(e.Name(), ".") {
			if t, err := read(filepath.Join(o.Out, shardTrials, e.Name())); err == nil {
				out = append(out, t...)
			}
		}
	}
	return out
}
