package study

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/store"
	"opencarbon/data/synth"
	"opencarbon/train"
	"opencarbon/train/compare"
	"opencarbon/train/config"
	"opencarbon/train/conformal"
	"opencarbon/train/fleet"
	"opencarbon/train/progress"
	"opencarbon/train/tabular"
)

// CoverageTable is the file of a coverage study.
const CoverageTable = "coverage.csv"

// CoverageOptions of Coverage.
type CoverageOptions struct {
	Out      string       // folder of everything that the study makes
	Config   string       // experiment to train with each seed; empty: a made city for each seed
	City     synth.Config // the made cities; Seed is the study's
	HeldOut  string       // how cells are held out: HeldOutCells (also if empty; an experiment's as it says) or HeldOutBlocks
	Seeds    int          // models to train
	First    int64        // the first one's seed, then the next; 0: 1
	Of       string       // which checkpoint of a run: OfNetwork (also if empty), OfStack or OfFolds; or a method as compare calls it
	Set      []string     // overrides of the experiment
	Command  []string     // for run.json
	GDAL     string       // its version, for run.json
	Building func(stage string, done, total int)
	Say      func(line string)
	Progress progress.Options

	wait bool // for a store that another shard builds
}

// Ways to hold cells of made cities out.
const (
	HeldOutCells  = "cells"  // single ones
	HeldOutBlocks = "blocks" // blocks of 8 x 8, as large parts of a city are
)

// Checkpoints of a run whose intervals are looked at.
const (
	OfNetwork = "network"
	OfStack   = "stack" // as train.stack and train.ensemble ask for
	OfFolds   = "folds" // as train.folds asks for
)

// ofFiles are their files.
var ofFiles = map[string]string{OfNetwork: train.BestFile, OfStack: train.StackFile, OfFolds: train.FoldsFile}

// ofAdvice is how to get those that runs do not always have.
var ofAdvice = map[string]string{OfStack: "Give --set 'train.stack=[ridge, svr, xgboost]' or --set train.ensemble=3.", OfFolds: "Give --set train.folds=5."}

// CoverageResult is how often prediction intervals held, per seed and pooled.
type CoverageResult struct {
	Seeds  [][]conformal.Coverage // [seeds][levels]
	Pooled []conformal.Coverage   // N: test cells of all seeds; Covered: share of them
	Fifths [][]conformal.Coverage // [5][levels] the same of test cells by their unlikeness to training cells; nil where not known
	Areas  []conformal.Coverage   // [levels] of sums over blocks of test cells; nil where there are none
	Totals []conformal.Coverage   // [levels] of the test cells' totals, N: of how many seeds; nil where there are none
	Off    [3]float64             // median over seeds of |total / true - 1|, of the test cells' total as the model says it, and corrected, and of all cells' with known ones as they are; NaN where none
	File   string

	first int64
	all   []train.Uncertainty
}

// madeSplit makes validation and test cells alike, as the intervals' promise
// asks: single cells drawn at random. Most cells are held out, and none in
// blocks, since a block's errors are alike and count as few: on the errors of one
// model of 40 x 40 cells, half of them held out, drawing validation and test
// cells anew made the coverage of 80% intervals scatter by 3.9 points (standard
// deviation) with blocks of 3 x 3 cells, by 2.8 with single cells. Here five
// seeds together should be within a point.
var madeSplit = []string{"data.split.method=blocks", "data.split.block=1", "data.split.fractions=[0.2, 0.4, 0.4]", "data.split.buffer=0",
	"data.split.file=", "data.split.field=", "data.split.train=[]", "data.split.validation=[]", "data.split.test=[]"}

// blockSplit holds whole blocks out, as a map is held out where there was no
// inventory: sums over them hang together, and so do their errors.
var blockSplit = append([]string{"data.split.method=blocks", "data.split.block=8", "data.split.fractions=[0.4, 0.3, 0.3]"}, madeSplit[3:]...)

// Coverage trains a model for each seed and counts how often the prediction
// intervals, calibrated on its validation cells, hold the truth of its test
// cells. What an earlier call with the same options trained is not trained
// again.
func Coverage(ctx context.Context, o CoverageOptions) (*CoverageResult, error) {
	if err := o.begin(); err != nil {
		return nil, err
	}
	r := &CoverageResult{File: filepath.Join(o.Out, CoverageTable), first: o.First}
	for k := range o.Seeds {
		seed := o.First + int64(k)
		u, _, err := o.seed(ctx, seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		r.Seeds, r.all = append(r.Seeds, u.Coverage), append(r.all, *u)
	}
	r.pool()
	return r, r.write()
}

// CoverageWork is a shard's part of Coverage: it trains the models of its seeds
// that are not there yet, and makes no table.
func CoverageWork(ctx context.Context, o CoverageOptions, shard fleet.Shard) (*fleet.Deal, error) {
	if err := o.begin(); err != nil {
		return nil, err
	}
	o.wait = true
	deal := &fleet.Deal{Shard: shard}
	for k := range o.Seeds {
		if !deal.Mine() {
			continue
		}
		seed := o.First + int64(k)
		_, made, err := o.seed(ctx, seed)
		if err != nil {
			return nil, fmt.Errorf("seed %d: %w", seed, err)
		}
		deal.Count(made)
	}
	return deal, nil
}

// begin refuses options that cannot be meant and makes the study's folder.
func (o *CoverageOptions) begin() error {
	if o.Seeds < 1 {
		return fault.New("--seeds", fmt.Sprintf("%d", o.Seeds), "Give at least 1, usually 5.")
	}
	if o.First == 0 {
		o.First = 1
	}
	if o.First < 1 {
		return fault.New("--first-seed", fmt.Sprintf("%d", o.First), "Give at least 1.")
	}
	if o.HeldOut == "" {
		o.HeldOut = HeldOutCells
	}
	if o.HeldOut != HeldOutCells && o.HeldOut != HeldOutBlocks {
		return fault.New("--held-out", fmt.Sprintf("is %q", o.HeldOut), "Give cells or blocks.")
	}
	if o.Of == "" {
		o.Of = OfNetwork
	}
	all, _ := compare.Methods()
	if ofFiles[o.Of] == "" && !slices.ContainsFunc(all, func(name string) bool { return strings.EqualFold(name, o.Of) }) {
		return fault.New("--of", fmt.Sprintf("is %q", o.Of), "Give network, stack, folds, or a method: "+strings.Join(all, ", ")+".")
	}
	if o.Say == nil {
		o.Say = func(string) {}
	}
	return makeFolder(o.Out)
}

// seed trains the model of a seed, unless it is there, and looks at its intervals.
func (o CoverageOptions) seed(ctx context.Context, seed int64) (u *train.Uncertainty, made bool, err error) {
	c, err := o.experiment(ctx, seed)
	if err != nil {
		return nil, false, err
	}
	var rows tabular.Method
	if ofFiles[o.Of] == "" {
		if c, rows, err = compare.Parted("--of", c, o.Of); err != nil {
			return nil, false, err
		}
	}
	report, err := data.Build(ctx, &c.Data, data.Options{Name: c.Name, Progress: o.Building, Wait: o.wait})
	if err != nil {
		return nil, false, err
	}
	s, err := store.Open(report.Store)
	if err != nil {
		return nil, false, err
	}
	defer s.Close()
	t := &training{config: c, rows: rows, runs: filepath.Join(o.Out, "runs", c.Name)}
	if rows != nil {
		k, made, err := t.fitRows(ctx, s, o.Say)
		if err != nil {
			return nil, false, err
		}
		u, err = train.IntervalsOf(ctx, k.Path, c, s)
		return u, made, err
	}
	file := ofFiles[o.Of]
	if file == "" { // another network
		file = train.BestFile
	}
	run, made, err := t.make(ctx, s, train.Options{Command: o.Command, GDAL: o.GDAL, Progress: o.Progress,
		Bare: file == train.BestFile && len(c.Train.Stack) == 0}, o.Say)
	if err != nil {
		return nil, false, err
	}
	path := filepath.Join(run, file)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) && file != train.BestFile {
		return nil, false, fault.Wrap(err, "--of "+o.Of, "the runs have no such checkpoint",
			ofAdvice[o.Of]+" Trainings of other settings are made anew.")
	}
	u, err = train.IntervalsOf(ctx, path, c, s) // by this program, whichever trained it
	return u, made, err
}

// experiment is the one of a seed: of a made city, which is made if it is not there, or
// the user's; with whole blocks held out where that is asked for.
func (o CoverageOptions) experiment(ctx context.Context, seed int64) (*config.Config, error) {
	name := fmt.Sprintf("seed-%d", seed)
	if o.HeldOut == HeldOutBlocks {
		name = fmt.Sprintf("blocks-%d", seed)
	}
	source := o.Config
	set := []string{}
	if source == "" {
		city := o.City
		city.Seed = seed
		dir := filepath.Join(o.Out, "cities", fmt.Sprintf("%dx%d-%dpx-%d", city.Rows, city.Cols, city.Size, seed)) // other sizes are other cities
		if _, err := os.Stat(filepath.Join(dir, synth.TruthFile)); errors.Is(err, fs.ErrNotExist) {
			if _, err := synth.Write(ctx, dir, city, nil); err != nil {
				return nil, err
			}
		}
		source = filepath.Join(dir, synth.ExperimentFile("demo"))
		set = append(set, madeSplit...)
	}
	if o.HeldOut == HeldOutBlocks {
		set = append(set, blockSplit...)
	}
	if o.Of != OfStack && o.Of != OfFolds { // simple methods beside it would take longer than the network where cells are many
		set = append(set, "train.stack=[]")
	}
	set = append(append(set, o.Set...), "seed="+strconv.FormatInt(seed, 10), "name="+name, "output.dir="+filepath.Join(o.Out, "runs"))
	if o.Config == "" || o.HeldOut == HeldOutBlocks { // each seed has cells of its own, or a split
		set = append(set, "data.store="+filepath.Join(o.Out, "stores", name), "data.split.seed="+strconv.FormatInt(seed, 10))
	}
	c, err := train.LoadExperiment(source, set)
	if err != nil {
		return nil, err
	}
	return c, config.CheckFiles(c)
}
