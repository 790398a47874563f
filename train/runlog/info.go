package runlog

import (
	"encoding/json"
	"fmt"
	"runtime"
	"time"

	"opencarbon/data/fault"
	"opencarbon/data/regular"
	"opencarbon/train/atomicfile"
)

// Info is run.json: what somebody needs to know to trust a result or to make it
// again.
type Info struct {
	Program  string            `json:"program"`            // commit or module version, "+changes" where the tree had any
	Go       string            `json:"go"`                 // Go version
	Libtorch string            `json:"libtorch,omitempty"` // given by the caller: this floor does not know it
	GDAL     string            `json:"gdal,omitempty"`     // given by the caller
	Platform string            `json:"platform"`           // e.g. linux/amd64
	CPUs     int               `json:"cpus"`
	Device   string            `json:"device,omitempty"`  // e.g. cpu, cuda:0 NVIDIA ...
	Command  []string          `json:"command,omitempty"` // the command line
	Started  time.Time         `json:"started"`
	Finished *time.Time        `json:"finished,omitempty"`
	Outcome  string            `json:"outcome,omitempty"` // running | finished | early stop | interrupted | failed: ...
	Seed     int64             `json:"seed"`
	Variant  string            `json:"variant,omitempty"` // of the model, as model.variant has it
	Data     map[string]string `json:"data,omitempty"`    // input file or store -> its hash
	Resumed  []Resumption      `json:"resumed,omitempty"`
	Results  json.RawMessage   `json:"results,omitempty"` // scores by split, as package metrics writes them
}

// Resumption is one take-up of an interrupted run.
type Resumption struct {
	Time    time.Time `json:"time"`
	Epoch   int       `json:"epoch"` // epochs already done
	Command []string  `json:"command,omitempty"`
}

// NewInfo fills in what the process knows of itself.
func NewInfo(now time.Time, seed int64, command []string) Info {
	return Info{
		Program: version(), Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(),
		Command: command, Started: now, Seed: seed, Outcome: "running",
	}
}

// WriteInfo writes run.json.
func (r *Run) WriteInfo(info Info) error {
	text, err := json.MarshalIndent(info, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.WriteBytes(r.Path(InfoFile), append(text, '\n'))
}

// ReadInfo reads run.json.
func (r *Run) ReadInfo() (Info, error) {
	var info Info
	text, err := regular.Read(r.Path(InfoFile), maxFile)
	if err == nil {
		err = json.Unmarshal(text, &info)
	}
	if err != nil {
		return Info{}, fault.Wrap(err, r.Path(InfoFile), "cannot be read", fmt.Sprintf("A run folder holds a %s; start a new run if it is lost.", InfoFile))
	}
	return info, nil
}
