package plan

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// Pin is the image that a reference stood for once.
type Pin struct {
	ID     string
	Digest string // repository@sha256:… that it can be pulled by if it is not here; "" if none is known
}

// HasHistory tells whether a history was seen, or a change that was cut off.
func HasHistory(images map[string]image.Live, project string) (history, interrupted bool) {
	_, history = images[desired.HistoryImage(project)]
	_, interrupted = images[desired.NextHistoryImage(project)]
	return history, interrupted
}

// pin makes a reference stand for the image that it stood for once: what is here under another name, or what can be pulled.
func (b *builder) pin(img image.Spec, pin Pin, resource Resource) {
	was := b.have.Images[img.Ref].ID
	if was == pin.ID {
		return
	}
	why := []Reason{ImageChanged{img.Ref, was, pin.ID}}
	tag := Node{ID: ID("tag " + img.Ref), Step: TagImage{img.Ref, pin.ID, was}, Resource: resource, Reasons: why}
	_, here := b.have.Images[pin.ID]
	switch {
	case here:
	case pin.Digest == "":
		b.fail("", "image %s of service %s is not here any more: it was %s, and no registry is known to have it", img.Ref, b.imageUsers(img.Ref), short(pin.ID))
		return
	default:
		tag.After = []ID{b.pullPinned(img, pin, resource)}
	}
	b.brings[img.Ref] = []ID{b.add(tag)}
	live := b.have.Images[pin.ID]
	if live.ID = pin.ID; pin.Digest != "" && len(live.Digests) == 0 {
		live.Digests = []string{pin.Digest}
	}
	b.have.Images[img.Ref] = live // which is what containers are compared with
}

// pullPinned brings an image by its digest.
func (b *builder) pullPinned(img image.Spec, pin Pin, resource Resource) ID {
	ref := img.Ref
	img = image.Spec{Ref: pin.Digest, Platform: img.Platform}
	check := b.add(Node{ID: ID("check " + ref), Step: CheckImage{img}, Resource: resource})
	b.checks = append(b.checks, check)
	return b.add(Node{ID: ID("pull " + ref), Step: PullImage{Image: img}, Resource: resource, Reasons: []Reason{ImageAbsent{ref}}, After: []ID{check}})
}

// imageUsers are the services that want an image, in words.
func (b *builder) imageUsers(ref string) string {
	var out []string
	for _, name := range b.order {
		if s, _ := b.want.Service(name); s.Image.Ref == ref {
			out = append(out, name)
		}
	}
	return strings.Join(out, ", ")
}

// imagesFound are those that the project's references stand for, with its history.
func (b *builder) imagesFound() map[string]image.Live {
	out := map[string]image.Live{}
	for _, ref := range Query(b.want.Project).Images {
		if live, here := b.have.Images[ref]; here {
			out[ref] = live
		}
	}
	return out
}

// removeHistory once nothing of the project is left: as long as it has volumes, it may be wanted back as it was.
func (l *lifecycle) removeHistory(gone []container.Live, others []Node) []Node {
	removed := func(name string) bool {
		return slices.ContainsFunc(others, func(n Node) bool { return n.Step == Step(RemoveVolume{Name: name}) })
	}
	if len(gone) < len(l.have.Containers) || slices.ContainsFunc(l.have.Volumes, func(v volume.Live) bool { return l.ours(v.Labels) && !removed(v.Name) }) {
		return nil
	}
	first := slices.DeleteFunc(slices.Clone(others), func(n Node) bool { _, image := n.Step.(RemoveImage); return image }) // which others may use
	var out []Node
	for _, ref := range []string{desired.HistoryImage(l.project.Name), desired.NextHistoryImage(l.project.Name)} {
		if _, here := l.have.Images[ref]; here {
			out = append(out, Node{ID: ID("remove image " + ref), Step: RemoveImage{ref}, Resource: Resource{Kind: Image, Name: ref}, Reasons: []Reason{Forgotten{}}, After: idsOf(first)})
		}
	}
	return out
}

func idsOf(nodes []Node) []ID {
	var out []ID
	for _, n := range nodes {
		out = append(out, n.ID)
	}
	return out
}

// StopsFormer tells whether a plan stops containers of services that are not among these: their hooks are not known from them.
func (p Plan) StopsFormer(now []desired.Service) bool {
	known := indexed(now)
	return slices.ContainsFunc(p.Nodes, func(n Node) bool {
		_, stops := n.Step.(StopContainer)
		return stops && known[n.Resource.Service] == nil
	})
}
