package history

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/tutti-run/tutti/compose/load"
)

// format that this version writes, and the only one that it reads.
const format = 1

const indexName = "index.json"

// index tells of all revisions; the file of each is beside it, and read only when it is wanted.
type index struct {
	Format    int        `json:"format"`
	Revisions []Revision `json:"revisions"`
}

func fileName(number int) string { return strconv.Itoa(number) + ".json" }

// Encode a history as files, by name.
func (h History) Encode() (map[string][]byte, error) {
	text, err := json.Marshal(index{format, h.Revisions})
	if err != nil {
		return nil, fmt.Errorf("write history: %w", err)
	}
	out := map[string][]byte{indexName: text}
	for _, r := range h.Revisions {
		out[fileName(r.Number)] = h.files[r.Number]
	}
	return out, nil
}

// Decode what Encode made. Files of which the index does not tell are left out.
func Decode(files map[string][]byte) (History, error) {
	var i index
	if err := json.Unmarshal(files[indexName], &i); err != nil {
		return History{}, fmt.Errorf("read history: %s: %w", indexName, err)
	}
	if i.Format != format {
		return History{}, fmt.Errorf("read history: format %d is not %d, which this version knows", i.Format, format)
	}
	out := History{Revisions: i.Revisions, files: map[int][]byte{}}
	before := 0
	for _, r := range i.Revisions {
		text, ok := files[fileName(r.Number)]
		if r.Number <= before || !ok {
			return History{}, fmt.Errorf("read history: revision %d is out of order, or without its file", r.Number)
		}
		before, out.files[r.Number] = r.Number, slices.Clone(text)
	}
	return out, nil
}

func encodeFile(number int, file load.Resolved) ([]byte, error) {
	text, err := json.Marshal(file)
	if err != nil {
		return nil, fmt.Errorf("write revision %d: %w", number, err)
	}
	return text, nil
}

func decodeFile(number int, text []byte) (load.Resolved, error) {
	var out load.Resolved
	if err := json.Unmarshal(text, &out); err != nil {
		return load.Resolved{}, fmt.Errorf("read revision %d: %w", number, err)
	}
	return out, nil
}
