package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
)

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
