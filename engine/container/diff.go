package container

import (
	"slices"
	"strings"

	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
)

// Difference between what a container should be and what it is.
type Difference struct {
	Recreate []field.Change // need a new container
	Update   []field.Change // can be had in place
	Drift    bool           // what differs was changed behind our back, not in the Compose file
}

// Empty tells whether there is nothing to do.
func (d Difference) Empty() bool { return len(d.Recreate) == 0 && len(d.Update) == 0 }

// Diff tells how live differs from want. With our label of digests on it, that decides, and the values found only say
// what was there before and what was updated by hand. Without (a container of Docker Compose) the config hash decides first:
// equal hashes are equal files; else the values found are compared, less what the image (defaults, may be nil) gives by itself.
// A live that was not inspected and has no such label does not differ.
func Diff(want Spec, hash string, live Live, defaults *image.Defaults) Difference {
	wanted := want.Fields()
	var paths []string
	label, ours := live.Labels[LabelFields]
	made, err := field.Parse(label)
	ours = ours && err == nil
	var found field.Set
	if live.Found != nil {
		found = live.Found.effective(want, defaults)
	}
	switch {
	case ours:
		paths = wanted.Digests().Differing(made)
	case hash != "" && live.Labels[LabelConfigHash] == hash, found == nil:
	default:
		paths = wanted.Digests().Differing(found.Digests())
	}
	d := split(want, wanted, found, paths)
	if found != nil {
		d.addDrift(want, wanted, found)
	}
	return d
}

// Known tells, without an inspect, whether live carries our label of digests, and whether it may differ from want.
func Known(want Spec, hash string, live Live) (ours, differs bool) {
	label, ours := live.Labels[LabelFields]
	made, err := field.Parse(label)
	if ours && err == nil {
		return true, len(want.Fields().Digests().Differing(made)) > 0
	}
	return false, hash == "" || live.Labels[LabelConfigHash] != hash
}

// split sorts the paths that differ into those that an update can reach and the others.
func split(want Spec, wanted, found field.Set, paths []string) Difference {
	var d Difference
	for _, p := range paths {
		c := field.Change{Path: p, Old: found[p], New: wanted[p], OldKnown: found != nil, Note: want.Origin[p]}
		if updatable(p, wanted) {
			d.Update = append(d.Update, c)
		} else {
			d.Recreate = append(d.Recreate, c)
		}
	}
	return d
}

// updatable tells whether the engine can bring the field to its wanted value in place. Taking a limit away is not possible
// for most: ContainerUpdate takes zero as "leave it".
func updatable(path string, wanted field.Set) bool {
	switch path {
	case "restart":
		return true
	case "mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period",
		"cpu_rt_runtime", "cpuset", "pids_limit", "blkio_config.weight":
		return wanted[path] != ""
	}
	return false
}

// addDrift adds what was changed on the container by hand: limits, restart policy.
func (d *Difference) addDrift(want Spec, wanted, found field.Set) {
	have := live(found)
	for _, p := range want.Updatable().Digests().Differing(have.Digests()) {
		if ignoredDrift(p, wanted) || slices.ContainsFunc(slices.Concat(d.Update, d.Recreate), func(c field.Change) bool { return c.Path == p }) {
			continue
		}
		d.Drift = true
		c := field.Change{Path: p, Old: have[p], New: wanted[p], OldKnown: true}
		if updatable(p, wanted) {
			d.Update = append(d.Update, c)
		} else {
			d.Recreate = append(d.Recreate, c)
		}
	}
}

// ignoredDrift: the engine itself sets memswap_limit to twice the memory when only that is asked for.
func ignoredDrift(path string, wanted field.Set) bool {
	return path == "memswap_limit" && wanted[path] == ""
}

// live keeps the updatable fields of what was found.
func live(found field.Set) field.Set {
	out := field.Set{}
	for p, v := range found {
		if updatable(p, field.Set{p: "x"}) {
			out[p] = v
		}
	}
	return out
}

// effective are the fields of what was found as far as the Compose file could have asked for them: what image and engine add
// by themselves is taken out where want does not speak of it.
func (s Spec) effective(want Spec, defaults *image.Defaults) field.Set {
	f, w := s.Fields(), want.Fields()
	if defaults != nil {
		s.dropDefaults(f, w, defaults)
	}
	for p := range f {
		if _, asked := w[p]; !asked && engineSets(p) {
			delete(f, p)
		}
	}
	for p := range w {
		if _, found := f[p]; !found && notReadBack(p) {
			f[p] = w[p]
		}
	}
	return f
}

func (s Spec) dropDefaults(f, w field.Set, d *image.Defaults) {
	drop := func(path, text string) {
		if _, asked := w[path]; !asked && f[path] == text {
			delete(f, path)
		}
	}
	for _, e := range d.Env {
		k, v, _ := strings.Cut(e, "=")
		drop("environment."+k, v)
	}
	for k, v := range d.Labels {
		drop("labels."+k, v)
	}
	own := field.Set{}
	putCommand(own, "command", d.Cmd)
	putCommand(own, "entrypoint", d.Entrypoint)
	own.Put("user", d.User)
	own.Put("working_dir", d.WorkingDir)
	own.Put("stop_signal", d.StopSignal)
	for p, v := range own {
		drop(p, v)
	}
	for _, v := range d.Volumes {
		if _, asked := w["volumes."+v]; !asked {
			delete(f, "volumes."+v)
		}
	}
	if want, have := w["expose"], f["expose"]; want == "" && have != "" {
		delete(f, "expose")
	}
	if d.HasHealthcheck && w["healthcheck.test"] == "" {
		for p := range f {
			if strings.HasPrefix(p, "healthcheck.") && w[p] == "" {
				delete(f, p)
			}
		}
	}
}

// engineSets are fields that every container shows a value of, asked for or not.
func engineSets(path string) bool {
	switch path {
	case "hostname", "network_mode", "shm_size", "ipc", "runtime", "logging.driver", "memswap_limit", "platform", "mac_address",
		"container_name", "pid", "uts", "cgroup", "isolation", "mem_swappiness", "expose", "stop_signal":
		return true
	}
	return strings.HasSuffix(path, ".mac_address") || strings.HasPrefix(path, "logging.options.")
}

// notReadBack are fields that an inspect does not show as they were asked for.
func notReadBack(path string) bool {
	switch path {
	case "platform", "container_name", "links", "external_links", "expose", "cgroup_parent", "stdin_open":
		return true
	}
	return strings.HasSuffix(path, ".priority") || strings.HasPrefix(path, "configs.") || strings.HasPrefix(path, "secrets.")
}
