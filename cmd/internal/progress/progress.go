// Package progress shows work that has stages (reading, warping, writing), each
// of them with package train/progress: a bar on a terminal, rare plain lines
// elsewhere.
package progress

import (
	"io"
	"sync"

	"opencarbon/train/progress"
)

// Stages shows one stage after another. Its methods may be called from several
// goroutines.
type Stages struct {
	mu    sync.Mutex
	o     progress.Options
	stage string
	done  int
	bar   *progress.Bar
}

// New reports to out.
func New(out io.Writer) *Stages { return &Stages{o: progress.Options{Out: out}} }

// Set says that done of total steps of a stage are done. A new stage ends the
// one before it.
func (s *Stages) Set(stage string, done, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if stage != s.stage {
		s.end()
		s.stage, s.done, s.bar = stage, 0, progress.NewBar(s.o, stage, total)
	}
	if done > s.done { // workers may report out of order
		s.bar.Add(done - s.done)
		s.done = done
	}
}

// Close ends the last stage.
func (s *Stages) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end()
	s.stage = ""
}

func (s *Stages) end() {
	if s.bar != nil {
		s.bar.Close()
		s.bar = nil
	}
}
