package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/load/merged"
)

// checkExtensions checks what a service says under x-tutti, and its configs and secrets.
func (in *Input) checkExtensions(c types.ServiceConfig) {
	in.checkExtension(c, c.Extensions)
	for _, ref := range c.Configs {
		in.checkExtension(c, ref.Extensions, "configs", ref.Source)
	}
	for _, ref := range c.Secrets {
		in.checkExtension(c, ref.Extensions, "secrets", ref.Source)
	}
}

// checkExtension at a path within a service.
func (in *Input) checkExtension(c types.ServiceConfig, all types.Extensions, path ...string) {
	given, told := all[merged.Extension]
	if !told {
		return
	}
	path = append(path, merged.Extension)
	own := in.section(c, given, path, "on_change")
	if _, told := own["on_change"]; !told {
		return
	}
	path = append(path, "on_change")
	change := in.section(c, own["on_change"], path, "signal")
	signal, told := change["signal"]
	if change == nil || !told {
		return
	}
	at := in.Nearest(append(append([]string{"services", c.Name}, path...), "signal")...)
	switch {
	case merged.Signal(fmt.Sprint(signal)) == "":
		in.Complain(at, "service %q: %s: there is no signal %q", c.Name, strings.Join(path, "."), fmt.Sprint(signal))
	case c.ReadOnly:
		in.Warn(at, "service %q is read-only: nothing can be put into it while it runs, so it is made anew when a config or secret changes", c.Name)
	}
}

// section is a mapping that may have these keys; nil if it is none.
func (in *Input) section(c types.ServiceConfig, given any, path []string, keys ...string) map[string]any {
	own, ok := given.(map[string]any)
	if !ok {
		in.Complain(in.Nearest(append([]string{"services", c.Name}, path...)...), "service %q: %s must be a mapping", c.Name, strings.Join(path, "."))
		return nil
	}
	for _, k := range slices.Sorted(maps.Keys(own)) {
		if !slices.Contains(keys, k) {
			d := in.Complain(in.Nearest(append(append([]string{"services", c.Name}, path...), k)...), "service %q: %s has no key %q", c.Name, strings.Join(path, "."), k)
			d.Hint = diag.DidYouMean(k, keys)
		}
	}
	return own
}
