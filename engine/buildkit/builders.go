package buildkit

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Builders are those that docker buildx knows, by the folder that it keeps them in.
type Builders struct {
	Dir     string // with instances, defaults and current; "" knows none
	Name    string // BUILDX_BUILDER; "" is the current one
	Context string // of the docker CLI, or the engine's address: what a builder is current for
}

// BuildersOf reads the environment as buildx does, for the engine at that address or of that context of the docker CLI.
func BuildersOf(env func(string) string, context, host string) Builders {
	dir := cmp.Or(env("DOCKER_CONFIG"), filepath.Join(env("HOME"), ".docker"))
	if context == "default" {
		context = ""
	}
	return Builders{Dir: cmp.Or(env("BUILDX_CONFIG"), filepath.Join(dir, "buildx")), Name: env("BUILDX_BUILDER"), Context: cmp.Or(context, host)}
}

// place of a BuildKit: the engine's own if it has no address.
type place struct {
	address   string // tcp://…, unix://…, docker-container://NAME
	tls       *tlsFiles
	builder   string // by which name it was found
	elsewhere string // the engine that a container is on, if it may be another than ours
}

type tlsFiles struct{ serverName, ca, cert, key string }

// instance is a builder as buildx keeps it.
type instance struct {
	Name, Driver string
	Nodes        []node
}

type node struct {
	Name, Endpoint string
	DriverOpts     map[string]string
}

// find a builder by the name or address that was asked for; "" is the user's.
func (b Builders) find(asked string) (place, error) {
	name := cmp.Or(asked, b.Name, b.current())
	switch {
	case name == "" || name == "default" || name == b.Context:
		return place{}, nil
	case strings.Contains(name, "://"):
		return addressed(name)
	}
	in, err := b.instance(name)
	if errors.Is(err, fs.ErrNotExist) {
		return place{}, refusef("no builder %q found", name)
	}
	if err != nil {
		return place{}, err
	}
	return in.place()
}

func addressed(address string) (place, error) {
	scheme, rest, _ := strings.Cut(address, "://")
	switch scheme {
	case "tcp", "unix", "docker-container":
		if rest != "" {
			return place{address: address, builder: address}, nil
		}
	}
	return place{}, refusef("builder %s: only tcp://, unix:// and docker-container:// addresses are known", address)
}

// instance by name. A name is never a path.
func (b Builders) instance(name string) (instance, error) {
	var in instance
	if name != filepath.Base(name) {
		return in, fs.ErrNotExist
	}
	return in, readJSON(filepath.Join(b.Dir, "instances", name), &in)
}

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return refusef("read %s: %v", path, err)
	}
	return nil
}

// current builder of the engine's: what `buildx use` chose, if it is still there.
func (b Builders) current() string {
	if b.Dir == "" {
		return ""
	}
	var c struct {
		Key, Name string
		Global    bool
	}
	err := readJSON(filepath.Join(b.Dir, "current"), &c)
	if err == nil && c.Name != "" && (c.Global || c.Key == b.Context) {
		return b.present(c.Name)
	}
	sum := sha256.Sum256([]byte(b.Context))
	name, err := os.ReadFile(filepath.Join(b.Dir, "defaults", hex.EncodeToString(sum[:])[:20]))
	if err != nil {
		return ""
	}
	return b.present(string(name))
}

func (b Builders) present(name string) string {
	if _, err := b.instance(name); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return name
}

// place of a builder's first node: buildx builds on the others only for platforms that this one has not.
func (in instance) place() (place, error) {
	if len(in.Nodes) == 0 {
		return place{}, refusef("builder %s has no node", in.Name)
	}
	n := in.Nodes[0]
	switch in.Driver {
	case "docker":
		return place{}, nil
	case "remote":
		p, err := addressed(n.Endpoint)
		p.builder, p.tls = in.Name, n.tls()
		return p, err
	case "docker-container":
		return place{address: "docker-container://buildx_buildkit_" + n.Name, builder: in.Name, elsewhere: n.Endpoint}, nil
	}
	return place{}, refusef("builder %s: its driver %q is not supported: docker, docker-container and remote are", in.Name, in.Driver)
}

func (n node) tls() *tlsFiles {
	o := n.DriverOpts
	t := tlsFiles{serverName: o["servername"], ca: o["cacert"], cert: o["cert"], key: o["key"]}
	if t == (tlsFiles{}) {
		return nil
	}
	return &t
}
