package desired

import (
	"crypto/sha256"
	"encoding/hex"
)

// HistoryImage is the reference under which the engine keeps a project's history. It is no image of the project's.
func HistoryImage(project string) string { return "tutti-history:" + tagOf(project) }

// NextHistoryImage is what the history will be once the change under way has succeeded. It is there after it only if that was cut off.
func NextHistoryImage(project string) string { return HistoryImage(project) + next }

const (
	next    = ".next" // names of projects have no dots
	longest = 128     // that a tag may be (distribution/reference)
)

// tagOf a project; the end of a name too long for a tag is digested.
func tagOf(project string) string {
	if len(project)+len(next) <= longest {
		return project
	}
	sum := sha256.Sum256([]byte(project))
	end := "." + hex.EncodeToString(sum[:8])
	return project[:longest-len(next)-len(end)] + end
}
