package train

import (
	"fmt"
	"reflect"
	"strings"

	"opencarbon/data/fault"
	"opencarbon/layers"
	"opencarbon/train/checkpoint"
	"opencarbon/train/networks"
)

// start loads the weights that training starts from, where the config names
// some, and with them the optimizer's moments (train.optimizer_state). The
// weights may have been trained on another place, but must be of the same
// architecture and categories.
func (t *trainer) start(path string) error {
	if path == "" {
		return nil
	}
	const key = "model.weights"
	if t.config.Model.ImageWeights != "" {
		return fault.New(key, "and model.image_weights are both given", "Keep one: model.weights holds an image encoder too.")
	}
	c, err := checkpoint.Read(path)
	if err != nil {
		return fault.Wrap(err, key, "cannot be used", "Give another checkpoint, or leave the key empty.")
	}
	c.Become(t.model.Config())
	if what := misfits(c.Header.Model, t.model.Config()); what != "" {
		return fault.New(key, path+" holds another model: "+what, "Set these keys as the checkpoint has them, or give another checkpoint.")
	}
	if err := c.Fits(t.data.store); err != nil {
		return err
	}
	if err := c.Suits(t.data.store, t.config.Model.Accept, ""); err != nil {
		return err
	}
	if err := c.LoadModel(t.model.Params()); err != nil {
		return err
	}
	t.ready = !c.Header.Unready
	if t.config.Train.OptimizerState && c.Header.Optimizer == t.optimizer.State().Kind {
		if err := c.LoadOptimizer(t.optimizer, t.model.Params()); err != nil {
			return fault.Wrap(err, path, "its optimizer state does not fit", "Set train.optimizer_state: false.")
		}
	}
	return nil
}

// misfits lists the keys in which a checkpoint's model is another than the
// config's. Sizes of tiles and categories are the store's business (Fits).
func misfits(has, wanted layers.ModelConfig) string {
	keys := []struct{ key, field string }{{"modalities", "Image"}, {"modalities", "POI"}, {"embedding", "Embedding"},
		{"neighborhood", "Neighborhood"}, {"poi_encoder", "POIEncoder"}, {"se", "SE"}, {"se_ratio", "SERatio"}, {"attention_heads", "Heads"}}
	var list []string
	if networks.Variant(has) != networks.Variant(wanted) {
		list = append(list, fmt.Sprintf("model.variant is %s there, %s here", networks.Variant(has), networks.Variant(wanted)))
	}
	if has.FrozenImage != wanted.FrozenImage {
		list = append(list, fmt.Sprintf("model.image_encoder is %s there, %s here", imageEncoder(has), imageEncoder(wanted)))
	}
	a, b := reflect.ValueOf(has), reflect.ValueOf(wanted)
	for _, k := range keys {
		x, y := a.FieldByName(k.field).Interface(), b.FieldByName(k.field).Interface()
		unused := k.field == "Heads" && has.Neighborhood == 1 || k.field == "SERatio" && !has.SE || (k.field == "POIEncoder" || k.field == "SE") && !has.POI
		if x != y && !unused {
			list = append(list, fmt.Sprintf("model.%s (%s) is %v there, %v here", k.key, strings.ToLower(k.field), x, y))
		}
	}
	return strings.Join(list, "; ")
}

func imageEncoder(m layers.ModelConfig) string {
	if m.FrozenImage {
		return "frozen"
	}
	return "resnet18"
}
