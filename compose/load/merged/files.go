package merged

import (
	"path"
	"slices"
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

// Room is the directory that a container needs a volume at to have a config or secret that is copied to target: there is a tmpfs, or all else is
// read-only. "": it needs none, or there can be none.
func Room(c types.ContainerSpec, target string) string {
	dir := path.Dir(target)
	for at := dir; at != "/" && at != "."; at = path.Dir(at) {
		for _, v := range c.Volumes {
			switch {
			case path.Clean(v.Target) != at:
			case v.Type == types.VolumeTypeTmpfs && at != dir:
				return dir
			default:
				return ""
			}
		}
		if slices.ContainsFunc(c.Tmpfs, func(t string) bool { t, _, _ = strings.Cut(t, ":"); return path.Clean(t) == at }) {
			if at == dir {
				return ""
			}
			return dir
		}
	}
	if !c.ReadOnly || dir == "/" {
		return ""
	}
	return dir
}
