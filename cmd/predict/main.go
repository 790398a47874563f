// Command predict maps a region, emissions unknown, with a trained checkpoint.
package main

import (
	"fmt"
	"io"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"opencarbon/cmd/internal/cli"
	"opencarbon/cmd/internal/progress"
	"opencarbon/data"
	"opencarbon/data/fault"
	"opencarbon/data/label"
	"opencarbon/data/store"
	"opencarbon/train"
	"opencarbon/train/checkpoint"
	"opencarbon/train/config"
	"opencarbon/train/output"
	"opencarbon/train/pytorch"
)

func main() { cli.Main(command()) }

func command() *cobra.Command {
	var source, folder, dataset, city string
	var checkpoints, set []string
	var first []int
	var quiet bool
	var o train.PredictOptions
	var model pytorch.Hint
	var parts blocks
	cmd := &cobra.Command{
		Use:   "predict --checkpoint C (--config X.yaml | --store DIR | --published DIR)",
		Short: "Predict a region's emissions with a trained model, as GeoTIFF, GeoPackage and CSV",
		Long: `Predict applies a checkpoint to every cell of a region, which needs imagery and
points of interest as the model was trained on, but no emissions. A region is
described by an experiment file (its data section) or is a tile store.

Beside each prediction stand intervals that hold the truth in 80, 90 and 95% of
cells like those of the validation region (split conformal; a checkpoint carries
what it takes), as wide as errors are where cells are as unlike the training cells. A sum of such predictions is too low, since they are near medians:
the total that is printed, and the column corrected_<unit> and its band, are corrected by
what the validation cells say (smearing), with intervals for the sum. No interval knows of
a large source, such as a power plant, that neither images nor points show. With several checkpoints, usually of other seeds, the mean of
their ln emission is predicted and its spread written as well.

A checkpoint may also be PyTorch's, of the authors' published program (.pth).
With --published the region is a dataset of that program, and --out a CSV file
with the columns x, y, prediction (ln emission), to compare with that program's.

A model goes only where it fits. The numbers of the region's images become bytes
as those of the training images did (--stretch own: as the region's own say; a
store keeps the stretch that it was built with, which is then compared). Cells of
another grid scheme or of an area more than 20% off, other bands or another pixel
type, and targets in another unit are refused unless --accept names them.
Raw values of points become categories by the model's own table where --config names
none; a category that the region lacks has no points there, and one that the model does
not know needs a decision: --surplus drop, or the category that it counts as.

The column and band in_domain is 1 where a cell is like the training cells (area of
applicability; Meyer and Pebesma 2021) and 0 where the model should not be trusted.

With --areas the cells are added up over polygons, those that a border cuts by
area. With --total or --totals they are scaled so that they add up to what is
known (scaled_<unit>); the factors say how far the model was off.

With --html all of it is on one page as well (predictions.html), which needs no
network: a map to pan, zoom and search, with value, range, images and points of
interest of the cell under the pointer, the findings in words, and the areas; with
--since what changed since an earlier prediction.

Every table has the same columns and the key cell, "col_row"; --format says which
files there are (parquet: GeoParquet; nc: CF NetCDF in kg m-2 s-1; xlsx; stac: a
catalog item), and train/FORMATS.md how Python opens each. predictions.csv of a run
can be the list of another experiment's splits (data.split.file).

A region too large for one process is predicted in blocks of up to 64 x 64 cells: --plan
prepares a folder of work from --checkpoint and --config, any number of processes
with --work (as a Slurm array, a Kubernetes Indexed Job, or with --shard i/n) predict
blocks, and --merge joins them and writes what is written otherwise (train/SCALE.md).
--blocks does all three in one process.

An interrupted prediction goes on where it was when the same command is given
again. Exit codes: 0 done; 1 something failed; 2 the command line, the data or
the checkpoint must be mended; 130 interrupted.`,
		Example: `  go run ./cmd/predict --checkpoint runs/demo/latest/best.safetensors --config newcity.yaml --out predictions/newcity
  go run ./cmd/predict --checkpoint runs/demo/latest/best.safetensors --store stores/demo --format csv,parquet,nc,xlsx,stac --year 2022
  go run ./cmd/predict --checkpoint A.safetensors --checkpoint B.safetensors --store stores/demo
  go run ./cmd/predict --checkpoint A.safetensors --config city.yaml --areas districts.geojson --field name --totals totals.csv
  go run ./cmd/predict --plan work --checkpoint A.safetensors --config country.yaml
  go run ./cmd/predict --work work --shard 0/4
  go run ./cmd/predict --merge work --out predictions/country
  go run ./cmd/predict --blocks work --checkpoint A.safetensors --config province.yaml
  go run ./cmd/predict --checkpoint published.pth --neighborhood 3 --published DIR --out predictions.csv`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Progress.Quiet = quiet
			if err := parts.check(cmd, source); err != nil {
				return err
			}
			switch {
			case parts.work != "":
				return parts.predict(cmd, o)
			case parts.merge != "":
				return parts.join(cmd, o)
			}
			if len(checkpoints) == 0 {
				return fault.New("--checkpoint", "is not given", "Name best.safetensors of a run folder.")
			}
			given := 0
			for _, x := range []string{source, folder, dataset} {
				if x != "" {
					given++
				}
			}
			if given != 1 {
				return fault.New("--config, --store, --published", "exactly one of them says which region to predict",
					"Give an experiment file, the folder of a tile store, or a dataset of the published program.")
			}
			members := make([]*checkpoint.Checkpoint, len(checkpoints))
			for i, path := range checkpoints {
				var err error
				if members[i], err = checkpoint.ReadHinted(path, model); err != nil {
					return err
				}
			}
			if dataset != "" {
				if len(members) > 1 {
					return fault.New("--published", "takes one checkpoint", "Give one --checkpoint.")
				}
				bar := progress.New(cmd.ErrOrStderr())
				defer bar.Close()
				scores, err := train.PredictPublished(cmd.Context(), members[0], train.PublishedOptions{Dir: dataset, City: city, First: first, Out: o.Out,
					Device: o.Device, Threads: o.Threads, Progress: o.Progress, Building: bar.Set})
				if err != nil {
					return err
				}
				return scores.Print(cmd.OutOrStdout())
			}
			if source != "" {
				cfg, err := config.Load(source, set)
				if err != nil {
					return err
				}
				stretch(cfg, members[0], o.Stretch)
				table := categories(cfg, members[0])
				switch {
				case parts.all != "":
					return parts.whole(cmd, members, cfg, table, o)
				case parts.plan != "":
					return parts.prepare(cmd, members, cfg, table, o)
				}
				bar := progress.New(cmd.ErrOrStderr())
				report, err := data.Build(cmd.Context(), &cfg.Data, data.Options{Name: cfg.Name, Progress: bar.Set, CategoryTable: table,
					Note: func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }})
				bar.Close()
				if err != nil {
					return err
				}
				folder = report.Store
				if p := report.POI; table != "" && p != nil && p.Unmapped > 0 {
					fmt.Fprintf(cmd.ErrOrStderr(), "note: the model's category table leaves %d points out; the commonest values that it does not know: %s\n",
						p.Unmapped, label.Lines(p.Commonest(8)))
				}
			}
			s, err := store.Open(folder)
			if err != nil {
				return err
			}
			defer s.Close()
			if o.Out == "" {
				o.Out = filepath.Join("predictions", s.Meta().Name)
			}
			o.Members = members[1:]
			p, err := train.Predict(cmd.Context(), members[0], s, o)
			if err != nil {
				return err
			}
			return say(cmd.OutOrStdout(), p)
		},
	}
	f := cmd.Flags()
	f.StringArrayVar(&checkpoints, "checkpoint", nil, "checkpoint of a run, e.g. runs/demo/latest/best.safetensors (required); repeated: an ensemble")
	f.StringVar(&source, "config", "", "experiment file of the region; its data section is used")
	f.StringVar(&folder, "store", "", "folder of a tile store, instead of --config")
	f.StringVar(&dataset, "published", "", "folder of a dataset of the published program (or transfer_experiments, with --city), instead of --config")
	f.StringVar(&city, "city", "", "which city, where --published holds several")
	f.IntSliceVar(&first, "first-tile", nil, "x,y of the tile that the published program found first, where --published is a copy of its dataset")
	f.IntVar(&model.Neighborhood, "neighborhood", 0, "M of a .pth checkpoint with a neighborhood: 3, 5 or 7, which its weights do not tell")
	f.StringVar(&model.Variant, "variant", "", "variant of a .pth checkpoint whose weights do not tell: reference (default) or paper")
	f.StringArrayVar(&set, "set", nil, "override a key of --config; may be repeated")
	f.StringVar(&o.Out, "out", "", "folder of the results (default predictions/<region>); with --published the CSV file")
	f.StringSliceVar(&o.Formats, "format", []string{"csv", "tif", "gpkg"}, "what to write: "+strings.Join(output.Formats, ", "))
	f.BoolVar(&o.Page, "html", false, "write a page to look around in as well (predictions.html): map, findings, areas; needs no network")
	f.StringVar(&o.Since, "since", "", "with --html: folder of an earlier prediction of the same cells, whose change the page shows as well")
	f.StringSliceVar(&o.Accept, "accept", nil, "predict although the region differs: "+strings.Join(checkpoint.Acceptable(), ", "))
	f.StringVar(&o.Stretch, "stretch", checkpoint.StretchCheckpoint, "how image numbers become bytes: checkpoint (as in training), own (the region's)")
	f.StringVar(&o.Surplus, "surplus", "", "points of categories that the checkpoint does not know: drop, or the category that they count as")
	f.StringVar(&o.Known.Areas, "areas", "", "file of polygons, such as districts: total, per km2, share and rank of each, as areas.csv and areas.gpkg")
	f.StringVar(&o.Known.Field, "field", "", "column of --areas that holds the names")
	f.StringVar(&o.Known.Total, "total", "", "known total of the whole region, to which the predictions are scaled, e.g. \"29.06 Mt\"")
	f.StringVar(&o.Known.Totals, "totals", "", "file of known totals of areas: a CSV table with the columns name, total, and perhaps unit and year; or polygons with such columns")
	f.StringVar(&o.Known.Year, "year", "", "year of the region: noted in the map, and picked from --totals where that holds several")
	f.StringVar(&o.Device, "device", "auto", "auto, cpu, cuda or cuda:N")
	f.IntVar(&o.Threads, "threads", 0, "CPU threads; 0 = all cores")
	f.BoolVar(&quiet, "quiet", false, "no progress")
	parts.flags(f)
	return cmd
}

// say writes what a person wants to know of predictions.
func say(out io.Writer, p *output.Predictions) error {
	fmt.Fprintf(out, "%d cells predicted", p.Cells)
	if p.Unit != "" && p.Unit != "proxy" {
		fmt.Fprintf(out, ", %s", p.Totals())
	}
	fmt.Fprintln(out)
	fmt.Fprint(out, p.AreaTable())
	for _, n := range p.Notes {
		fmt.Fprintln(out, "  note: "+n)
	}
	if !math.IsNaN(p.InDomain) {
		text := "all cells are like the training cells (in_domain)"
		if p.InDomain < 1 {
			text = fmt.Sprintf("%.1f%% of the cells are like the training cells (in_domain); do not trust the others", 100*p.InDomain)
		}
		fmt.Fprintln(out, "  "+text)
	}
	for _, i := range p.Intervals {
		fmt.Fprintln(out, "  "+i.String())
	}
	for _, f := range p.Files {
		fmt.Fprintln(out, "  "+f)
	}
	return nil
}

// categories is the text of the checkpoint's category table where the region's
// points have none. Such a store goes into a folder of its own: the same file
// without a model makes another one.
func categories(cfg *config.Config, c *checkpoint.Checkpoint) string {
	if p := &cfg.Data.POI; p.Path == "" || p.Categories != "" || c.Header.CategoryTable == "" {
		return ""
	}
	cfg.Data.Store = filepath.Clean(cfg.Data.Store) + "-mapped"
	return c.Header.CategoryTable
}

// stretch makes the region's images bytes as the checkpoint's were, unless the
// user wants the region's own stretch. A store that is the very one that the
// checkpoint was trained on stays as it is; another one goes into a folder of
// its own, so that no store that a run was trained on is built over.
func stretch(cfg *config.Config, c *checkpoint.Checkpoint, how string) {
	limits := c.StretchFor()
	if how == checkpoint.StretchOwn || limits == nil || cfg.Data.Imagery.Path == "" {
		return
	}
	if s, err := store.Open(cfg.Data.Store); err == nil {
		same := s.Meta().ConfigHash == c.Header.Store
		s.Close()
		if same {
			return
		}
	}
	m := &cfg.Data.Imagery
	if m.Scale == "range" && slices.Equal(m.Range, limits) {
		return
	}
	m.Scale, m.Range = "range", limits
	cfg.Data.Store = filepath.Clean(cfg.Data.Store) + "-stretched"
}
