package train

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"opencarbon/train/config"
	"opencarbon/train/tbevents"
)

// compared are the scalars by which TensorBoard's page "HParams" compares runs.
var compared = []string{"test/R2", "test/MAE", "test/RMSE", "validation/R2"}

// announce tells TensorBoard the run's settings: as a text, and as hyperparameters
// of the page that compares runs.
func announce(w *tbevents.Writer, c *config.Config) error {
	text, err := c.YAML()
	if err != nil {
		return err
	}
	var all map[string]any
	if err := yaml.Unmarshal(text, &all); err != nil {
		return err
	}
	flat := map[string]any{}
	flatten(flat, "", all)
	keys := make([]string, 0, len(flat))
	for k := range flat {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	var pairs [][2]string
	var params []tbevents.Param
	for _, k := range keys {
		pairs = append(pairs, [2]string{k, fmt.Sprint(flat[k])})
		// What makes a model; where data lie and what is drawn does not.
		if strings.HasPrefix(k, "model.") || strings.HasPrefix(k, "train.") {
			params = append(params, tbevents.Param{Name: k, Value: flat[k]})
		}
	}
	if err := w.Settings(pairs); err != nil {
		return err
	}
	return w.HParams(c.Name, params, compared)
}

// flatten gives nested settings dotted keys; lists become texts, and what is not
// set is left out.
func flatten(out map[string]any, prefix string, v any) {
	switch x := v.(type) {
	case map[string]any:
		for k, y := range x {
			flatten(out, strings.TrimPrefix(prefix+"."+k, "."), y)
		}
	case nil:
	case bool, string, int, int64, float64:
		out[prefix] = x
	default:
		out[prefix] = fmt.Sprint(x)
	}
}

// summarize adds what a run came to: the scores of each split, those of the simple
// methods on the test cells, and the pictures.
func (r *recorder) summarize(x *Result) error {
	w := r.events
	if w == nil {
		return nil
	}
	step := x.BestEpoch
	for _, s := range x.Splits {
		if s.Name == "validation" { // has a curve, of which this is the best point
			continue
		}
		for tag, v := range map[string]float64{"R2": s.Ln.R2, "MAE": s.Ln.MAE, "RMSE": s.Ln.RMSE} {
			if err := w.Scalar(s.Name+"/"+tag, step, v); err != nil {
				return err
			}
		}
	}
	for _, b := range x.Baselines {
		for _, s := range b.Splits {
			if s.Name == "test" {
				if err := w.Scalar("test/R2 of "+b.Name, step, s.Ln.R2); err != nil {
					return err
				}
			}
		}
	}
	for _, path := range x.Pictures {
		if filepath.Ext(path) != ".png" {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := w.PNG(strings.TrimSuffix(filepath.Base(path), ".png"), step, text); err != nil {
			return err
		}
	}
	return w.Finished()
}
