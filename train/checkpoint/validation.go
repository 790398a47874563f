package checkpoint

import (
	"encoding/binary"
	"math"
	"slices"

	"opencarbon/data/store"
	"opencarbon/torch/safetensors"
	"opencarbon/train/totals"
)

// Arrays of a checkpoint that say what ValidationErrors are errors of.
const (
	validationPredicted = "validation.predicted" // [n] F32: predicted ln emission of the validation cells
	validationPlace     = "validation.place"     // [n, 2] I64: their columns and rows in the grid
)

// Validated keeps what the model of these weights predicts of the validation cells:
// their places, predicted ln emission, and predicted minus true, [n] each.
func (c *Checkpoint) Validated(at []store.Cell, predicted []float64, errors []float32) {
	c.Header.ValidationErrors = errors
	var text, place []byte
	for i, cell := range at {
		text = binary.LittleEndian.AppendUint32(text, math.Float32bits(float32(predicted[i])))
		place = binary.LittleEndian.AppendUint64(place, uint64(cell.Col))
		place = binary.LittleEndian.AppendUint64(place, uint64(cell.Row))
	}
	n := len(at)
	c.Arrays[validationPredicted] = safetensors.Array{DType: "F32", Shape: []int{n}, Data: text}
	c.Arrays[validationPlace] = safetensors.Array{DType: "I64", Shape: []int{n, 2}, Data: place}
}

// Held are the validation cells that a checkpoint carries; ok is false for a file
// of an older program.
func (c *Checkpoint) Held() (h totals.Held, ok bool) {
	n := len(c.Header.ValidationErrors)
	predicted, at := c.Arrays[validationPredicted], c.Arrays[validationPlace]
	if n == 0 || predicted.DType != "F32" || at.DType != "I64" || !slices.Equal(predicted.Shape, []int{n}) || !slices.Equal(at.Shape, []int{n, 2}) {
		return h, false
	}
	for i, e := range c.Header.ValidationErrors {
		y := float64(math.Float32frombits(binary.LittleEndian.Uint32(predicted.Data[4*i:])))
		h.Predicted, h.True = append(h.Predicted, y), append(h.True, y-float64(e))
		h.Col = append(h.Col, int64(binary.LittleEndian.Uint64(at.Data[16*i:])))
		h.Row = append(h.Row, int64(binary.LittleEndian.Uint64(at.Data[16*i+8:])))
	}
	return h, true
}
