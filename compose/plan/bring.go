package plan

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// ImageOptions of Pull, Push and BuildImages.
type ImageOptions struct {
	Services []string           // none: all
	Deps     bool               // and what they depend on
	Policy   string             // Pull: instead of the services' own; "missing" leaves out what is here; "", "always"
	Prebuilt bool               // Pull: leave out what can be built
	Tolerant bool               // Pull, Push: what fails is only told
	Push     bool               // BuildImages: and push them
	Change   func(*image.Build) // BuildImages: what the user wants to be other than in the file; may be nil
}

// wanted are the images of the services, once each, with the service that each is told under.
func wanted(want desired.State, o ImageOptions) (services []desired.Service, out []image.Spec, err error) {
	order, err := ServiceOrder(want.Project.Services, o.Services, !o.Deps)
	if err != nil {
		return nil, nil, err
	}
	of := map[string]desired.Service{}
	for _, name := range order {
		svc, _ := want.Service(name)
		for _, img := range svc.Images() {
			if _, seen := of[img.Ref]; !seen {
				of[img.Ref] = svc
			}
		}
	}
	out = want.Images(order)
	for _, img := range out {
		services = append(services, of[img.Ref])
	}
	return services, out, nil
}

// Pull says which images to pull: those that have a name, as the pull policies allow.
func Pull(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	p := Plan{Project: want.Project.Name}
	fallback := NoFallback
	if o.Tolerant {
		fallback = GoWithout
	}
	for i, img := range images {
		if why := skipsPull(want, services[i], img, have, o); why != "" {
			p.Warnings = append(p.Warnings, diag.Diagnostic{Severity: diag.Info, Text: fmt.Sprintf("%s: skipped: %s", services[i].Name, why)})
			continue
		}
		p.Nodes = append(p.Nodes, Node{ID: ID("pull " + img.Ref), Step: PullImage{Image: img, Was: have.Images[img.Ref].ID, Else: fallback},
			Resource: Resource{Kind: Image, Name: img.Ref, Service: services[i].Name}, Reasons: []Reason{Asked{"pull"}}})
	}
	return p, err
}

// skipsPull is why an image is not pulled; "" if it is: one that is pulled from time to time is now.
func skipsPull(want desired.State, svc desired.Service, img image.Spec, have engine.Snapshot, o ImageOptions) string {
	_, here := have.Images[img.Ref]
	policy := cmp.Or(image.Policy(o.Policy), img.Policy)
	switch {
	case want.Unnamed(img):
		return "no image to be pulled"
	case o.Prebuilt && img.Build != nil:
		return "its image can be built"
	case policy == image.Never, policy == image.Rebuild:
		return "its pull policy is " + string(policy)
	case here && policy == image.Missing && !image.Latest(img.Ref): // that is pulled, as by Docker Compose
		return "its image is here"
	}
	return ""
}

// Push says which images to push: those that are built and have a name.
func Push(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	p := Plan{Project: want.Project.Name}
	for i, img := range images {
		if img.Build == nil || want.Unnamed(img) {
			continue
		}
		for _, ref := range append([]string{img.Ref}, img.Build.Tags...) {
			p.Nodes = append(p.Nodes, pushNode(ref, services[i].Name, o.Tolerant))
		}
	}
	return p, err
}

func pushNode(ref, service string, tolerant bool, after ...ID) Node {
	return Node{ID: ID("push " + ref), Step: PushImage{Ref: ref, Optional: tolerant}, After: after,
		Resource: Resource{Kind: Image, Name: ref, Service: service}, Reasons: []Reason{Asked{"push"}}}
}

// Publish says what to do to publish a project: what Push pushes, and then its files. Images that cannot be pushed are only told.
func Publish(want desired.State, have engine.Snapshot, s PublishProject) (Plan, error) {
	p, err := Push(want, have, ImageOptions{Tolerant: true})
	n := Node{ID: ID("publish " + s.Ref), Step: s, Resource: Resource{Kind: Artefact, Name: s.Ref}, Reasons: []Reason{Asked{"publish"}}}
	for _, push := range p.Nodes {
		n.AfterAny = append(n.AfterAny, push.ID)
	}
	p.Nodes = append(p.Nodes, n)
	return p, err
}

// BuildImages says which images to build: all that can be, and those of the project that they are built from.
func BuildImages(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	w := builds{want: want, have: have, o: o, seen: map[string]bool{}, plan: Plan{Project: want.Project.Name}}
	for i, img := range images {
		w.build(services[i].Name, img)
	}
	if o.Push && err == nil {
		w.push(services)
	}
	w.unlimited()
	return w.plan, err
}

// builds is a plan of builds in the making.
type builds struct {
	want desired.State
	have engine.Snapshot
	o    ImageOptions
	seen map[string]bool // by reference
	plan Plan
}

func buildID(ref string) ID { return ID("build " + ref) }

func (w *builds) build(service string, img image.Spec) {
	if img.Build == nil || w.seen[img.Ref] {
		return
	}
	w.seen[img.Ref] = true
	var after []ID
	for _, base := range w.want.Bases(img) {
		w.build(w.want.BuiltFor(base.Ref), base)
		after = append(after, buildID(base.Ref))
	}
	img = w.want.Labelled(img)
	b := img.Build // our own
	b.Tags = slices.Clone(b.Tags)
	b.Push = w.o.Push && !w.want.Unnamed(img)
	if w.o.Change != nil {
		w.o.Change(b)
	}
	w.plan.Warnings = append(w.plan.Warnings, leftOut(img, w.have.Caps)...)
	w.plan.Nodes = append(w.plan.Nodes, Node{ID: buildID(img.Ref), Step: BuildImage{Image: img, Was: w.have.Images[img.Ref].ID}, After: after,
		Resource: Resource{Kind: Image, Name: img.Ref, Service: service}, Reasons: []Reason{Asked{"build"}}})
}

// unlimited tells that nothing keeps the steps of a build to the memory that they are to have.
func (w *builds) unlimited() {
	limited := slices.ContainsFunc(w.plan.Nodes, func(n Node) bool {
		s, ok := n.Step.(BuildImage)
		return ok && s.Image.Build.Memory != 0
	})
	if limited && w.have.Caps.BuildKit {
		w.plan.Warnings = append(w.plan.Warnings, diag.Diagnostic{Severity: diag.Warning, Text: "--memory is not supported by BuildKit, ignored"})
	}
}

// push what was built of these services, and has a name, once it is.
func (w *builds) push(services []desired.Service) {
	for _, svc := range services {
		for _, img := range svc.Images() {
			if !w.seen[img.Ref] || w.want.Unnamed(img) {
				continue
			}
			for _, ref := range append([]string{img.Ref}, img.Build.Tags...) {
				w.plan.Nodes = append(w.plan.Nodes, pushNode(ref, svc.Name, w.o.Tolerant, buildID(img.Ref)))
			}
		}
	}
}

// leftOut tells what a build asks for and the engine's classic builder does not do.
func leftOut(img image.Spec, caps engine.Capabilities) diag.List {
	if img.Build == nil || caps.BuildKit {
		return nil
	}
	var out diag.List
	for _, key := range img.Build.BuildKitOnly {
		out = append(out, diag.Diagnostic{Severity: diag.Warning, Text: fmt.Sprintf("image %s: build.%s needs BuildKit, which the engine does not build with", img.Ref, key)})
	}
	return out
}
