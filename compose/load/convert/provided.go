package convert

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load/canon"
)

// provided is a service that has no containers: a provider brings it about.
func (in *Input) provided(c types.ServiceConfig) desired.Service {
	flat := canon.Flatten(c, in.CreatesHostPath)
	config, _ := json.Marshal(flat) // which config prints just so
	return desired.Service{
		Name: c.Name, Depends: in.depends(c), ConfigHash: flat.Hash(), NoAttach: true, Profiles: c.Profiles,
		Provider: &desired.Provider{Type: c.Provider.Type, Options: c.Provider.Options, Config: config},
	}
}

func models(all types.Models) []desired.Model {
	var out []desired.Model
	for _, name := range slices.Sorted(maps.Keys(all)) {
		m := all[name]
		out = append(out, desired.Model{Name: name, Model: m.Model, ContextSize: m.ContextSize, RuntimeFlags: m.RuntimeFlags})
	}
	return out
}

// modelUses with the names that Docker Compose gives to variables where the file does not.
func modelUses(all map[string]*types.ServiceModelConfig) []desired.ModelUse {
	var out []desired.ModelUse
	for _, name := range slices.Sorted(maps.Keys(all)) {
		prefix := strings.ReplaceAll(strings.ToUpper(name), "-", "_")
		use := desired.ModelUse{Name: name, URLVar: prefix + "_URL", ModelVar: prefix + "_MODEL"}
		if m := all[name]; m != nil {
			use.URLVar, use.ModelVar = cmp.Or(m.EndpointVariable, use.URLVar), cmp.Or(m.ModelVariable, use.ModelVar)
		}
		out = append(out, use)
	}
	return out
}
