package check

import (
	"strings"

	"github.com/compose-spec/compose-go/v2/types"
)

// unsupported tells about what a service asks for and tutti cannot give it, one warning each.
func (in *Input) unsupported(c types.ServiceConfig) {
	for _, k := range []struct {
		key  string
		used bool
	}{
		{"credential_spec", c.CredentialSpec != nil},
		{"models", len(c.Models) > 0},
		{"post_start", len(c.PostStart) > 0},
		{"pre_start", len(c.PreStart) > 0},
		{"pre_stop", len(c.PreStop) > 0},
		{"provider", c.Provider != nil},
		{"umask", c.Umask != nil},
		{"use_api_socket", c.UseAPISocket},
	} {
		if k.used {
			in.Warn(in.Nearest("services", c.Name, k.key), "service %q: %s is not supported yet, ignored", c.Name, k.key)
		}
	}
	if keys := swarmOnly(c.Deploy); len(keys) > 0 {
		in.Warn(in.Nearest("services", c.Name, "deploy"), "service %q: deploy.%s: for Swarm only, ignored", c.Name, strings.Join(keys, ", deploy."))
	}
}

func swarmOnly(d *types.DeployConfig) []string {
	if d == nil {
		return nil
	}
	var out []string
	for _, k := range []struct {
		key  string
		used bool
	}{
		{"endpoint_mode", d.EndpointMode != ""},
		{"labels", len(d.Labels) > 0},
		{"mode", d.Mode != "" && d.Mode != "replicated"},
		{"placement", len(d.Placement.Constraints)+len(d.Placement.Preferences) > 0 || d.Placement.MaxReplicas > 0},
		{"rollback_config", d.RollbackConfig != nil},
		{"update_config", d.UpdateConfig != nil},
	} {
		if k.used {
			out = append(out, k.key)
		}
	}
	return out
}

func (in *Input) unsupportedTop() {
	if len(in.Project.Jobs)+len(in.Project.DisabledJobs) > 0 {
		in.Warn(in.Nearest("jobs"), "jobs are not supported yet, ignored")
	}
	if len(in.Project.Models) > 0 {
		in.Warn(in.Nearest("models"), "models are not supported yet, ignored")
	}
}
