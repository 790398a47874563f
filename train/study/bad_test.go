package study

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"opencarbon/data/fault"
	"opencarbon/train/tsne"
)

// bad input is refused with words, before a folder is made.
func (w *studied) bad(t *testing.T) {
	dir, plan, o, r, study := w.dir, w.plan, w.o, w.r, w.study
	for says, call := range map[string]func() error{
		"--checkpoint": func() error { _, err := Explain(t.Context(), ExplainOptions{}); return err },
		"no such checkpoint": func() error {
			_, err := Explain(t.Context(), ExplainOptions{Options: Options{Checkpoint: filepath.Join(dir, "none.safetensors")}})
			return err
		},
		"largest perplexity": func() error {
			_, err := Map(t.Context(), MapOptions{Options: study, TSNE: tsne.Config{Perplexity: 22}})
			return err
		},
		"unknown": func() error {
			_, err := Map(t.Context(), MapOptions{Options: study, Embeddings: []string{"sound"}})
			return err
		},
		"250": func() error {
			_, err := Map(t.Context(), MapOptions{Options: study, TSNE: tsne.Config{Iterations: 3}})
			return err
		},
		"no device": func() error {
			study := study
			study.Device = "tpu"
			_, err := Map(t.Context(), MapOptions{Options: study})
			return err
		},
		"--bins": func() error { _, err := Explain(t.Context(), ExplainOptions{Options: study, Bins: -1}); return err },
		"cannot be made": func() error {
			study := study
			study.Out = filepath.Join(w.study.Checkpoint, "sub") // below a file
			_, err := Explain(t.Context(), ExplainOptions{Options: study})
			return err
		},
		"categories that the checkpoint does not know": func() error {
			study := study
			study.Store = filepath.Join(dir, "mismatch", "stores", r.Regions[1].Name)
			_, err := Explain(t.Context(), ExplainOptions{Options: study})
			return err
		},
		"no cell with emissions": func() error {
			p := *plan
			p.Out = filepath.Join(dir, "unknown")
			p.Regions = append([]Region(nil), plan.Regions...)
			text, err := os.ReadFile(p.Regions[1].Config)
			if err != nil {
				t.Fatal(err)
			}
			bare, after, _ := strings.Cut(string(text), "  emissions:")
			_, after, _ = strings.Cut(after, "  poi:")
			bare += "  poi:" + strings.Split(after, "  split:")[0]
			config := filepath.Join(filepath.Dir(p.Regions[1].Config), "bare.yaml")
			if err := os.WriteFile(config, []byte(bare), 0o666); err != nil {
				t.Fatal(err)
			}
			s, err := prepared(t, config)
			if err != nil {
				t.Fatal(err)
			}
			p.Regions[1] = Region{Name: "bare", Checkpoint: w.study.Checkpoint, Store: s}
			_, err = Transfer(t.Context(), &p, o)
			return err
		},
	} {
		study.Out = filepath.Join(dir, "refused")
		if err := call(); !fault.IsInput(err) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
		if _, err := os.Stat(study.Out); err == nil {
			t.Errorf("%s: the study left a folder", says)
		}
	}
	gone := study
	gone.Store = ""
	if err := os.Rename(r.Regions[0].Store, r.Regions[0].Store+"-moved"); err != nil {
		t.Fatal(err)
	}
	if _, err := Explain(t.Context(), ExplainOptions{Options: gone}); !fault.IsInput(err) || !strings.Contains(err.Error(), "--store") {
		t.Errorf("a store that is gone: %v", err)
	}
}
