package plan

import "github.com/tutti-run/tutti/compose/desired"

// runsOnce tells of the service that only a container of `run` is made of; those that it has stay as they are.
func (b *builder) runsOnce(service string) bool {
	return b.o.OneOff != nil && b.o.OneOff.Service == service
}

// emitOneOff makes the container of `run` once what its service depends on is ready. Who asked for it starts it.
func (b *builder) emitOneOff() {
	if b.o.OneOff == nil {
		return
	}
	o := *b.o.OneOff
	svc, _ := b.want.Service(o.Service)
	r := &replica{Replica: b.want.OneOff(o), create: []Reason{Asked{"run"}}}
	if b.o.NoDeps {
		svc.Depends = withNamespaces(svc.Depends)
	}
	ready := b.dependencies(svc)
	id := b.emitCreate(svc, r, r.Spec.Name, false)
	n := &b.nodes[b.at[id]]
	n.After, n.AfterAny = append(n.After, ready.done...), ready.ended
}

// withNamespaces leaves only dependencies without which a container cannot be made.
func withNamespaces(in []desired.Dependency) []desired.Dependency {
	var out []desired.Dependency
	for _, d := range in {
		if d.Namespace != "" {
			out = append(out, d)
		}
	}
	return out
}
