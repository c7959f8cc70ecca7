package lint

import (
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/diag"
)

var dependencyRules = []Rule{
	{ID: "healthy-without-healthcheck", Severity: diag.Warning, Title: "a service waits for another to be healthy, which has no healthcheck", check: healthyWithout,
		Why: "Unless its image brings one it never gets healthy, and `up` fails. Where it is switched off that is certain: an error.",
		Fix: "Give the other service a `healthcheck`."},
	{ID: "started-with-healthcheck", Severity: diag.Info, Title: "a service waits for another only to be started, which has a healthcheck", check: startedWith,
		Why: "Started is not ready: it may be asked before it can answer.",
		Fix: "Write `condition: service_healthy`, or `service_started` if that is meant."},
	{ID: "completed-but-restarts", Severity: diag.Warning, Title: "a service waits for another to complete, which is restarted for ever", check: completedButRestarts,
		Why: "With `restart: always` or `unless-stopped` it is started again as soon as it ends.",
		Fix: "Leave `restart` out, or write `on-failure`."},
	{ID: "no-common-network", Severity: diag.Info, Title: "a service depends on another that it has no network in common with", check: noCommonNetwork,
		Why: "It cannot reach it by its name.",
		Fix: "Put both on one network, if they are to talk to each other."},
	{ID: "no-healthcheck", Severity: diag.Info, Off: true, Title: "a service has no healthcheck", check: each(noHealthcheck),
		Why: "Nobody can wait until it is ready, and an update cannot tell that it is not well.",
		Fix: "Give it a `healthcheck`, unless its image brings one."},
	{ID: "no-restart-policy", Severity: diag.Info, Off: true, Title: "a service has no restart policy", check: noRestartPolicy,
		Why: "It stays down after a crash, or after the machine was started anew.",
		Fix: "Write `restart: unless-stopped`."},
}

// waits calls say for every dependency on a service that there is.
func (p *Project) waits(condition string, say func(s, on Service, d Dependency) []Finding) []Finding {
	var out []Finding
	for _, s := range p.Services {
		for _, d := range s.Depends {
			if on, ok := p.service(d.Service); ok && (condition == "" || d.Condition == condition) {
				out = append(out, say(s, on, d)...)
			}
		}
	}
	return out
}

func healthyWithout(p *Project) []Finding {
	return p.waits("service_healthy", func(s, on Service, d Dependency) []Finding {
		switch {
		case on.Healthcheck.Disabled:
			f := s.about(d.At, fmt.Sprintf("it waits for %q to be healthy, whose healthcheck is switched off", on.Name), "give it a healthcheck")
			f.Severity = diag.Error
			return one(f)
		case !on.Healthcheck.Given:
			return one(s.about(d.At, fmt.Sprintf("it waits for %q to be healthy, which has no healthcheck here", on.Name), "give it one, unless its image brings one"))
		}
		return nil
	})
}

func startedWith(p *Project) []Finding {
	return p.waits("service_started", func(s, on Service, d Dependency) []Finding {
		if d.Said || !on.Healthcheck.Given || on.Healthcheck.Disabled {
			return nil
		}
		return one(s.about(d.At, fmt.Sprintf("it waits only until %q is started, though that has a healthcheck", on.Name), "write condition: service_healthy"))
	})
}

func completedButRestarts(p *Project) []Finding {
	return p.waits("service_completed_successfully", func(s, on Service, d Dependency) []Finding {
		if on.Restart.Value != "always" && on.Restart.Value != "unless-stopped" {
			return nil
		}
		f := s.about(d.At, fmt.Sprintf("it waits for %q to complete, which is restarted for ever (restart: %s)", on.Name, on.Restart.Value), "leave restart out there")
		return one(f)
	})
}

func noCommonNetwork(p *Project) []Finding {
	return p.waits("", func(s, on Service, d Dependency) []Finding {
		apart := len(s.Networks) > 0 && len(on.Networks) > 0 && !slices.ContainsFunc(s.Networks, func(n string) bool { return slices.Contains(on.Networks, n) })
		if !apart || d.Condition == "service_completed_successfully" {
			return nil
		}
		return one(s.about(d.At, fmt.Sprintf("it has no network in common with %q", on.Name), "put both on one, if they are to talk to each other"))
	})
}

func noHealthcheck(s Service) []Finding {
	if s.Healthcheck.Given || s.Healthcheck.Disabled {
		return nil
	}
	return one(s.about(s.At, "it has no healthcheck", "give it one, unless its image brings one"))
}

// noRestartPolicy leaves out what others wait for to complete.
func noRestartPolicy(p *Project) []Finding {
	once := map[string]bool{}
	for _, s := range p.Services {
		for _, d := range s.Depends {
			once[d.Service] = once[d.Service] || d.Condition == "service_completed_successfully"
		}
	}
	return each(func(s Service) []Finding {
		if s.Restart.Value != "" || once[s.Name] {
			return nil
		}
		return one(s.about(s.At, "it has no restart policy", "write restart: unless-stopped"))
	})(p)
}
