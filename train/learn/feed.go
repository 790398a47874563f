package learn

// Feed hands out an epoch's batches in order, assembled ahead by a goroutine of
// its own.
type Feed struct {
	full, empty chan *Batch
	quit, done  chan struct{}
	assemble    func(b *Batch) // without the goroutine
}

// NewFeed begins to assemble batches of cells, those of an epoch. Close it
// before the assembler is used for anything else.
func (l *Learner) NewFeed(batches [][]int32, epoch int) *Feed {
	assemble := func(b *Batch, cells []int32) {
		l.Assembler.assemble(b, cells, epoch)
		if l.options.Augment {
			l.Assembler.augment(b, l.options.Seed, uint64(epoch))
		}
		l.Assembler.Recolor(b, l.options.Seed, uint64(epoch))
	}
	if l.options.NoPrefetch {
		next := 0
		f := &Feed{empty: make(chan *Batch, 1), assemble: func(b *Batch) {
			assemble(b, batches[next])
			next++
		}}
		f.empty <- &Batch{}
		return f
	}
	const ahead = 2
	f := &Feed{full: make(chan *Batch, ahead), empty: make(chan *Batch, ahead+1), quit: make(chan struct{}), done: make(chan struct{})}
	for range ahead + 1 {
		f.empty <- &Batch{}
	}
	go func() {
		defer close(f.done)
		for _, cells := range batches {
			select {
			case b := <-f.empty:
				assemble(b, cells)
				select {
				case f.full <- b:
				case <-f.quit:
					return
				}
			case <-f.quit:
				return
			}
		}
	}()
	return f
}

// Next waits for the next batch. It is called at most once a batch.
func (f *Feed) Next() *Batch {
	if f.assemble != nil {
		b := <-f.empty
		f.assemble(b)
		return b
	}
	return <-f.full
}

// Done gives a batch back, whose slices are used again.
func (f *Feed) Done(b *Batch) { f.empty <- b }

// Close ends the goroutine and waits for it.
func (f *Feed) Close() {
	if f.quit != nil {
		close(f.quit)
		<-f.done
	}
}
