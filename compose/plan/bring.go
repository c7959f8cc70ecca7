package plan

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// ImageOptions of Pull, Push and BuildImages.
type ImageOptions struct {
	Services []string // none: all
	Deps     bool     // and what they depend on
	Policy   string   // Pull: "missing" leaves out what is here; "", "always"
	Prebuilt bool     // Pull: leave out what can be built
	Tolerant bool     // Pull, Push: what fails is only told
	Now      time.Time
	Change   func(*image.Build) // BuildImages: what the user wants to be other than in the file; may be nil
}

// wanted are the images of the services, once each, with the service that each is told under.
func wanted(want desired.State, o ImageOptions) (services []desired.Service, out []image.Spec, err error) {
	order, err := serviceOrder(want.Project.Services, o.Services, !o.Deps)
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

// Pull says which images to pull: those that have a name, as the pull policies allow. One that can be built may fail.
func Pull(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	p := Plan{Project: want.Project.Name}
	for i, img := range images {
		if why := skipsPull(services[i], img, have, o); why != "" {
			p.Warnings = append(p.Warnings, diag.Diagnostic{Severity: diag.Info, Text: fmt.Sprintf("%s: skipped: %s", services[i].Name, why)})
			continue
		}
		p.Nodes = append(p.Nodes, Node{ID: ID("pull " + img.Ref), Step: PullImage{Image: img, Was: have.Images[img.Ref].ID, Optional: o.Tolerant || img.Build != nil},
			Resource: Resource{Kind: Image, Name: img.Ref, Service: services[i].Name}, Reasons: []Reason{Asked{"pull"}}})
	}
	return p, err
}

// skipsPull is why an image is not pulled; "" if it is.
func skipsPull(svc desired.Service, img image.Spec, have engine.Snapshot, o ImageOptions) string {
	_, here := have.Images[img.Ref]
	own := img.Build != nil && img.Ref == have.Project+"-"+svc.Name
	switch {
	case own:
		return "no image to be pulled"
	case o.Prebuilt && img.Build != nil:
		return "its image can be built"
	case img.Policy == image.Never, img.Policy == image.Rebuild:
		return "its pull policy is " + string(img.Policy)
	case here && image.Missing == cmp.Or(image.Policy(o.Policy), img.Policy):
		return "its image is here"
	case here && img.Policy == image.Refresh && o.Now.Sub(have.Images[img.Ref].Tagged) <= img.RefreshAfter:
		return "its image is recent enough"
	}
	return ""
}

// Push says which images to push: those that are built and have a name.
func Push(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	p := Plan{Project: want.Project.Name}
	for i, img := range images {
		if img.Build == nil || img.Ref == want.Project.Name+"-"+services[i].Name {
			continue
		}
		for _, ref := range append([]string{img.Ref}, img.Build.Tags...) {
			p.Nodes = append(p.Nodes, Node{ID: ID("push " + ref), Step: PushImage{Ref: ref, Optional: o.Tolerant},
				Resource: Resource{Kind: Image, Name: ref, Service: services[i].Name}, Reasons: []Reason{Asked{"push"}}})
		}
	}
	return p, err
}

// BuildImages says which images to build: all that can be.
func BuildImages(want desired.State, have engine.Snapshot, o ImageOptions) (Plan, error) {
	services, images, err := wanted(want, o)
	p := Plan{Project: want.Project.Name}
	for i, img := range images {
		if img.Build == nil {
			continue
		}
		b := *img.Build
		b.Tags = slices.Clone(b.Tags)
		if img.Build = &b; o.Change != nil {
			o.Change(&b)
		}
		p.Nodes = append(p.Nodes, Node{ID: ID("build " + img.Ref), Step: BuildImage{img, have.Images[img.Ref].ID},
			Resource: Resource{Kind: Image, Name: img.Ref, Service: services[i].Name}, Reasons: []Reason{Asked{"build"}}})
	}
	return p, err
}
