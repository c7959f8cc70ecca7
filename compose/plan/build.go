package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// Options of Build.
type Options struct {
	Services           []string // none: all; else these and what they depend on
	NoDeps             bool     // only these
	Rerun              []string // services whose one-shots run again although they have ended well
	ForceRecreate      bool
	NoRecreate         bool
	AlwaysRecreateDeps bool
	RemoveOrphans      bool
	IgnoreOrphans      bool
	RemoveServices     []string          // services whose containers go, unless they are brought about
	Former             []desired.Service // that the project had before: the pre_stop hooks of containers that go
	Pins               map[string]Pin    // images that references have to stand for, whatever pull and build say
	RenewAnonVolumes   bool
	RecreateVolumes    bool // volumes that the file wants otherwise are made anew, with what they hold
	NoStart            bool
	Wait               bool
	Atomic             bool // all of it or nothing
	Build, NoBuild     bool
	Pull               image.Policy    // "" is each service's own
	Timeout            *time.Duration  // of stops; nil is each container's own
	Now                time.Time       // for pull policies that look at an image's age
	OneOff             *desired.OneOff // a container to make beside those of its service, once what that depends on is ready
}

// Build says what has to be done to have what is wanted. What cannot be had is a diag.List of errors.
// Containers that differ should have been inspected (see Needs): what they were before is then in the reasons.
func Build(want desired.State, have engine.Snapshot, o Options) (Plan, error) {
	b := newBuilder(want, have, o)
	if err := b.selectServices(); err != nil {
		return Plan{}, err
	}
	b.capabilities()
	b.images()
	b.doom()
	b.networks()
	b.volumes()
	b.models()
	for _, name := range b.order {
		if !b.runsOnce(name) {
			b.decide(name)
		}
	}
	b.emitMoves()
	for _, name := range b.order {
		if !b.runsOnce(name) {
			b.emit(name)
		}
	}
	b.emitOneOff()
	b.emitCommits()
	b.reconnectOthers()
	b.leaveNetworks()
	probe(b.nodes, b.want.Project.Services, b.have.Caps)
	b.startIntervals()
	return b.finish()
}

// builder gathers the nodes of one plan.
type builder struct {
	want desired.State
	have engine.Snapshot
	o    Options

	services  index                       // of the project
	former    index                       // those that it had before
	live      map[string][]container.Live // by service
	inits     map[string][]container.Live // init containers that are left, by service
	awaited   map[string]bool             // services that some other waits for to complete: one-shots
	restarted map[string][]string         // services that want to be restarted with one, by that one

	order    []string                    // services to bring about, each behind what it depends on
	selected map[string]bool             // whether it is in order, by service
	replicas map[string][]*replica       // by service
	renewed  map[string]bool             // references that a step pulls or builds
	brings   map[string][]ID             // steps that bring an image, by reference
	checks   []ID                        // of images that must be had before anything is made
	made     map[string]ID               // steps that make a network or a volume, by name in the engine
	replaced map[string]bool             // networks that are made anew, by name
	moved    map[string]string           // networks that go and whose containers move over: the old name → the new one
	moves    []move                      // volumes that are made anew, with what they hold
	resumes  []resume                    // of those that an interrupted run was making anew
	unmarked map[string]ID               // steps after which volumes that are made anew may be written to, by name
	heirs    map[string][]volume.Mounted // anonymous volumes that an interrupted run left, by the key of the replica that they were of
	doomed   map[string]bool             // containers that are taken down without a successor, by id

	commits     []commit                   // old containers that are given up in the end
	ends        map[string][]ID            // last steps of each unit
	initialised map[string][]ID            // steps after which a replica's init containers have run, by its key
	verdicts    map[string]ID              // last step of services that go back as a whole
	rollbacks   map[string]desired.Rollout // by service

	nodes    []Node
	kept     []Resource
	at       map[ID]int // of each node in nodes
	warnings diag.List
	errors   diag.List
}

func newBuilder(want desired.State, have engine.Snapshot, o Options) *builder {
	b := &builder{want: want, have: have, o: o, services: indexed(want.Project.Services), former: indexed(o.Former), live: liveByService(have.Containers), inits: map[string][]container.Live{}, awaited: want.Project.Awaited(), restarted: map[string][]string{},
		selected: map[string]bool{}, replicas: map[string][]*replica{}, renewed: map[string]bool{}, brings: map[string][]ID{}, made: map[string]ID{}, replaced: map[string]bool{}, moved: map[string]string{},
		doomed: map[string]bool{}, unmarked: map[string]ID{}, heirs: map[string][]volume.Mounted{}, at: map[ID]int{}, ends: map[string][]ID{}, initialised: map[string][]ID{}, verdicts: map[string]ID{}, rollbacks: map[string]desired.Rollout{}}
	for _, l := range have.Containers {
		if l.Hook() {
			b.inits[l.Service()] = append(b.inits[l.Service()], l)
		}
	}
	for _, s := range want.Project.Services {
		for _, d := range s.Depends {
			if d.Restart {
				b.restarted[d.Service] = append(b.restarted[d.Service], s.Name)
			}
		}
	}
	return b
}

func (b *builder) add(n Node) ID {
	b.at[n.ID] = len(b.nodes)
	b.nodes = append(b.nodes, n)
	return n.ID
}

func (b *builder) addAll(nodes []Node) {
	for _, n := range nodes {
		b.add(n)
	}
}

// planned is the id if there is such a node by now, else "".
func (b *builder) planned(id ID) ID {
	if _, ok := b.at[id]; ok {
		return id
	}
	return ""
}

func (b *builder) fail(path, format string, args ...any) {
	b.errors = append(b.errors, diag.Diagnostic{Severity: diag.Error, Path: path, Text: fmt.Sprintf(format, args...)})
}

func (b *builder) warn(path, format string, args ...any) {
	b.warnings = append(b.warnings, diag.Diagnostic{Severity: diag.Warning, Path: path, Text: fmt.Sprintf(format, args...)})
}

// finish puts the nodes in an order that respects what comes after what.
func (b *builder) finish() (Plan, error) {
	if b.errors.HasErrors() {
		return Plan{}, append(b.warnings, b.errors...)
	}
	p := Plan{Project: b.want.Project.Name, Nodes: b.nodes, Kept: b.kept, Warnings: b.warnings, Rollbacks: b.rollbacks, Reserved: b.reserved(),
		Services: b.order, Images: b.imagesFound()}
	if b.o.Atomic {
		p.atomic()
	}
	return p, p.sort()
}

func (p *Plan) sort() error {
	order, err := p.Graph().Order()
	if err != nil {
		return fmt.Errorf("order plan: %w", err)
	}
	byID := make(map[ID]Node, len(p.Nodes))
	for _, n := range p.Nodes {
		byID[n.ID] = n
	}
	p.Nodes = p.Nodes[:0]
	for _, id := range order {
		p.Nodes = append(p.Nodes, byID[id])
	}
	return nil
}

// Graph of the plan's nodes.
func (p Plan) Graph() *graph.Graph[ID] {
	g := &graph.Graph[ID]{}
	for _, n := range p.Nodes {
		g.Add(n.ID)
	}
	for _, n := range p.Nodes {
		g.After(n.ID, n.After...)
		g.AfterAny(n.ID, n.AfterAny...)
	}
	return g
}

// selectServices finds what to bring about, and in which order to decide it.
func (b *builder) selectServices() error {
	order, err := ServiceOrder(b.want.Project.Services, b.o.Services, b.o.NoDeps)
	b.order = order
	for _, name := range order {
		b.selected[name] = true
	}
	return err
}

// ServiceOrder lists the services named (none: all), with what they depend on unless alone, each behind its dependencies.
func ServiceOrder(services []desired.Service, named []string, alone bool) ([]string, error) {
	g := &graph.Graph[string]{}
	for _, s := range services {
		g.Add(s.Name)
	}
	known := indexed(services)
	for _, s := range services {
		for _, d := range s.Depends {
			if known[d.Service] != nil {
				g.After(s.Name, d.Service)
			}
		}
	}
	for _, n := range named {
		if known[n] == nil {
			return nil, diag.List{{Severity: diag.Error, Text: "no such service: " + n}}
		}
	}
	order, err := g.Order()
	if err != nil || len(named) == 0 {
		return order, err
	}
	keep := named
	if !alone {
		keep = g.Needs(named...)
	}
	kept := map[string]bool{}
	for _, s := range keep {
		kept[s] = true
	}
	return slices.DeleteFunc(order, func(s string) bool { return !kept[s] }), nil
}

// images plans what brings the images that are not there, or are to be renewed.
func (b *builder) images() {
	if len(b.o.Pins) > 0 {
		b.have.Images = maps.Clone(b.have.Images)
	}
	for _, img := range b.want.Images(b.order) {
		b.image(img)
	}
	b.basesOnDemand()
}

// basesOnDemand: what is built only for something to be built from it is not where that was pulled.
func (b *builder) basesOnDemand() {
	wanted := map[string]bool{}
	for _, img := range b.want.Images(b.order) {
		wanted[img.Ref] = true
	}
	for i, n := range slices.Backward(b.nodes) { // what is built comes behind its bases
		base, is := n.Step.(BuildImage)
		if !is || wanted[base.Image.Ref] {
			continue
		}
		if base.For = b.builtFrom(n.ID); len(base.For) == 0 {
			continue
		}
		for _, ref := range base.For {
			n.AfterAny = append(slices.Clone(n.AfterAny), ID("pull "+ref))
		}
		n.Step = base
		b.nodes[i] = n
	}
}

// builtFrom what a step builds: the references that may be pulled instead; none if something is built in any case.
func (b *builder) builtFrom(base ID) []string {
	var out []string
	for _, n := range b.nodes {
		s, is := n.Step.(BuildImage)
		switch {
		case !is || !slices.Contains(n.After, base):
		case s.Unpulled:
			out = append(out, s.Image.Ref)
		case len(s.For) > 0:
			out = append(out, s.For...)
		default:
			return nil
		}
	}
	return out
}

// image that is not there, or is to be renewed, is brought; once.
func (b *builder) image(img image.Spec) {
	if _, seen := b.brings[img.Ref]; seen {
		return
	}
	b.brings[img.Ref] = nil
	have, here := b.have.Images[img.Ref]
	resource := Resource{Kind: Image, Name: img.Ref, Service: b.imageService(img.Ref)}
	if pin, pinned := b.o.Pins[img.Ref]; pinned {
		b.pin(img, pin, resource)
		return
	}
	need := b.imageNeed(img, have, here)
	if need.why == nil {
		return
	}
	var pulled []ID
	if need.pull {
		pulled = []ID{b.add(Node{ID: ID("pull " + img.Ref), Step: PullImage{img, have.ID, need.otherwise}, Resource: resource, Reasons: []Reason{need.why}, After: b.checked(img, need, resource)})}
	}
	b.brings[img.Ref] = pulled
	if need.build {
		build := BuildImage{Image: toRun(b.want.Labelled(img)), Was: have.ID, Unpulled: need.pull}
		b.brings[img.Ref] = []ID{b.add(Node{ID: ID("build " + img.Ref), Step: build, Resource: resource, Reasons: []Reason{need.why}, After: b.bases(img), AfterAny: pulled})}
		b.warnings = append(b.warnings, leftOut(img, b.have.Caps)...)
	}
	b.renewed[img.Ref] = true
}

// toRun is an image for containers of this engine: for the platform that the service has, else of those that it is built for the one that the
// builder chooses. Only the verb build makes images for several.
func toRun(img image.Spec) image.Spec {
	if len(img.Build.Platforms) < 2 {
		return img
	}
	b := *img.Build
	if b.Platforms = nil; img.Platform != "" {
		b.Platforms = []string{img.Platform}
	}
	b.BuildKitOnly = slices.DeleteFunc(slices.Clone(b.BuildKitOnly), func(key string) bool { return key == "platforms" })
	img.Build = &b
	return img
}

// bases of an image to build, which the project builds, too: what brings them.
func (b *builder) bases(img image.Spec) []ID {
	var after []ID
	for _, base := range b.want.Bases(img) {
		b.image(base)
		after = append(after, b.brings[base.Ref]...)
	}
	return after
}

// imageService is the service that an image is of, if only one wants it.
func (b *builder) imageService(ref string) string {
	var of []string
	for _, name := range b.order {
		if s, _ := b.want.Service(name); s.Image.Ref == ref {
			of = append(of, name)
		}
	}
	if len(of) != 1 {
		return ""
	}
	return of[0]
}

// checked is the step that makes sure that an image that has to be pulled can be.
func (b *builder) checked(img image.Spec, need imageNeed, resource Resource) []ID {
	if need.otherwise != NoFallback {
		return nil
	}
	check := b.add(Node{ID: ID("check " + img.Ref), Step: CheckImage{img}, Resource: resource})
	b.checks = append(b.checks, check)
	return []ID{check}
}

// imageNeed is how an image has to be brought, and why; the zero value: not at all.
type imageNeed struct {
	why         Reason
	pull, build bool // both: built if it cannot be pulled
	otherwise   Fallback
}

// imageNeed of an image: one that can be built and has a name is pulled, and built only if that fails (Compose specification, Build, "Using build and
// image").
func (b *builder) imageNeed(img image.Spec, have image.Live, here bool) imageNeed {
	policy := cmp.Or(b.o.Pull, img.Policy)
	build := img.Buildable() && !b.o.NoBuild
	pull := policy != image.Never && policy != image.Rebuild && !b.want.Unnamed(img)
	need := imageNeed{pull: pull, build: build && !here}
	switch {
	case pull && here && img.Buildable():
		need.otherwise = UseLocal
	case pull && build:
		need.otherwise = BuildInstead
	}
	switch {
	case build && b.o.Build:
		return imageNeed{why: Asked{"--build"}, build: true}
	case build && policy == image.Rebuild:
		return imageNeed{why: PullPolicy{string(policy)}, build: true}
	case pull && policy == image.Always, pull && policy == image.Refresh && here && b.o.Now.Sub(have.Tagged) > img.RefreshAfter:
		need.why = PullPolicy{string(policy)}
	case here:
	case pull || build:
		need.why = ImageAbsent{img.Ref}
	case img.Buildable() && policy != image.Never && policy != image.Rebuild:
		b.fail("", "image %s is not here and has to be built; --no-build forbids it", img.Ref)
	default:
		b.fail("", "image %s is not here, and its pull policy is %s", img.Ref, policy)
	}
	return need
}

// doom takes down what nothing in the file stands for: replicas above the number wanted, and orphans if the user asked for it.
func (b *builder) doom() {
	for _, service := range b.order {
		if b.runsOnce(service) {
			continue
		}
		to := b.want.Replicas(service)
		_, extra := assign(b.live[service], to)
		b.takeDown(extra, nil, func(container.Live) Reason { return Scaled{to + len(extra), to} })
	}
	b.removeServices()
	orphans := slices.DeleteFunc(orphansOf(b.want.Project, b.have.Containers), func(l container.Live) bool { return b.doomed[l.ID] })
	switch {
	case len(orphans) == 0:
	case b.o.RemoveOrphans:
		b.takeDown(orphans, nil, func(l container.Live) Reason { return Orphan{l.Service()} })
	case !b.o.IgnoreOrphans:
		b.warnings = append(b.warnings, orphanWarning(orphans))
	}
}

// removeServices takes down the services that are to go. Those that others of them need stop last.
func (b *builder) removeServices() {
	if len(b.o.RemoveServices) == 0 {
		return
	}
	gone := slices.DeleteFunc(slices.Clone(b.have.Containers), func(l container.Live) bool {
		return l.OneOff() || b.selected[l.Service()] || !slices.Contains(b.o.RemoveServices, l.Service())
	})
	b.takeDown(gone, newLifecycle(b.want.Project, b.have, nil).dependents, func(l container.Live) Reason { return Orphan{l.Service()} })
}

// hooks of a service of the file, or of one that was.
func (b *builder) hooks(service string) Hooks {
	return hooksFrom(b.services, b.former, service)
}

// hooksFrom the services that there are, or else from those that there were.
func hooksFrom(now, former index, service string) Hooks {
	if s := cmp.Or(now[service], former[service]); s != nil {
		return hooksOf(*s)
	}
	return Hooks{}
}

func (b *builder) takeDown(containers []container.Live, dependents func(string) []string, why func(container.Live) Reason) {
	for _, l := range containers {
		b.doomed[l.ID] = true
	}
	b.addAll(teardown(containers, teardownOptions{timeout: b.o.Timeout, after: b.checks, why: why, hooks: b.hooks, contents: b.contentsOf, dependents: dependents}))
}

// orphansOf are the containers that no service of the file, enabled or not, owns, and what `run` left behind.
func orphansOf(p desired.Project, containers []container.Live) []container.Live {
	known := indexed(p.Services)
	var out []container.Live
	for _, l := range containers {
		ours := known[l.Service()] != nil || slices.Contains(p.Disabled, l.Service())
		if l.OneOff() && !l.Up() && !(l.Hook() && ours) || !l.OneOff() && !ours {
			out = append(out, l)
		}
	}
	return out
}

func names(ls []container.Live) []string {
	var out []string
	for _, l := range ls {
		out = append(out, l.Name)
	}
	slices.Sort(out)
	return out
}

// sortedKeys of a set.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
