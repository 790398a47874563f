package tbevents

import (
	"fmt"
	"slices"
)

// Param is a hyperparameter: its value is a bool, a string or a number (int, int64,
// float64).
type Param struct {
	Name  string
	Value any
}

// The messages of TensorBoard's page "HParams": field numbers are those of
// tensorboard/plugins/hparams/{plugin_data,api}.proto, and of
// google/protobuf/struct.proto for values.
const (
	typeString, typeBool, typeFloat = 1, 2, 3 // DataType
	statusSuccess                   = 1       // Status
)

// HParams says what the run's hyperparameters are and by which scalars, such as
// "test/R2", runs are to be compared; group is what runs that differ in nothing but
// the seed share.
func (w *Writer) HParams(group string, params []Param, metrics []string) error {
	now := float64(w.now().UnixNano()) / 1e9
	// Experiment {name = 6, time_created_secs = 3, hparam_infos = 4 {name = 1, type = 4},
	// metric_infos = 5 {name = 1 {tag = 2}}}
	experiment := message(nil).text(6, group).double(3, now)
	// SessionStartInfo {hparams = 1 {key = 1, value = 2}, group_name = 4, start_time_secs = 5}
	start := message(nil)
	for _, p := range params {
		// Value {number_value = 2, string_value = 3, bool_value = 4}
		var v message
		kind := typeFloat
		switch x := p.Value.(type) {
		case bool:
			set := int64(0)
			if x {
				set = 1
			}
			v, kind = v.varint(4, set), typeBool
		case string:
			v, kind = v.text(3, x), typeString
		case int:
			v = v.double(2, float64(x))
		case int64:
			v = v.double(2, float64(x))
		case float64:
			v = v.double(2, x)
		default:
			return fmt.Errorf("hyperparameter %s: a %T cannot be shown", p.Name, x)
		}
		experiment = experiment.bytes(4, message(nil).text(1, p.Name).varint(4, int64(kind)))
		start = start.bytes(1, message(nil).text(1, p.Name).bytes(2, v))
	}
	for _, tag := range slices.Compact(slices.Clone(metrics)) {
		experiment = experiment.bytes(5, message(nil).bytes(1, message(nil).text(2, tag)))
	}
	start = start.text(4, group).double(5, now)
	// HParamsPluginData {experiment = 2, session_start_info = 3, session_end_info = 4}
	if err := w.hparams("_hparams_/experiment", message(nil).bytes(2, experiment)); err != nil {
		return err
	}
	return w.hparams("_hparams_/session_start_info", message(nil).bytes(3, start))
}

// Finished says that the run came to its end: SessionEndInfo {status = 1,
// end_time_secs = 2}.
func (w *Writer) Finished() error {
	end := message(nil).varint(1, statusSuccess).double(2, float64(w.now().UnixNano())/1e9)
	return w.hparams("_hparams_/session_end_info", message(nil).bytes(4, end))
}

// hparams writes a Summary.Value that holds nothing but what its metadata = 9 tell
// the plugin (plugin_data = 1 {plugin_name = 1, content = 2}): its tensor = 8 is an
// empty one of floats (dtype = 1: 1, tensor_shape = 2).
func (w *Writer) hparams(tag string, data message) error {
	tensor := message(nil).varint(1, 1).bytes(2, nil)
	meta := message(nil).bytes(1, message(nil).text(1, "hparams").bytes(2, data)).varint(4, 2)
	return w.write(w.event(0).summary(message(nil).text(1, tag).bytes(8, tensor).bytes(9, meta)))
}
