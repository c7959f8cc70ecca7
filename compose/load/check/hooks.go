package check

import (
	"strconv"

	"github.com/compose-spec/compose-go/v2/types"
)

// checkHooks checks what only runs at some point of a service's life; what they refer to is checked with the service's own.
func (in *Input) checkHooks(c types.ServiceConfig) {
	in.checkCommands(c, "post_start", c.PostStart)
	in.checkCommands(c, "pre_stop", c.PreStop)
	for i, h := range c.PreStart {
		in.checkHookTargets(c, i, h)
	}
}

func (in *Input) checkCommands(c types.ServiceConfig, key string, hooks []types.ServiceHook) {
	for i, h := range hooks {
		path := []string{"services", c.Name, key, strconv.Itoa(i)}
		if len(h.Command) == 0 && !in.excused(path...) {
			in.Complain(in.Nearest(append(path, "command")...), "service %q: %s.%d: command is empty", c.Name, key, i)
		}
	}
}

// checkHookTargets checks that an init container's own volumes do not hide each other.
func (in *Input) checkHookTargets(c types.ServiceConfig, i int, h types.PreStartHook) {
	seen := map[string]bool{}
	for j, v := range h.Volumes {
		if seen[v.Target] {
			at := in.Nearest("services", c.Name, "pre_start", strconv.Itoa(i), "volumes", strconv.Itoa(j))
			in.Complain(at, "service %q: pre_start.%d: two volumes mount at %s", c.Name, i, v.Target).Rule = "duplicate-mount"
		}
		seen[v.Target] = true
	}
}
