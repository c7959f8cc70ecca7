package lint

import (
	"fmt"

	"github.com/tutti-run/tutti/compose/diag"
)

var formRules = []Rule{
	{ID: "links-legacy", Severity: diag.Info, Title: "links are used, which networks have replaced", check: each(linksLegacy),
		Why: "Services on one network find each other by name without them; a link only adds an order, and another name.",
		Fix: "Use `depends_on` for the order, and `networks.NAME.aliases` for names."},
	{ID: "external-name", Severity: diag.Warning, Title: "a resource's name stands under external, where it did long ago", check: externalName,
		Why: "`external.name` is deprecated; newer programs may not read it.",
		Fix: "Write `external: true` and `name: NAME`."},
	{ID: "container-name", Severity: diag.Info, Off: true, Title: "a service has a container_name", check: each(containerName),
		Why: "It allows one replica, and one copy of the project on a machine.",
		Fix: "Leave it out; other services find it by its service's name."},
}

func linksLegacy(s Service) []Finding {
	var out []Finding
	for _, l := range s.Links {
		out = append(out, s.about(l.At, fmt.Sprintf("link %q: services find each other by name without", l.Value), "use depends_on, and aliases of networks"))
	}
	return out
}

func externalName(p *Project) []Finding {
	var out []Finding
	for _, kind := range []struct {
		section string
		all     []Resource
	}{{"networks", p.Networks}, {"volumes", p.Volumes}, {"secrets", p.Secrets}, {"configs", p.Configs}} {
		for _, r := range kind.all {
			if r.Outdated.Value != "" {
				text := fmt.Sprintf("%s %q: external.name is deprecated", kind.section[:len(kind.section)-1], r.Name)
				out = append(out, r.about(kind.section, r.Outdated.At, text, "write external: true, and name: "+r.Outdated.Value))
			}
		}
	}
	return out
}

func containerName(s Service) []Finding {
	if s.ContainerName.Value == "" {
		return nil
	}
	return one(s.about(s.ContainerName.At, "container_name allows one replica, and one copy of the project", "leave it out"))
}
