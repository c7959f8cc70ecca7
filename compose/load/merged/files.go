package merged

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/paths"
	"github.com/compose-spec/compose-go/v2/types"
)

// Target is where in a container a config or secret is.
func Target(kind string, ref types.FileReferenceConfig) string {
	base := "/"
	if kind == "secret" {
		base = "/run/secrets/"
	}
	switch t := ref.Target; {
	case t == "":
		return base + ref.Source
	case strings.HasPrefix(t, "/") || paths.IsWindowsAbs(t):
		return t
	default:
		return base + t
	}
}

// OwnAttributes tells whether a config or secret is to have another owner or mode than its file.
func OwnAttributes(ref types.FileReferenceConfig) bool {
	return ref.UID != "" || ref.GID != "" || ref.Mode != nil
}
