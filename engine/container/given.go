package container

import (
	"maps"
	"slices"
	"strings"
)

// FormatGiven is the label that keeps what gave a container variables, and digests of them: "model llm=12ab, provider db=34cd".
func FormatGiven(digests map[string]string) string {
	var out []string
	for _, from := range slices.Sorted(maps.Keys(digests)) {
		out = append(out, from+"="+digests[from])
	}
	return strings.Join(out, ", ")
}

// ParseGiven reads that label; what it cannot read it leaves out.
func ParseGiven(label string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(label, ", ") {
		if from, digest, ok := strings.Cut(part, "="); ok {
			out[from] = digest
		}
	}
	return out
}
