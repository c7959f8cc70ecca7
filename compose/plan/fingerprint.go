package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine/container"
)

// Seen is a digest of containers by which it is told whether others have come, gone, started or stopped since a plan was made.
func Seen(containers []container.Live) string {
	h := sha256.New()
	for _, l := range slices.SortedFunc(slices.Values(containers), func(x, y container.Live) int { return strings.Compare(x.ID, y.ID) }) {
		fmt.Fprintln(h, l.ID, l.Name, l.Up())
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Fingerprint of a node: two nodes with the same do the same. It does not tell what is in it, so that it can be kept in a file:
// contents and values go in as digests only.
func (n Node) Fingerprint() string {
	b, err := json.Marshal(struct {
		Step            string
		Is              Step
		After, AfterAny []ID
		Unless          []SameImage
	}{fmt.Sprintf("%T", n.Step), n.Step, n.After, n.AfterAny, n.Unless})
	if err != nil {
		panic(err) // steps are plain values
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}
