// Package volume holds what a Compose volume should be (Spec), what the engine has (Live), how the two differ,
// and how a container mounts one (Mount).
package volume

import (
	"fmt"
	"strings"

	"github.com/tutti-run/tutti/engine/field"
)

// Spec is a volume as the Compose file asks for it (Compose specification, 07-volumes).
type Spec struct {
	Key        string // in the Compose file: "data"
	Name       string // in the engine: "shop_data"
	External   bool   // must exist; is never made or removed
	Driver     string // "" is local
	DriverOpts map[string]string
	Labels     map[string]string // the user's own
	ConfigHash string            // as Docker Compose labels it
}

// Live is a volume found in the engine.
type Live struct {
	Name    string
	Driver  string
	Options map[string]string
	Labels  map[string]string

	Mountpoint string // on the engine's machine
	Scope      string // local, global
}

// Type of a mount, in the words of the Compose file.
type Type string

// The types of mounts (Compose specification, 05-services, volumes).
const (
	Volume Type = "volume"
	Bind   Type = "bind"
	Tmpfs  Type = "tmpfs"
	Image  Type = "image"
	Npipe  Type = "npipe"
)

// Mount is one entry of a service's volumes.
type Mount struct {
	Type     Type
	Key      string // of a named volume in the Compose file
	Source   string // volume name in the engine, host path, or image; "" is an anonymous volume
	Target   string
	ReadOnly bool

	Propagation    string // bind
	CreateHostPath bool   // bind: make an absent source a directory
	Recursive      string // bind: enabled, disabled, writable, readonly
	SELinux        string // bind: z or Z
	NoCopy         bool   // volume
	Subpath        string // volume, image
	Labels         map[string]string
	TmpfsSize      int64  // bytes
	TmpfsMode      uint32 // permission bits
	Consistency    string
	Contents       bool // anonymous: made for configs and secrets, where a container has no other place for them
}

// Text is the mount on one line, as canonical text of its field.
func (m Mount) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", m.Type, m.Source)
	for _, o := range []struct {
		name string
		on   bool
	}{
		{"ro", m.ReadOnly}, {"propagation=" + m.Propagation, m.Propagation != ""}, {"recursive=" + m.Recursive, m.Recursive != ""},
		{"selinux=" + m.SELinux, m.SELinux != ""}, {"nocopy", m.NoCopy}, {"subpath=" + m.Subpath, m.Subpath != ""},
		{fmt.Sprintf("size=%d", m.TmpfsSize), m.TmpfsSize != 0}, {fmt.Sprintf("mode=%o", m.TmpfsMode), m.TmpfsMode != 0},
	} {
		if o.on {
			b.WriteString(" " + o.name)
		}
	}
	return strings.TrimSpace(b.String())
}

// Mounted is a mount found in a container.
type Mounted struct {
	Type     Type
	Name     string // of a volume
	Source   string // host path of a bind
	Target   string
	ReadOnly bool
	Driver   string
}

// Anonymous tells whether the mount is of a volume that the engine named: 64 hexadecimal digits.
func (m Mounted) Anonymous() bool {
	return m.Type == Volume && len(m.Name) == 64 && strings.Trim(m.Name, "0123456789abcdef") == ""
}

// Fields of a volume: a change of one cannot be had without making the volume anew.
func (s Spec) Fields() field.Set {
	f := field.Set{}
	if s.Driver != "local" {
		f.Put("driver", s.Driver)
	}
	f.Put("driver_opts", s.DriverOpts)
	f.Put("labels", s.Labels)
	return f
}

// Diff tells which fields of the volume found are not what is wanted. External volumes never differ.
func Diff(want Spec, have Live) []field.Change {
	if want.External {
		return nil
	}
	found := Spec{Driver: have.Driver, DriverOpts: have.Options, Labels: field.OwnLabels(have.Labels)}.Fields()
	wanted := want.Fields()
	var out []field.Change
	for _, p := range wanted.Digests().Differing(found.Digests()) {
		out = append(out, field.Change{Path: p, Old: found[p], New: wanted[p], OldKnown: true})
	}
	return out
}
