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
}

// Empty tells whether there is nothing to do.
func (d Difference) Empty() bool { return len(d.Recreate) == 0 && len(d.Update) == 0 }

// Diff tells how live differs from want. With our label of digests on it, that decides, but for what the engine can change in place:
// a label cannot follow an update, so there the value found decides. Without the label (a container of Docker Compose) the config hash
// decides first: equal hashes are equal files; else the values found are compared, less what the image (defaults, may be nil) and the
// user's proxies give by themselves. A live that was not inspected and has no such label does not differ.
func Diff(want Spec, hash string, live Live, defaults *image.Defaults) Difference {
	c := comparison{want: want, wanted: want.Fields()}
	if live.Found != nil {
		c.found = live.Found.effective(want, defaults)
	}
	made, ours := digestsOf(live)
	sameFile := hash != "" && live.Labels[LabelConfigHash] == hash
	var d Difference
	switch {
	case ours:
		c.add(&d, c.wanted.Digests().Differing(made), made)
	case sameFile:
		c.add(&d, nil, c.wanted.Digests())
	case c.found != nil:
		c.dropProxies(live.Proxies)
		c.add(&d, c.wanted.Digests().Differing(c.found.Digests()), nil)
	}
	return d
}

// digestsOf the fields that a container was made with, if our label tells.
func digestsOf(live Live) (field.Digests, bool) {
	label, ours := live.Labels[LabelFields]
	if !ours {
		return nil, false
	}
	made, err := field.Parse(label)
	return made, err == nil
}

// Known tells, without an inspect, whether live carries our label of digests, and whether it may differ from want.
func Known(want Spec, hash string, live Live) (ours, differs bool) {
	if made, ours := digestsOf(live); ours {
		return true, len(want.Fields().Digests().Differing(made)) > 0
	}
	return false, hash == "" || live.Labels[LabelConfigHash] != hash
}

// comparison of the fields wanted with those found; found is nil while nobody has looked.
type comparison struct {
	want          Spec
	wanted, found field.Set
}

// add sorts the paths that differ into those that an update can reach and the others. made are the digests that the container was made
// with, as far as known: what differs from the value found but not from them is drift.
func (c comparison) add(d *Difference, paths []string, made field.Digests) {
	wanted := c.wanted.Digests()
	if c.found != nil {
		paths = slices.DeleteFunc(paths, inPlace)
		for _, p := range c.want.Updatable().Digests().Differing(only(c.found, inPlace).Digests()) {
			if !c.ignored(p, made) {
				paths = append(paths, p)
			}
		}
	}
	for _, p := range paths {
		change := field.Change{Path: p, Old: c.found[p], New: c.wanted[p], OldKnown: c.found != nil, Note: c.want.Origin[p]}
		change.Drift = inPlace(p) && c.found != nil && made != nil && made[p] == wanted[p]
		if updatable(p, c.wanted) {
			d.Update = append(d.Update, change)
		} else {
			d.Recreate = append(d.Recreate, change)
		}
	}
}

// dropProxies takes out the variables that the user's proxies gave, where want does not speak of them.
func (c comparison) dropProxies(proxies map[string]string) {
	for name, v := range proxies {
		p := "environment." + name
		if _, said := c.want.Environment[name]; !said && c.found[p] == v {
			delete(c.found, p)
		}
	}
}

func only(s field.Set, keep func(string) bool) field.Set {
	out := field.Set{}
	for p, v := range s {
		if keep(p) {
			out[p] = v
		}
	}
	return out
}

// ignored is a difference that the engine itself makes. It sets memswap_limit to twice the memory when only that is asked for, shows no limit of
// processes as none (Podman: 2048 when nothing is asked), and leaves out limits that its kernel does not have; nobody can take one of those away
// later, as zero is to leave it.
func (c comparison) ignored(path string, made field.Digests) bool {
	wanted, found := c.wanted[path], c.found[path]
	switch path {
	case "memswap_limit":
		return wanted == ""
	case "pids_limit":
		return wanted == "-1" && found == "" || wanted == "" && found == "2048" && made[path] == ""
	case "restart":
		return false
	}
	return found == "" && made != nil && made[path] == c.wanted.Digests()[path]
}

// inPlace are the fields that the engine can change on a container that exists.
func inPlace(path string) bool {
	switch path {
	case "restart", "mem_limit", "mem_reservation", "memswap_limit", "cpus", "cpu_shares", "cpu_period", "cpu_quota", "cpu_rt_period",
		"cpu_rt_runtime", "cpuset", "pids_limit", "blkio_config.weight":
		return true
	}
	return false
}

// updatable tells whether the engine can bring the field to its wanted value in place. Taking a limit away is not possible:
// ContainerUpdate takes zero as "leave it".
func updatable(path string, wanted field.Set) bool {
	return path == "restart" || inPlace(path) && wanted[path] != ""
}

// effective are the fields of what was found as far as the Compose file could have asked for them: what image and engine add
// by themselves is taken out where want does not speak of it.
func (s Spec) effective(want Spec, defaults *image.Defaults) field.Set {
	f, w := s.inWordsOf(want).Fields(), want.Fields()
	if defaults != nil {
		s.dropDefaults(f, w, defaults)
	}
	for p := range f {
		if _, asked := w[p]; !asked && engineSets(p) {
			delete(f, p)
		}
	}
	for _, file := range want.Files { // one with a path on the host was mounted from there
		if p := "volumes." + file.Target; w[p] == "" {
			delete(f, p)
		}
	}
	if want.APISocket {
		s.dropSocket(f, w)
	}
	for p := range w {
		if _, found := f[p]; !found && notReadBack(p) {
			f[p] = w[p]
		}
	}
	return f
}

// dropSocket takes out what a container has for the engine's API: see Spec.APISocket.
func (s Spec) dropSocket(f, w field.Set) {
	for p, v := range map[string]string{"volumes." + SocketTarget: f["volumes."+SocketTarget], "environment.DOCKER_CONFIG": CredentialsDir} {
		if _, asked := w[p]; !asked && f[p] == v {
			delete(f, p)
		}
	}
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
	if d.HasHealthcheck { // what the file leaves open the image fills
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
	case "platform", "container_name", "links", "external_links", "expose", "cgroup_parent", "stdin_open", "pre_start", "use_api_socket", "credential_spec":
		return true
	}
	return strings.HasSuffix(path, ".priority") || strings.HasPrefix(path, "configs.") || strings.HasPrefix(path, "secrets.")
}
