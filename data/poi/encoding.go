package poi

import (
	"io"

	"opencarbon/data/charset"
	"opencarbon/data/fault"
)

// decode makes UTF-8 of a file's text: by the encoding that the configuration
// asks for, else by the one that sample, a part of the text, is in. It returns
// the encoding's name for the report, "" for UTF-8.
func decode(path, asked string, sample []byte, r io.Reader) (io.Reader, string, error) {
	name := asked
	if name == "" {
		var rival string
		if name, rival = charset.Guess(sample); rival != "" {
			return nil, "", fault.New(path, "its text is not UTF-8, and may be "+name+" or "+rival, "Say which in data.poi.encoding.")
		}
	}
	e, err := charset.New(name)
	if err != nil {
		return nil, "", fault.Wrap(err, "data.poi.encoding", "is not known", "Name another, or leave it out.")
	}
	if e == nil {
		return r, "", nil
	}
	return e.NewDecoder().Reader(r), name, nil
}
