package check

import (
	"path"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/merged"
)

// checkFile checks how a container has a config or secret; key is where in the service it stands.
func (in *Input) checkFile(c types.ServiceConfig, spec types.ContainerSpec, key string, ref types.FileReferenceConfig, def types.FileObjectConfig) {
	defer in.As("bad-content")()
	kind := key[strings.LastIndexByte(key, '.')+1:]
	one := strings.TrimSuffix(kind, "s")
	in.checkExternal(c, spec, key, merged.Target(one, ref), ref.Source, def)
	at := in.Item(append([]string{"services", c.Name}, strings.Split(key, ".")...), ref.Source)
	for _, id := range []struct{ key, value string }{{"uid", ref.UID}, {"gid", ref.GID}} {
		if _, err := strconv.ParseUint(id.value, 10, 31); err != nil && id.value != "" {
			d := in.Complain(at, "service %q: %s %q: %s must be a number, not %q", c.Name, one, ref.Source, id.key, id.value)
			d.Hint = "names are known only in the image"
		}
	}
	switch own := merged.OwnAttributes(ref); {
	case merged.Room(spec, merged.Target(one, ref)) != "":
		return // it gets a volume to be in
	case def.File != "" && own && c.ReadOnly:
		in.Warn(at, "service %q is read-only: uid, gid and mode of %s %q are those of its file", c.Name, one, ref.Source)
		return
	case def.File != "" && (c.ReadOnly || !own && merged.OnChange(c.Extensions, ref.Extensions) == ""):
		return // it is mounted, over whatever is there
	}
	if over := hidden(spec, merged.Target(one, ref)); over != "" {
		in.Warn(at, "service %q: %s %q is put in before the container starts, and the tmpfs at %s will hide it", c.Name, one, ref.Source, over)
	}
}

// hidden gives the tmpfs that a path is under; "" if there is none.
func hidden(spec types.ContainerSpec, target string) string {
	for dir := path.Dir(target); dir != "/" && dir != "."; dir = path.Dir(dir) {
		for _, t := range spec.Tmpfs {
			if at, _, _ := strings.Cut(t, ":"); path.Clean(at) == dir {
				return dir
			}
		}
		for _, v := range spec.Volumes {
			if path.Clean(v.Target) == dir && v.Type == types.VolumeTypeTmpfs {
				return dir
			} else if path.Clean(v.Target) == dir {
				return "" // it is put in there
			}
		}
	}
	return ""
}
