package endpoint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

// Variable of an environment.
type Variable struct{ Name, Value string }

// String is "WEB_PORT=8080".
func (v Variable) String() string { return v.Name + "=" + v.Value }

// Variables for endpoints that are together by service, in their order: WEB_HOST and WEB_PORT of a service's first one, and WEB_PORT_80, WEB_PORT_53_UDP
// of each; WEB_HOST_80 of one that is reached elsewhere than the first. Names that two services would have, as a-b and a_b, and such as programs
// find the engine by are left out, and told of.
func Variables(all []Endpoint) ([]Variable, diag.List) {
	var out []Variable
	owners := map[string][]string{} // services, by variable
	for i, e := range all {
		head := e
		for j := i; j >= 0 && all[j].Service == e.Service; j-- {
			head = all[j]
		}
		for _, v := range e.variables(head) {
			if !slices.Contains(owners[v.Name], e.Service) {
				owners[v.Name] = append(owners[v.Name], e.Service)
			}
			out = append(out, v)
		}
	}
	out = slices.DeleteFunc(out, func(v Variable) bool { return len(owners[v.Name]) > 1 || reserved[v.Name] })
	return out, leftOut(owners)
}

// variables of an endpoint, the head being the first of its service.
func (e Endpoint) variables(head Endpoint) []Variable {
	prefix, suffix := prefix(e.Service), "_"+strconv.Itoa(e.Target)
	if e.Protocol != "tcp" {
		suffix += "_" + strings.ToUpper(e.Protocol)
	}
	port := strconv.Itoa(e.Port)
	var out []Variable
	if e == head {
		out = append(out, Variable{prefix + "_HOST", e.Host}, Variable{prefix + "_PORT", port})
	}
	if e.Host != head.Host {
		out = append(out, Variable{prefix + "_HOST" + suffix, e.Host})
	}
	return append(out, Variable{prefix + "_PORT" + suffix, port})
}

// prefix of a service's variables, as shells take them.
func prefix(service string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, strings.ToUpper(service))
	if name[0] >= '0' && name[0] <= '9' {
		return "_" + name
	}
	return name
}

// reserved are variables by which programs find an engine.
var reserved = map[string]bool{"DOCKER_HOST": true, "CONTAINER_HOST": true, "BUILDKIT_HOST": true}

// leftOut tells of variables that are not set, those of the same services together.
func leftOut(owners map[string][]string) diag.List {
	shared := map[string][]string{} // variables, by services
	var out diag.List
	for _, name := range slices.Sorted(maps.Keys(owners)) {
		switch services := owners[name]; {
		case reserved[name]:
			out = append(out, diag.Diagnostic{Severity: diag.Warning, Path: "services." + services[0],
				Text: fmt.Sprintf("variable %s of service %q is left out, as programs find an engine by it", name, services[0])})
		case len(services) > 1:
			key := strings.Join(services, " ")
			shared[key] = append(shared[key], name)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(shared)) {
		services := strings.Fields(key)
		out = append(out, diag.Diagnostic{Severity: diag.Warning, Path: "services." + services[1],
			Text: fmt.Sprintf("services %s would have the same variables, which are left out: %s", strings.Join(services, " and "), strings.Join(shared[key], ", ")),
			Hint: "call one of them otherwise"})
	}
	return out
}
