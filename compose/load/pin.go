package load

import (
	"fmt"
	"maps"

	"github.com/compose-spec/compose-go/v2/types"
	"github.com/distribution/reference"

	"github.com/tutti-run/tutti/compose/load/canon"
)

// Unpinned are the services' images that name no digest, each once, with their registry and tag.
func (m *Model) Unpinned() ([]string, error) {
	var out []string
	seen := map[string]bool{}
	err := m.eachImage(func(service, image string) (string, error) {
		named, err := reference.ParseDockerRef(image)
		if err != nil {
			return image, fault("service %q: image %q: %v", service, image, err)
		}
		if _, pinned := named.(reference.Canonical); !pinned && !seen[named.String()] {
			seen[named.String()] = true
			out = append(out, named.String())
		}
		return image, nil
	})
	return out, err
}

// Pin puts digests to the services' images; digests are of what Unpinned named.
func (m *Model) Pin(digests map[string]string) error {
	return m.eachImage(func(_, image string) (string, error) {
		named, err := reference.ParseDockerRef(image)
		if err != nil {
			return image, err
		}
		if d := digests[named.String()]; d != "" {
			return fmt.Sprintf("%s@%s", named, d), nil
		}
		return named.String(), nil
	})
}

// eachImage visits the services that have an image, in order of name, and changes it.
func (m *Model) eachImage(change func(service, image string) (string, error)) error {
	for _, name := range m.Services() {
		image := m.image(name)
		if image == "" {
			continue
		}
		changed, err := change(name, image)
		if err != nil {
			return err
		}
		m.setImage(name, changed)
	}
	return nil
}

func (m *Model) image(service string) string {
	if m.tree != nil {
		return imageIn(m.tree, service)
	}
	return m.services[service].Image
}

func (m *Model) setImage(service, image string) {
	if m.tree != nil {
		section(section(m.tree, "services"), service)["image"] = image
		return
	}
	s := m.services[service]
	s.Image = image
	m.services[service] = s
}

// ImagesOnly leaves nothing but the services' images: what can be laid over the files.
func (m *Model) ImagesOnly() {
	if m.tree != nil {
		maps.DeleteFunc(m.tree, func(k string, _ any) bool { return k != "services" })
		for name := range section(m.tree, "services") {
			maps.DeleteFunc(section(section(m.tree, "services"), name), func(k string, _ any) bool { return k != "image" })
		}
		return
	}
	m.name, m.project = "", &types.Project{}
	for name, s := range m.services {
		m.services[name] = canon.Service{Image: s.Image}
	}
}
