package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"opencarbon/data/fault"
)

// Peer is the published program's scheme in plain PyTorch, on data of the same
// size as a row's.
type Peer struct {
	Python       string // interpreter that has PyTorch and torchvision
	Script       string // published.py
	Cells        int
	Size         int
	Categories   int
	Points       int
	Neighborhood int
	Batch        int
	Train        int // cells trained on; an epoch's time is in proportion. 0: all
	Evaluate     int // cells evaluated, likewise
	Threads      int // libtorch's; 0: its own choice, as the published program leaves it
}

// PeerResult is what a peer measured.
type PeerResult struct {
	Name              string  `json:"name"`
	Torch             string  `json:"torch"`
	Threads           int     `json:"threads"`
	Cells             int     `json:"cells"`
	Neighborhood      int     `json:"neighborhood"`
	Batch             int     `json:"batch"`
	Trained           int     `json:"trained"`            // cells timed
	EpochSeconds      float64 `json:"epoch_seconds"`      // of all cells
	Evaluated         int     `json:"evaluated"`          // cells timed
	EvaluationSeconds float64 `json:"evaluation_seconds"` // of all cells
	ImagesPerSecond   float64 `json:"images_per_second"`  // in training, each of the M*M tiles of a cell counted
	PeakBytes         int64   `json:"peak_bytes"`
}

func (p *Peer) run(ctx context.Context) (*PeerResult, error) {
	if _, err := os.Stat(p.Script); err != nil {
		return nil, fault.Wrap(err, p.Script, "is not there", "Run from the project's folder: go run ./cmd/bench --peer")
	}
	args := []string{p.Script}
	for _, v := range []int{p.Cells, p.Size, p.Categories, p.Points, p.Neighborhood, p.Batch, p.Train, p.Evaluate, p.Threads} {
		args = append(args, fmt.Sprint(v))
	}
	var out, complaint bytes.Buffer
	c := exec.CommandContext(ctx, p.Python, args...)
	c.Stdout, c.Stderr = &out, &complaint
	if err := c.Run(); err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		lines := strings.Split(strings.TrimSpace(complaint.String()), "\n")
		return nil, fault.Wrap(err, p.Python, lines[len(lines)-1], "It needs PyTorch and torchvision: apt-get install python3-torch python3-torchvision, or --python.")
	}
	r := &PeerResult{}
	if err := json.Unmarshal(out.Bytes(), r); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Script, err)
	}
	r.Name = fmt.Sprintf("published scheme, PyTorch, %d threads", r.Threads)
	return r, nil
}
