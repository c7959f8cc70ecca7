package plan

import (
	"fmt"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// need is something that the file asks for and not every engine can do. The engine would drop it without a word.
type need struct {
	path  string // in the Compose file
	api   string // first API version that can
	other string // what else is needed, instead of api
	can   bool
	fatal bool // data or security hang on it
}

// capabilities tells of everything that the file asks for and this engine cannot do.
func (b *builder) capabilities() {
	for _, name := range b.order {
		svc, _ := b.want.Service(name)
		for _, n := range b.needs(svc) {
			if !n.can {
				b.cannot(n)
			}
		}
	}
	for _, n := range b.want.Project.Networks {
		if n.EnableIPv4 != nil && !n.External && b.usesNetwork(n.Key) && !b.have.Caps.EnableIPv4 {
			b.cannot(need{path: "networks." + n.Key + ".enable_ipv4", api: "1.47"})
		}
	}
}

func (b *builder) cannot(n need) {
	needs := n.other
	if needs == "" {
		needs = fmt.Sprintf("engine API %s, this engine has %s", n.api, b.have.Caps.APIVersion)
	}
	d := diag.Diagnostic{Severity: diag.Warning, Path: n.path, Text: n.path + " needs " + needs + ": it is left out"}
	if n.fatal {
		d.Severity, d.Text = diag.Error, n.path+" needs "+needs
		b.errors = append(b.errors, d)
		return
	}
	b.warnings = append(b.warnings, d)
}

func (b *builder) needs(svc desired.Service) []need {
	caps, s, at := b.have.Caps, svc.Container, "services."+svc.Name+"."
	var out []need
	if len(s.Annotations) > 0 {
		out = append(out, need{path: at + "annotations", api: "1.43", can: caps.Annotations})
	}
	out = append(out, b.machineNeeds(at, s)...)
	for i, h := range svc.PreStart {
		out = append(out, b.machineNeeds(fmt.Sprintf("%spre_start.%d.", at, i), h.Container)...)
	}
	for i, m := range s.Mounts {
		out = append(out, b.mountNeeds(fmt.Sprintf("%svolumes.%d", at, i), m)...)
	}
	return append(out, b.networkNeeds(at, s)...)
}

// machineNeeds hang on where the engine runs.
func (b *builder) machineNeeds(at string, s container.Spec) []need {
	var out []need
	windows := b.have.Caps.OS == "windows"
	if s.APISocket {
		out = append(out, need{path: at + "use_api_socket", other: "an engine that is reached at a Unix socket", can: b.have.Caps.Socket != "", fatal: true})
	}
	if s.CredentialSpec != "" {
		out = append(out, need{path: at + "credential_spec", other: "an engine on Windows", can: windows})
	}
	if s.Isolation != "" && s.Isolation != "default" {
		out = append(out, need{path: at + "isolation", other: "an engine on Windows: others have only \"default\"", can: windows, fatal: true})
	}
	return out
}

func (b *builder) mountNeeds(at string, m volume.Mount) []need {
	var out []need
	if m.Type == volume.Image {
		out = append(out, need{path: at + ".type", api: "1.48", can: b.have.Caps.ImageMounts, fatal: true})
	}
	if m.Type == volume.Volume && m.Subpath != "" {
		out = append(out, need{path: at + ".volume.subpath", api: "1.45", can: b.have.Caps.Subpath, fatal: true})
	}
	return out
}

func (b *builder) networkNeeds(at string, s container.Spec) []need {
	var out []need
	for i, a := range s.Networks {
		if i > 0 && a.MacAddress != "" { // the first has its own by that of the container
			out = append(out, need{path: at + "networks." + a.Network + ".mac_address", api: "1.44", can: b.have.Caps.EndpointMAC})
		}
		if a.GwPriority != 0 {
			out = append(out, need{path: at + "networks." + a.Network + ".gw_priority", api: "1.48", can: b.have.Caps.GwPriority})
		}
		if a.InterfaceName != "" {
			out = append(out, need{path: at + "networks." + a.Network + ".interface_name", api: "1.49", can: b.have.Caps.InterfaceName})
		}
	}
	return out
}
