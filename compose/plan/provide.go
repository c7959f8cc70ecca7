package plan

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
)

// verb of a provider's command. After "down" nothing is left.
func (p Provide) verb() string {
	if p.Command == "down" {
		return "remove"
	}
	return p.Command
}

// From is what gives the variables of the step: see Given.
func (p Provide) From() string { return "provider " + p.Service }

// From is what gives the variables of the step: see Given.
func (m ServeModel) From() string { return "model " + m.Model.Name }

// Given tells whether it is about variables that a container is given, and not about an image.
func (s SameImage) Given() bool {
	return strings.HasPrefix(s.Ref, "provider ") || strings.HasPrefix(s.Ref, "model ")
}

func providerNode(svc desired.Service, command string) Node {
	step := Provide{Service: svc.Name, Command: command, Provider: *svc.Provider}
	return Node{ID: ID(command + " " + step.From()), Step: step, Resource: Resource{Kind: Provider, Service: svc.Name, Name: svc.Name}, Reasons: []Reason{ProvidedBy{svc.Provider.Type}}}
}

// emitProvider brings a service about that has no containers. Whether there is something to do only its provider knows.
func (b *builder) emitProvider(svc desired.Service) {
	n, ready := providerNode(svc, "up"), b.dependencies(svc)
	n.After, n.AfterAny = slices.Concat(b.checks, ready.done), ready.ended
	b.add(n)
}

// models that the services want, each once.
func (b *builder) models() {
	for _, name := range b.order {
		svc, _ := b.want.Service(name)
		for _, use := range svc.Models {
			m, _ := b.want.Project.Model(use.Name)
			step := ServeModel{m}
			if id := ID("serve " + step.From()); b.planned(id) == "" {
				b.add(Node{ID: id, Step: step, Resource: Resource{Kind: Model, Name: m.Name}, Reasons: []Reason{Serves{m.Model}}, After: b.checks})
			}
		}
	}
}

// given are the variables that a service's containers get from elsewhere, and the steps that they are known after.
func (b *builder) given(svc desired.Service) (out []Given, after readiness) {
	for _, use := range svc.Models {
		g := Given{From: "model " + use.Name, Names: map[string]string{"URL": use.URLVar, "MODEL": use.ModelVar}}
		after.add(b.planned(ID("serve "+g.From)), true)
		out = append(out, g)
	}
	for _, d := range b.providersOf(svc) {
		g := Given{From: "provider " + d.Service, Prefix: strings.ToUpper(d.Service) + "_"}
		after.add(b.planned(ID("up "+g.From)), d.Required)
		out = append(out, g)
	}
	return out, after
}

// providersOf are the dependencies that a provider brings about, as far as they are part of the plan.
func (b *builder) providersOf(svc desired.Service) []desired.Dependency {
	var out []desired.Dependency
	for _, d := range svc.Depends {
		if dep, ok := b.want.Service(d.Service); ok && dep.Provider != nil && b.selected[d.Service] {
			out = append(out, d)
		}
	}
	return out
}

// judgeGiven makes a container anew if what it was given turns out to be something else.
func (b *builder) judgeGiven(svc desired.Service, r *replica) {
	had, given := container.ParseGiven(r.live.Labels[container.LabelGiven]), []string(nil)
	for _, use := range svc.Models {
		given = append(given, "model "+use.Name)
	}
	for _, d := range b.providersOf(svc) {
		given = append(given, "provider "+d.Service)
	}
	for _, from := range given {
		b.judgeRenewal(r, SameImage{from, had[from]}, GivenAnew{from})
	}
}

// providers of the services named (none: all) that the file has: a step with that command for each, after what depends on it is out of its way.
func (l *lifecycle) providers(services []string, command string, after func(dependent string) []ID) []Node {
	var out []Node
	for _, svc := range l.project.Services {
		if svc.Provider == nil || len(services) > 0 && !slices.Contains(services, svc.Name) {
			continue
		}
		n := providerNode(svc, command)
		for _, d := range l.dependents(svc.Name) {
			n.AfterAny = append(n.AfterAny, after(d)...)
		}
		out = append(out, n)
	}
	return out
}
