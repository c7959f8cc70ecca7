package lint

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

var isolationRules = []Rule{
	{ID: "privileged", Severity: diag.Warning, Title: "a container is privileged", check: each(privileged),
		Why: "It can do to the host whatever root can.",
		Fix: "Give it what it needs: `cap_add`, `devices`, `security_opt`."},
	{ID: "docker-socket", Severity: diag.Warning, Title: "the engine's socket is mounted", check: each(dockerSocket),
		Why: "Who can speak to the engine is root on the host, also where the mount is read-only.",
		Fix: "Put a proxy that allows only some calls between the two, if the service is not to be trusted that far."},
	{ID: "host-path-writable", Severity: diag.Warning, Title: "a directory of the system is mounted, and can be written", check: each(hostPathWritable),
		Why: "A mistake or a break-in changes the host itself.",
		Fix: "Mount it read-only (`:ro`), or only what is needed of it."},
	{ID: "host-network", Severity: diag.Info, Title: "a service is on the host's own network", check: each(hostNetwork),
		Why: "It can reach, and listen on, everything that the host can; other services do not find it by its name.",
		Fix: "Publish its ports instead."},
	{ID: "host-namespace", Severity: diag.Warning, Title: "a service shares the host's processes, memory or users", check: each(hostNamespace),
		Why: "It sees, and may signal or read, what other programs on the host do.",
		Fix: "Leave it out, unless watching the host is what the service is for."},
	{ID: "strong-capability", Severity: diag.Warning, Title: "a capability is added that is as good as root", check: each(strongCapability),
		Why: "With SYS_ADMIN, SYS_MODULE, DAC_READ_SEARCH or ALL a container can get out.",
		Fix: "Add the one capability that is missing."},
	{ID: "unconfined", Severity: diag.Warning, Title: "seccomp, AppArmor or SELinux is switched off", check: each(unconfined),
		Why: "These keep a container from system calls and files that break-ins use.",
		Fix: "Leave it out, or name a profile that allows what is missing."},
}

func privileged(s Service) []Finding {
	if s.Privileged.Value != "true" {
		return nil
	}
	return one(s.about(s.Privileged.At, "it is privileged: root in it is root on the host", "give it what it needs with cap_add and devices"))
}

var sockets = []string{"/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock"}

func dockerSocket(s Service) []Finding {
	var out []Finding
	for _, m := range s.Mounts {
		if m.Type == "bind" && slices.Contains(sockets, m.Source) {
			out = append(out, s.about(m.At, m.Source+" makes it root on the host", "a proxy can allow only the calls that it needs"))
		}
	}
	return out
}

var systemPaths = []string{"/", "/boot", "/dev", "/etc", "/lib", "/proc", "/root", "/run", "/sys", "/usr", "/var", "/var/lib", "/var/lib/docker", "/var/run"}

func hostPathWritable(s Service) []Finding {
	var out []Finding
	for _, m := range s.Mounts {
		if m.Type == "bind" && !m.ReadOnly && slices.Contains(systemPaths, m.Source) {
			out = append(out, s.about(m.At, m.Source+" of the host can be written", "add :ro"))
		}
	}
	return out
}

func hostNetwork(s Service) []Finding {
	if s.NetworkMode.Value != "host" {
		return nil
	}
	return one(s.about(s.NetworkMode.At, "it is on the host's own network", "publish its ports instead"))
}

func hostNamespace(s Service) []Finding {
	var out []Finding
	for _, n := range s.Namespaces {
		if n.Value == "host" {
			out = append(out, s.about(n.At, n.Key+": host", "leave it out, unless it is there to watch the host"))
		}
	}
	return out
}

var strong = []string{"ALL", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"}

func strongCapability(s Service) []Finding {
	var out []Finding
	for _, c := range s.CapAdd {
		if slices.Contains(strong, strings.TrimPrefix(strings.ToUpper(c.Value), "CAP_")) {
			out = append(out, s.about(c.At, "capability "+c.Value+" is as good as root on the host", "add only what is missing"))
		}
	}
	return out
}

func unconfined(s Service) []Finding {
	var out []Finding
	for _, o := range s.SecurityOpt {
		text := strings.ReplaceAll(strings.ToLower(o.Value), "=", ":")
		if text == "seccomp:unconfined" || text == "apparmor:unconfined" || text == "label:disable" || text == "systempaths:unconfined" {
			out = append(out, s.about(o.At, "security_opt "+o.Value+" switches a protection off", "leave it out, or name a profile"))
		}
	}
	return out
}
