package convert

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/canon"
	"github.com/tutti-run/tutti/compose/load/merged"
	"github.com/tutti-run/tutti/compose/load/source"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

func (in *Input) storage(spec *container.Spec, c types.ServiceConfig) {
	for _, v := range c.Volumes {
		spec.Mounts = append(spec.Mounts, in.mount(v))
	}
	spec.Tmpfs = c.Tmpfs
	for _, v := range c.VolumesFrom {
		if !strings.HasPrefix(v, types.ContainerPrefix) {
			v = types.ServicePrefix + v
		}
		spec.VolumesFrom = append(spec.VolumesFrom, v)
	}
	spec.Files = in.contents(c, spec.Mounts)
	spec.Mounts = append(spec.Mounts, rooms(c, spec.Files)...)
	spec.ShmSize = int64(c.ShmSize)
	spec.StorageOpt = c.StorageOpt
	spec.ReadOnly = c.ReadOnly
}

func (in *Input) mount(v types.ServiceVolumeConfig) volume.Mount {
	m := Mount(v)
	if m.Type == volume.Volume && v.Source != "" {
		m.Key, m.Source = v.Source, in.Project.Volumes[v.Source].Name
	}
	return m
}

// Mount of a volume under the name that is written there.
func Mount(v types.ServiceVolumeConfig) volume.Mount {
	m := volume.Mount{Type: volume.Type(v.Type), Source: v.Source, Target: v.Target, ReadOnly: v.ReadOnly, Consistency: v.Consistency}
	if m.Type == volume.Bind {
		m.CreateHostPath = v.Bind == nil || bool(v.Bind.CreateHostPath)
	}
	if b := v.Bind; b != nil {
		m.Propagation, m.Recursive, m.SELinux = b.Propagation, b.Recursive, b.SELinux
	}
	if o := v.Volume; o != nil {
		m.NoCopy, m.Subpath, m.Labels = o.NoCopy, o.Subpath, o.Labels
	}
	if o := v.Image; o != nil {
		m.Subpath = o.SubPath
	}
	if o := v.Tmpfs; o != nil {
		m.TmpfsSize, m.TmpfsMode = int64(o.Size), o.Mode
	}
	return m
}

// contents are the configs and secrets of a service; a mount of its own at the same target comes first.
func (in *Input) contents(c types.ServiceConfig, mounts []volume.Mount) []container.File {
	var out []container.File
	add := func(kind string, ref types.FileReferenceConfig, def types.FileObjectConfig) {
		f := in.content(c, kind, ref, def)
		taken := slices.ContainsFunc(mounts, func(m volume.Mount) bool { return m.Target == f.Target })
		if !taken {
			out = append(out, f)
		}
	}
	for _, ref := range c.Configs {
		add("config", types.FileReferenceConfig(ref), types.FileObjectConfig(in.Project.Configs[ref.Source]))
	}
	for _, ref := range c.Secrets {
		add("secret", types.FileReferenceConfig(ref), types.FileObjectConfig(in.Project.Secrets[ref.Source]))
	}
	return out
}

func (in *Input) content(c types.ServiceConfig, kind string, ref types.FileReferenceConfig, def types.FileObjectConfig) container.File {
	f := container.File{Kind: kind, Source: ref.Source, Target: merged.Target(kind, ref), UID: ref.UID, GID: ref.GID}
	if ref.Mode != nil {
		m := uint32(*ref.Mode)
		f.Mode = &m
	}
	if !c.ReadOnly {
		f.OnChange = merged.OnChange(c.Extensions, ref.Extensions)
	}
	switch {
	case def.File != "":
		f.HostPath = def.File
		fromFile(&f, (!c.ReadOnly || merged.Room(c.ContainerSpec, f.Target) != "") && (merged.OwnAttributes(ref) || f.OnChange != ""))
	case def.Content != "":
		f.Content = []byte(def.Content)
		f.Digest = digest(f.Content)
	case def.Environment != "":
		f.Content = []byte(in.Project.Environment[def.Environment])
		f.Digest = digest(f.Content)
	}
	return f
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// rooms are volumes for what is copied to where it would not stay.
func rooms(c types.ServiceConfig, files []container.File) []volume.Mount {
	var out []volume.Mount
	for _, f := range files {
		dir := merged.Room(c.ContainerSpec, f.Target)
		if dir != "" && !f.Mounted() && !slices.ContainsFunc(out, func(m volume.Mount) bool { return m.Target == dir }) {
			out = append(out, volume.Mount{Type: volume.Volume, Target: dir, Contents: true})
		}
	}
	return out
}

// fromFile gives the digest of a file that can be read, and its content if it is copied: the check has told of others.
func fromFile(f *container.File, copied bool) {
	b, err := source.ReadFile(f.HostPath)
	if err != nil {
		return
	}
	f.Digest = digest(b)
	if copied {
		f.Copied, f.Content = true, b
	}
}

func volumes(all types.Volumes) []volume.Spec {
	var out []volume.Spec
	for _, k := range slices.Sorted(maps.Keys(all)) {
		v := all[k]
		out = append(out, volume.Spec{
			Key: k, Name: v.Name, External: bool(v.External), Driver: v.Driver, DriverOpts: v.DriverOpts,
			Labels: v.Labels, ConfigHash: canon.VolumeHash(v),
		})
	}
	return out
}
