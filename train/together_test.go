package train

import (
	"errors"
	"strings"
	"testing"
	"time"

	"opencarbon/data/fault"
	"opencarbon/torch"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/fleet"
	"opencarbon/train/learn"
)

// What a run is gone on with by as many ranks as it was saved by, or on request.
func TestCheckRanks(t *testing.T) {
	for _, c := range []struct {
		was, is int
		resize  bool
		bad     bool
	}{{0, 1, false, false}, {2, 2, false, false}, {0, 2, false, true}, {2, 1, false, true}, {2, 4, false, true}, {2, 4, true, false}, {4, 1, true, false}} {
		err := checkRanks(checkpoint.Header{Ranks: c.was}, &torch.Group{World: c.is}, c.resize)
		if (err != nil) != c.bad || err != nil && (!fault.IsInput(err) || !strings.Contains(err.Error(), "--resize")) {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, h := range []checkpoint.Header{{}, {Parts: 4}} {
		if err := checkRanks(h, nil, false); err != nil {
			t.Error(err)
		}
	}
	if err := checkRanks(checkpoint.Header{Parts: 4}, &torch.Group{World: 4}, false); err != nil {
		t.Error(err)
	}
}

// One process needs no others: it joins nobody, does itself what rank 0 does, and
// may train in every way.
func TestTogetherAlone(t *testing.T) {
	g, err := Join(fleet.Rank{World: 1}, time.Second, "")
	if err != nil || !g.Alone() {
		t.Fatal(g, err)
	}
	done := errors.New("done")
	if err := FirstRank(g, "store", func() error { return done }); err != done {
		t.Error(err)
	}
	c := &config.Config{}
	c.Train.Encode = learn.Slices
	if err := checkTogether(c, g); err != nil {
		t.Error(err)
	}
	if err := checkTogether(c, &torch.Group{World: 2}); !fault.IsInput(err) {
		t.Error(err)
	}
	c.Train.Encode, c.Train.Parts = learn.Unique, 4
	for world, bad := range map[int]bool{1: false, 2: false, 3: true, 4: false, 8: true} {
		if err := checkTogether(c, &torch.Group{World: world}); (err != nil) != bad || bad && !fault.IsInput(err) {
			t.Errorf("%d ranks have 4 parts: %v", world, err)
		}
	}
	if err := checkDevice(c, torch.Device{Type: "cuda"}); !fault.IsInput(err) {
		t.Error(err)
	}
	if err := checkDevice(c, torch.CPU); err != nil {
		t.Error(err)
	}
	g.Close(done)
	if n := (Options{LocalWorld: 1000}).threads(c); n != 1 {
		t.Errorf("%d threads where 1000 processes share a machine", n)
	}
}
