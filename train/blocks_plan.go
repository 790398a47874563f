package train

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/atomicfile"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/tabular"
)

// A large region is predicted in blocks of at most data.BlockEdge cells a side, by any number of
// processes that share nothing but a folder of work:
//
//	plan.json             what is to be done, and what it is made of
//	experiment.yaml       the region's data section, with absolute paths
//	checkpoints/1/...     copies of the checkpoints
//	outline/              store of the region without images
//	cells/<block>/        such a store of a block and its halo
//	results/<block>.<plan>.ocr   what was predicted, published once
//
// PlanBlocks makes all but the last. WorkBlocks predicts blocks; how many
// processes do it, which of them, and in which order changes nothing, since a
// result is a block's and depends on the plan alone. MergeBlocks joins them.

// Names in a folder of work.
const (
	planFile    = "plan.json"
	planConfig  = "experiment.yaml"
	outlineDir  = "outline"
	cellsDir    = "cells"
	resultsDir  = "results"
	checkpoints = "checkpoints"
)

// blocksFormat is changed when plans or results are made otherwise.
const blocksFormat = 2

// BlockPlan is the content of plan.json.
type BlockPlan struct {
	Format      int            `json:"format"`
	ID          string         `json:"id"` // of all that decides what is predicted
	Name        string         `json:"name"`
	Checkpoints []string       `json:"checkpoints"` // within the folder
	Accept      []string       `json:"accept,omitempty"`
	Stretch     string         `json:"stretch,omitempty"`
	Surplus     string         `json:"surplus,omitempty"`
	Halo        int            `json:"halo"` // cells around a block that it looks at
	Image       int            `json:"image_size,omitempty"`
	Shape       store.Shape    `json:"image_shape,omitzero"` // of images that are not of red, green and blue bytes
	Outline     string         `json:"outline"`              // ConfigHash of the region's store without images
	Cells       int            `json:"cells"`
	Blocking    data.Blocking  `json:"blocking"` // which block a cell lies in
	Newest      time.Time      `json:"newest"`   // input: the time that merged files name as their last change
	Notes       []string       `json:"notes,omitempty"`
	Blocks      []PlannedBlock `json:"blocks"` // in the order in which they are dealt to shards

	dir string
}

// PlannedBlock is a block with cells of the region.
type PlannedBlock struct {
	Col   int64 `json:"col"`
	Row   int64 `json:"row"`
	Cells int   `json:"cells"` // of its own
	Halo  int   `json:"halo"`  // around them
}

func (b PlannedBlock) String() string { return data.Block{Col: b.Col, Row: b.Row}.String() }

// PlanOptions of PlanBlocks.
type PlanOptions struct {
	Members  []*checkpoint.Checkpoint // as of PredictOptions
	Accept   []string
	Stretch  string
	Surplus  string
	Table    string // category table, as of data.Options
	Edge     int    // of a block in cells, at most; 0: data.BlockEdge
	Progress func(stage string, done, total int)
	Note     func(text string)
}

// PlanBlocks prepares the prediction of the region that cfg describes in the folder
// dir: it reads everything but the images, decides what depends on the whole
// region, and cuts the rest into blocks. In a folder with the same plan it does
// nothing; one with another plan is refused. Errors that the user can mend are
// *fault.Input.
func PlanBlocks(ctx context.Context, c *checkpoint.Checkpoint, cfg *config.Config, dir string, o PlanOptions) (*BlockPlan, error) {
	members := append(ensemble{c}, o.Members...)
	if err := members.check(); err != nil {
		return nil, err
	}
	halo, err := members.halo()
	if err != nil {
		return nil, err
	}
	old, err := ReadPlan(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, resultsDir), 0o777); err != nil {
		return nil, fault.Wrap(err, dir, "the folder of work cannot be made", "Give another one with --plan.")
	}
	lock, err := claim(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	cfg.Data.Store = filepath.Join(dir, outlineDir)
	if old != nil { // its outline is not to be built over by another one
		cfg.Data.Store += "-again"
		defer os.RemoveAll(cfg.Data.Store)
		defer os.Remove(cfg.Data.Store + ".lock")
	}
	report, err := data.Outline(ctx, &cfg.Data, data.Options{Name: cfg.Name, CategoryTable: o.Table, Progress: o.Progress, Note: o.Note})
	if err != nil {
		return nil, err
	}
	s, err := store.Open(report.Store)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	p := &BlockPlan{Format: blocksFormat, Name: s.Meta().Name, Accept: o.Accept, Stretch: o.Stretch, Surplus: o.Surplus, Halo: halo, Cells: s.Len(), dir: dir}
	for _, in := range report.Inputs {
		if in.ModTime.After(p.Newest) {
			p.Newest = in.ModTime
		}
	}
	if report.Images != nil {
		p.Image = report.Images.Size
		if shape := data.ImageShape(report.Images); shape != store.RGB(p.Image) {
			p.Shape = shape
		}
	}
	for _, m := range members {
		_, notes, err := m.ReadsImages(s, p.Images(), o.Surplus)
		if err != nil {
			return nil, err
		}
		if err := m.Suits(s, o.Accept, o.Stretch); err != nil {
			return nil, err
		}
		for _, n := range notes {
			if !slices.Contains(p.Notes, n) {
				p.Notes = append(p.Notes, n)
			}
		}
	}
	text, err := cfg.YAML()
	if err != nil {
		return nil, err
	}
	p.Outline = s.Meta().ConfigHash
	p.Blocking = data.BlockingOf(s.Cells(), int64(cmp.Or(o.Edge, data.BlockEdge)))
	p.ID = p.identity(members)
	if old != nil {
		if old.ID != p.ID {
			return nil, fault.New(dir, "holds another plan: of another region, checkpoint or setting", "Give a new folder, or remove this one with all that was predicted in it.")
		}
		return old, nil
	}
	for i, m := range members {
		name := filepath.Join(checkpoints, fmt.Sprint(i+1), filepath.Base(m.Path))
		if err := copyFile(m.Path, filepath.Join(dir, name)); err != nil {
			return nil, err
		}
		p.Checkpoints = append(p.Checkpoints, name)
	}
	if err := atomicfile.WriteBytes(filepath.Join(dir, planConfig), text); err != nil {
		return nil, err
	}
	if err := p.cut(ctx, s, o.Progress); err != nil {
		return nil, err
	}
	body, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return nil, err
	}
	return p, atomicfile.WriteBytes(filepath.Join(dir, planFile), append(body, '\n'))
}

// identity names the weights, the region and what is made of it.
func (p *BlockPlan) identity(e ensemble) string {
	h := sha256.New()
	for _, m := range e {
		h.Write(m.Identity(p.Outline, p.Cells))
	}
	fmt.Fprintf(h, "%d %d %q %q %q %d", blocksFormat, p.Blocking, p.Accept, p.Stretch, p.Surplus, p.Halo)
	return hex.EncodeToString(h.Sum(nil))
}

// cut writes the store of every block and lists the blocks, the largest first and
// otherwise shuffled: neighbors in the list are none on the map, where sea lies
// beside sea, so that shards get about the same work.
func (p *BlockPlan) cut(ctx context.Context, s *store.Store, progress func(string, int, int)) error {
	pieces, fill := p.Blocking.Pieces(s, p.Halo), data.Means(s)
	for i, piece := range pieces {
		if progress != nil {
			progress("blocks", i, len(pieces))
		}
		b := PlannedBlock{Col: piece.Block.Col, Row: piece.Block.Row, Cells: piece.Own, Halo: len(piece.Tiles) - piece.Own}
		if _, err := s.Cut(ctx, p.cells(b), store.Cut{Tiles: piece.Tiles, Hash: p.ID + " block " + b.String(), Fill: fill}); err != nil {
			return err
		}
		p.Blocks = append(p.Blocks, b)
	}
	if progress != nil {
		progress("blocks", len(pieces), len(pieces))
	}
	shuffled := map[PlannedBlock]string{}
	for _, b := range p.Blocks {
		sum := sha256.Sum256([]byte(b.String()))
		shuffled[b] = string(sum[:])
	}
	slices.SortFunc(p.Blocks, func(a, b PlannedBlock) int {
		return cmp.Or(cmp.Compare(b.Cells, a.Cells), cmp.Compare(shuffled[a], shuffled[b]))
	})
	return nil
}

// cells is the folder of a block's store.
func (p *BlockPlan) cells(b PlannedBlock) string { return filepath.Join(p.dir, cellsDir, b.String()) }

// result is the file of a block's result.
func (p *BlockPlan) result(b PlannedBlock) string {
	return filepath.Join(p.dir, resultsDir, fmt.Sprintf("%s.%s.ocr", b, p.ID[:12]))
}

// Bytes is about how much room the images of one block take while it is worked on,
// and its halo's: what a shard needs in its folder for temporary files.
func (p *BlockPlan) Bytes() int64 {
	most := 0
	for _, b := range p.Blocks {
		most = max(most, b.Cells+b.Halo)
	}
	return int64(most) * p.Images().Bytes()
}

// Images is the shape of those that blocks are given; zero without.
func (p *BlockPlan) Images() store.Shape {
	if p.Shape.Size > 0 {
		return p.Shape
	}
	return store.RGB(p.Image)
}

// Missing are the blocks that have no result yet.
func (p *BlockPlan) Missing() (list []PlannedBlock) {
	for _, b := range p.Blocks {
		if _, err := os.Stat(p.result(b)); err != nil {
			list = append(list, b)
		}
	}
	return list
}

// ReadPlan reads the plan in a folder of work.
func ReadPlan(dir string) (*BlockPlan, error) {
	path := filepath.Join(dir, planFile)
	const remedy = "Plan the region first: go run ./cmd/predict --plan DIR --checkpoint C --config X.yaml"
	text, err := regular.Read(path, 1<<30)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Wrap(err, dir, "there is no plan in this folder", remedy)
	} else if err != nil {
		return nil, fault.Wrap(err, path, "cannot be read", remedy)
	}
	p := &BlockPlan{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fault.Wrap(err, path, "is no plan", remedy)
	}
	if p.Format != blocksFormat {
		return nil, fault.New(path, fmt.Sprintf("is a plan of format %d, this program knows %d", p.Format, blocksFormat), "Use the program that made it, or plan again in another folder.")
	}
	if len(p.ID) != 64 || strings.Trim(p.ID, "0123456789abcdef") != "" || len(p.Checkpoints) == 0 || p.Halo < 0 || p.Blocking.Width < 1 || p.Blocking.Height < 1 {
		return nil, fault.New(path, "is damaged", "Plan again in another folder.")
	}
	p.dir = dir
	return p, nil
}

// members reads the checkpoints in the folder, and refuses others than the plan was
// made of.
func (p *BlockPlan) members() (e ensemble, err error) {
	for _, name := range p.Checkpoints {
		if !filepath.IsLocal(name) {
			return nil, fault.New(filepath.Join(p.dir, planFile), fmt.Sprintf("names the checkpoint %q outside of its folder", name), "Plan again in another folder.")
		}
		c, err := checkpoint.Read(filepath.Join(p.dir, name))
		if err != nil {
			return nil, err
		}
		e = append(e, c)
	}
	if p.identity(e) != p.ID {
		return nil, fault.New(p.dir, "the checkpoint in it is not the one that the plan was made of, or the plan was changed", "Put it back, or plan again in another folder.")
	}
	return e, nil
}

// openPlanned opens a store that PlanBlocks made.
func openPlanned(dir string) (*store.Store, error) {
	s, err := store.Open(dir)
	if err != nil {
		return nil, fault.New(dir, "a part of the plan cannot be used: "+fault.Brief(err), "Plan again in another folder.")
	}
	return s, nil
}

// halo is how many cells around a cell the members look at: their neighborhoods,
// and what the features of the cells in these describe. A member that takes one
// tile of the region for all that are missing cannot be cut into blocks.
func (e ensemble) halo() (halo int, err error) {
	for _, c := range e {
		if c.Foreign() {
			return 0, fault.New(c.Path, "is a checkpoint of PyTorch, which is not worked on in blocks", "Predict the region in one piece, or train a checkpoint of this program.")
		}
		var traits layers.Traits
		var m layers.ModelConfig
		var failed error
		if err := torch.Run(torch.Options{Threads: 1}, func() {
			n, err := c.Network(torch.CPU)
			if err != nil {
				failed = err
				return
			}
			traits, m = n.Traits(), n.Config()
			n.Params().Close()
		}); err != nil {
			return 0, err
		}
		if failed != nil {
			return 0, failed
		}
		if traits.Around.Missing && traits.Around.M > 1 {
			return 0, fault.New(c.Path, "its model takes the region's first tile for every missing neighbor, which a block cannot know", "Predict the region in one piece, or use a checkpoint of another variant.")
		}
		reach := traits.Around.M / 2
		if m.Features > 0 {
			reach += tabular.Reach() / 2
		}
		halo = max(halo, reach)
	}
	return halo, nil
}

// copyFile copies a file whole or not at all.
func copyFile(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		return err
	}
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(to, text)
}
