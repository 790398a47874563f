package checkpoint

import (
	"encoding/json"

	"opencarbon/data/store"
	"opencarbon/layers"
	"opencarbon/torch"
	"opencarbon/train/config"
)

// format is raised when an older program could misread a file.
const format = 1

// headerKey is the metadata entry of the safetensors file that holds Header.
const headerKey = "opencarbon"

// Header is what a checkpoint knows besides its tensors: enough to use the
// model on new places without the old YAML, and to go on training exactly.
type Header struct {
	Format        int                `json:"format"`
	Checksum      bool               `json:"checksum,omitempty"` // the file has one; older files have none
	Program       string             `json:"program"`
	Libtorch      string             `json:"libtorch"`
	Config        string             `json:"config"` // the whole experiment, YAML
	Model         layers.ModelConfig `json:"model"`
	Categories    []string           `json:"categories"`               // POI categories in the order of the model's channels
	CategoryTable string             `json:"category_table,omitempty"` // text of the table that made them of raw values; empty: raw values, or a file of an older program
	Normalization json.RawMessage    `json:"normalization,omitempty"`  // how the mosaic's numbers became uint8
	Grid          store.GridSpec     `json:"grid"`
	CellArea      float64            `json:"cell_area_km2,omitempty"`  // mean of the cells it was trained among; 0 in older files
	ImageFeatures string             `json:"image_features,omitempty"` // SHA-256 of the weights whose features the model sees; they are among the arrays
	Rasters       []store.Raster     `json:"rasters,omitempty"`        // further rasters of the store whose numbers the model sees, in this order
	TargetUnit    string             `json:"target_unit"`              // the model predicts ln of this: "tCO2/yr" or "proxy"
	Store         string             `json:"store"`                    // config hash of the store it was trained on
	Threads       int                `json:"threads"`                  // libtorch's; another number may change the last bits
	Ranks         int                `json:"ranks,omitempty"`          // processes that trained it together; 0: one, or any number that divides Parts
	Parts         int                `json:"parts,omitempty"`          // that its batches were encoded in; 0: none
	State         State              `json:"state"`
	Optimizer     string             `json:"optimizer"`
	Steps         []int64            `json:"steps"` // the optimizer's count for each parameter
	Plateau       *torch.Plateau     `json:"plateau,omitempty"`
	Begun         bool               `json:"begun,omitempty"`         // saved before the first step of an epoch, but after its history was made
	Unready       bool               `json:"unready,omitempty"`       // saved before the inputs were standardized, and a fixed part was trained: training that goes on here begins with that
	AverageSteps  int64              `json:"average_steps,omitempty"` // steps in the averaged weights; 0: the file holds the weights as they are trained

	// ValidationErrors are predicted minus true ln emission of the validation
	// cells, in the order of their tiles, by the weights of this file; prediction
	// intervals are made of them. Absent in older files, and where the weights
	// have moved since the last validation.
	ValidationErrors []float32 `json:"validation_errors,omitempty"`

	// Domain says where the model may be trusted; of a finished run's best
	// checkpoint only.
	Domain *DomainHeader `json:"domain,omitempty"`
}

// NewHeader is that of a model of architecture mc, trained on s as c says; what
// training adds is still to come.
func NewHeader(c *config.Config, mc layers.ModelConfig, s *store.Store) (Header, error) {
	text, err := c.YAML()
	if err != nil {
		return Header{}, err
	}
	meta := s.Meta()
	h := seen(mc, s)
	h.Format, h.Checksum, h.Program, h.Libtorch, h.Config, h.CategoryTable = format, true, meta.Program, torch.Version(), string(text), meta.CategoryTable
	return h, nil
}

// Prospect is a checkpoint as training a model of architecture mc on s would write
// it, as far as Reads and Suits ask: whether a model will go where it is meant to is
// known before it is trained. s is what the model will read.
func Prospect(mc layers.ModelConfig, s *store.Store) *Checkpoint {
	return &Checkpoint{Header: seen(mc, s)}
}

// seen is what a header says of the store that a model is trained on.
func seen(mc layers.ModelConfig, s *store.Store) Header {
	meta := s.Meta()
	return Header{Model: mc, Categories: s.Categories(), Normalization: meta.Normalization, Grid: meta.Grid,
		Rasters: Rasters(mc, s), CellArea: meanArea(s), TargetUnit: meta.TargetUnit, Store: meta.ConfigHash}
}

// State is where training stands.
type State struct {
	Epoch     int     `json:"epoch"` // epochs completed
	Step      int     `json:"step"`  // batches done of the epoch under way
	LossSum   float64 `json:"loss_sum"`
	LossCells int     `json:"loss_cells"`
	HasBest   bool    `json:"has_best"`
	Best      float64 `json:"best"` // best validation R2 so far
	BestEpoch int     `json:"best_epoch"`
	Bad       int     `json:"bad"` // validations without improvement
	Stopped   string  `json:"stopped,omitempty"`
}
