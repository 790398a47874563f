// Package report makes one HTML page of a run folder: scores, curves, maps, and
// what the studies left there (t-SNE, attention, transfer). The page holds its
// pictures inside and needs no network, so that it can be mailed or put on a
// stick, and is readable on a phone.
//
// On top stands a map to look around in (package page), if the run left its
// predictions. It reads finished files and draws nothing itself; a run folder from which a
// part is missing gives a page without that part.
package report

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/data/store"
	"opencarbon/train/config"
	"opencarbon/train/page"
	"opencarbon/train/runlog"
)

// File is the page's name in a run folder.
const File = "report.html"

// Options of Write.
type Options struct {
	Run      string // run folder, or a link to one
	Out      string // path of the page; empty: File in the run folder
	Since    string // an earlier prediction of the same cells; empty: none
	Transfer string // folder of a transfer study; empty: transfer in the run folder, or the study that the run is part of
}

//go:embed below.html
var belowText string

// below is what stands below the map.
var below = template.Must(template.New("below").Parse(belowText))

// content is what the page shows.
type content struct {
	Name      string
	Info      runlog.Info
	Started   string
	Elapsed   string
	Results   results
	Unit      string
	Sections  []section
	Transfer  []transferPair // of the transfer study, whose picture is the last section
	Data      string         // summary of the tile store
	Config    string
	Predicted bool // predictions.csv is there

	above page.Page // the page without what stands below
}

// section is a group of pictures with its own heading.
type section struct {
	Title    string
	Text     string
	Pictures []picture
}

type picture struct {
	Name          string // of the file
	Alt           string
	Data          template.URL
	Width, Height int // pixels
}

// Write makes the page and returns its path. A folder that is no run is a
// *fault.Input error.
func Write(o Options) (path string, err error) {
	if o.Run == "" {
		return "", fault.New("--run", "is not given", "Name a run folder, e.g. runs/demo/latest.")
	}
	run, err := runlog.Open(o.Run)
	if err != nil {
		return "", err
	}
	c, err := gather(run, o)
	if err != nil {
		return "", err
	}
	path = o.Out
	if path == "" {
		path = run.Path(File)
	}
	var b bytes.Buffer
	if err := below.Execute(&b, c); err != nil {
		return "", err
	}
	c.above.Below = template.HTML(b.String())
	if err := c.above.Write(path); err != nil {
		return "", fault.Wrap(err, path, "the page cannot be written", "Give another place with --out.")
	}
	return path, nil
}

func gather(run *runlog.Run, o Options) (*content, error) {
	text, err := regular.Read(run.Path(runlog.ConfigFile), 64<<20)
	if err != nil {
		return nil, fault.Wrap(err, run.Path(runlog.ConfigFile), "cannot be read", "Give another run folder.")
	}
	cfg, err := config.Parse(text, run.Path(runlog.ConfigFile))
	if err != nil {
		return nil, err
	}
	c := &content{Name: cfg.Name, Config: string(text)}
	if c.Info, err = run.ReadInfo(); err != nil {
		return nil, err
	}
	c.Started = c.Info.Started.Format("2 January 2006, 15:04")
	if c.Info.Finished != nil {
		c.Elapsed = c.Info.Finished.Sub(c.Info.Started).Round(1e9).String()
	}
	if len(c.Info.Results) > 0 {
		if err := json.Unmarshal(c.Info.Results, &c.Results); err != nil {
			return nil, fault.Wrap(err, run.Path(runlog.InfoFile), "its results cannot be read", "It was written by another version of the program; train again.")
		}
	}
	trained := "" // the store's hash when the run began
	if info, err := run.ReadInfo(); err == nil {
		trained = info.Data["store "+cfg.Data.Store]
	}
	s, err := store.Open(cfg.Data.Store)
	if err == nil {
		defer s.Close()
	}
	c.Data, c.Unit = summary(s, err, cfg.Data.Store, trained)
	if c.Unit == "" {
		c.Unit = c.Results.Unit
	}
	_, err = os.Stat(run.Path(runlog.PredictionsFile))
	c.Predicted = err == nil
	if s != nil && trained != "" && trained != s.Meta().ConfigHash { // its cells may be others
		s.Close()
		s = nil
	}
	if err := c.look(run, cfg, s, o.Since); err != nil {
		return nil, err
	}
	for _, s := range []struct {
		title, text string
		files       [][2]string
	}{
		{"Predicted and true", "Every cell with a target; cells above the line are predicted too high.", [][2]string{{"scatter.png", "Scatter plot of predicted against true emission"}}},
		{"Maps", "", [][2]string{{"maps.png", "Maps of true emission, predicted emission and error"}}},
		{"Training", "", [][2]string{{"learning_curves.png", "Loss and validation R2 by epoch"}}},
		{"Cells as the model sees them", "t-SNE of the representations, colored by emission; the numbered cells lie along its gradient.", [][2]string{
			{"tsne/tsne_grid.png", "t-SNE map of X_g"}, {"tsne/tsne_image.png", "t-SNE map of X_s"}, {"tsne/tsne_poi.png", "t-SNE map of X_p"},
			{"tsne/tsne_neighborhood.png", "t-SNE map of X_n"}, {"tsne/tsne_final.png", "t-SNE map of X_g^f"}}},
		{"What the model attends to", "Weights of the satellite image and of the points of interest by emission; gates, shares and effect of single POI categories.", [][2]string{
			{"explain/attention.png", "Attention weights by emission at grid and neighborhood level"}, {"explain/gates.png", "Squeeze-and-excitation gate by POI category"},
			{"explain/shares.png", "Rank correlation of POI category shares with emission"}, {"explain/occlusion.png", "Change of predictions without a POI category"}}},
	} {
		files := make([]string, len(s.files))
		alts := make([]string, len(s.files))
		for i, f := range s.files {
			files[i], alts[i] = run.Path(filepath.FromSlash(f[0])), f[1]
		}
		if err := c.add(s.title, s.text, files, alts); err != nil {
			return nil, err
		}
	}
	study, err := transferFolder(run, o.Transfer)
	if err != nil {
		return nil, err
	}
	if study != "" {
		err = c.add("Transfer to other regions", "Spearman's rank correlation of a model trained on one region and applied to another; on the diagonal, the region's own test cells.",
			[]string{filepath.Join(study, "transfer.png")}, []string{"Heat map of rank correlations between regions"})
		if err == nil {
			c.Transfer, err = transferPairs(study)
		}
	}
	return c, err
}

// add inlines those of the files that are there.
func (c *content) add(title, about string, files, alts []string) error {
	s := section{Title: title, Text: about}
	for i, f := range files {
		text, err := regular.Read(f, 64<<20)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fault.Wrap(err, f, "cannot be read", "Check its permissions.")
		}
		size, err := png.DecodeConfig(bytes.NewReader(text))
		if err != nil {
			return fault.Wrap(err, f, "is no PNG picture", "Make it again with the command that made it.")
		}
		s.Pictures = append(s.Pictures, picture{Name: filepath.Base(f), Alt: alts[i], Width: size.Width, Height: size.Height,
			Data: template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(text))})
	}
	if len(s.Pictures) > 0 {
		c.Sections = append(c.Sections, s)
	}
	return nil
}

// transferFolder finds the transfer study to show; "" if there is none.
func transferFolder(run *runlog.Run, given string) (string, error) {
	has := func(dir string) bool {
		_, err := os.Stat(filepath.Join(dir, "transfer.png"))
		return err == nil
	}
	if given != "" {
		if !has(given) {
			return "", fault.New(given, "holds no transfer.png", "Give the folder that go run ./cmd/transfer wrote.")
		}
		return given, nil
	}
	// A region of a study lies in <study>/runs/<region>/<time>.
	for _, dir := range []string{run.Path("transfer"), filepath.Join(run.Dir, "..", "..", "..")} {
		if has(dir) {
			return dir, nil
		}
	}
	return "", nil
}

// summary is what the build of the run's tile store s counted, and the unit of its
// targets. A store that is gone (err says how) gives a word about that, and so does
// one that was built anew since, whose hash is not trained (where that is known).
func summary(s *store.Store, err error, folder, trained string) (text, unit string) {
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Sprintf("The tile store cannot be looked at any more: %s", first), ""
	}
	if trained != "" && trained != s.Meta().ConfigHash {
		return fmt.Sprintf("The tile store %s was built anew since this run, from other data or other keys; what it counts now is not what the run was trained on.", folder), s.Meta().TargetUnit
	}
	r := data.ReportOf(s)
	if r == nil {
		return fmt.Sprintf("%d cells; the store keeps no report of its build.", s.Len()), s.Meta().TargetUnit
	}
	var b strings.Builder
	if err := r.Print(&b); err != nil {
		return err.Error(), s.Meta().TargetUnit
	}
	return strings.TrimSpace(b.String()), s.Meta().TargetUnit
}
