package fleet

import "fmt"

// Deal hands out the pieces of a study, in their order, and counts what became of
// them.
type Deal struct {
	Shard  Shard
	Pieces int // that were asked about
	Before int // of the shard, that were done
	Made   int // of the shard, that this process made
	Failed int // of the shard, that cannot be made
}

// Mine says whether the next piece is the shard's.
func (d *Deal) Mine() bool {
	d.Pieces++
	return d.Shard.Has(d.Pieces - 1)
}

// Count counts a piece of the shard that this process made, or that was there.
func (d *Deal) Count(made bool) {
	if made {
		d.Made++
	} else {
		d.Before++
	}
}

// Words say it in words; of is what a piece is called, in the plural.
func (d *Deal) Words(of string) string {
	s := fmt.Sprintf("shard %s of %d %s: %d were there, %d made", d.Shard, d.Pieces, of, d.Before, d.Made)
	if d.Failed > 0 {
		s += fmt.Sprintf(", %d cannot be made", d.Failed)
	}
	return s + ". When all shards are done, the same command without --shard makes the table."
}
