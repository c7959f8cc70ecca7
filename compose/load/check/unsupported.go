package check

import (
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// unsupported tells about what a service asks for and tutti cannot give it, one warning each.
func (in *Input) unsupported(c types.ServiceConfig) {
	if c.Umask != nil {
		in.noUmask(c, "umask")
	}
	for i, h := range c.PreStart {
		at := "pre_start." + strconv.Itoa(i) + "."
		if h.Umask != nil && in.Declares("services", c.Name, "pre_start", strconv.Itoa(i), "umask") {
			in.noUmask(c, at+"umask")
		}
		if len(h.Models) > 0 && in.Declares("services", c.Name, "pre_start", strconv.Itoa(i), "models") {
			in.Warn(in.Nearest("services", c.Name, "pre_start", strconv.Itoa(i), "models"), "service %q: %smodels is ignored: only the service itself is told of models", c.Name, at)
		}
	}
	if c.Deploy != nil {
		in.unsupportedDeploy(c)
	}
}

func (in *Input) noUmask(c types.ServiceConfig, key string) {
	at := in.Nearest(append([]string{"services", c.Name}, strings.Split(key, ".")...)...)
	in.Warn(at, "service %q: %s is ignored: no engine sets it; the container's entrypoint can", c.Name, key)
}

type use struct {
	key  string
	used bool
}

func used(all []use) []string {
	var out []string
	for _, k := range all {
		if k.used {
			out = append(out, k.key)
		}
	}
	return out
}

// unsupportedDeploy tells about what needs more than one engine, each with what happens instead.
func (in *Input) unsupportedDeploy(c types.ServiceConfig) {
	d := c.Deploy
	if d.EndpointMode == "vip" {
		in.instead(c, "endpoint_mode", "vip needs Swarm; the service's name gives the addresses of all replicas, as with dnsrr")
	}
	if len(d.Labels) > 0 {
		in.instead(c, "labels", "for services of Swarm only, ignored")
	}
	if d.Mode == "replicated-job" || d.Mode == "global-job" {
		in.instead(c, "mode", d.Mode+" needs Swarm; the service is kept running like any other")
	}
	if r := d.Resources.Reservations; r != nil && r.NanoCPUs != 0 {
		in.instead(c, "resources.reservations.cpus", "ignored: an engine cannot reserve processors; cpu_shares weighs containers against each other")
	}
	if r := d.Resources.Reservations; r != nil && len(r.GenericResources) > 0 {
		in.instead(c, "resources.reservations.generic_resources", "needs Swarm, ignored")
	}
	if u := d.RollbackConfig; u != nil && u.MaxFailureRatio > 0 {
		in.instead(c, "rollback_config.max_failure_ratio", "ignored: a rollback stops at the first failure, or goes on with failure_action: continue")
	}
	if p := d.RestartPolicy; p != nil && p.Delay != nil {
		in.instead(c, "restart_policy.delay", "ignored: the engine itself waits between restarts, longer each time")
	}
	if keys := placement(d.Placement); len(keys) > 0 {
		at := in.Nearest("services", c.Name, "deploy", "placement", keys[0])
		in.Warn(at, "service %q: deploy.placement.%s: ignored: there is one engine, and nothing to place", c.Name, strings.Join(keys, ", deploy.placement."))
	}
}

func (in *Input) instead(c types.ServiceConfig, key, what string) {
	at := in.Nearest(append([]string{"services", c.Name, "deploy"}, strings.Split(key, ".")...)...)
	in.Warn(at, "service %q: deploy.%s: %s", c.Name, key, what)
}

func placement(p types.Placement) []string {
	return used([]use{
		{"constraints", len(p.Constraints) > 0},
		{"max_replicas_per_node", p.MaxReplicas > 0},
		{"preferences", len(p.Preferences) > 0},
	})
}

func (in *Input) unsupportedTop() {
	if len(in.Project.Jobs)+len(in.Project.DisabledJobs) > 0 {
		in.Warn(in.Nearest("jobs"), "jobs are not supported yet, ignored")
	}
}
