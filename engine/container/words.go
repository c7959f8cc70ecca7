package container

import (
	"slices"
	"strconv"
	"strings"

	"github.com/tutti-run/tutti/network"
)

// inWordsOf says what was found in the words of what is wanted, where the engine has other words for the same.
func (s Spec) inWordsOf(want Spec) Spec {
	s.NetworkMode = peerWords(s.NetworkMode, want.NetworkMode)
	s.IPC = peerWords(s.IPC, want.IPC)
	s.PID = peerWords(s.PID, want.PID)
	if fromPeers(want.VolumesFrom) && len(s.VolumesFrom) == len(want.VolumesFrom) {
		s.VolumesFrom = want.VolumesFrom
	}
	s.CapAdd, s.CapDrop = capWords(s.CapAdd, want.CapAdd), capWords(s.CapDrop, want.CapDrop)
	if len(want.SecurityOpt) == 0 && slices.Equal(s.SecurityOpt, []string{"label=disable"}) {
		s.SecurityOpt = nil // the engine's own, of a privileged one and of one in the host's namespaces
	}
	if covers(s.Expose, want.Expose) {
		s.Expose = want.Expose // the image exposes more
	}
	s.Networks = networkWords(s, want)
	return s
}

// peerWords: "container:ID" is what became of "service:web". Whether it is the right one only the planner can tell.
func peerWords(found, want string) string {
	if strings.HasPrefix(want, "service:") && strings.HasPrefix(found, "container:") {
		return want
	}
	return found
}

func fromPeers(in []string) bool {
	return slices.ContainsFunc(in, func(v string) bool { return !strings.HasPrefix(v, "container:") })
}

// capWords: CAP_NET_ADMIN and NET_ADMIN are one.
func capWords(found, want []string) []string {
	plain := func(c string) string { return strings.TrimPrefix(strings.ToUpper(c), "CAP_") }
	out := slices.Clone(found)
	for i, f := range out {
		if j := slices.IndexFunc(want, func(w string) bool { return plain(w) == plain(f) }); j >= 0 {
			out[i] = want[j]
		}
	}
	return out
}

// covers tells whether all ports wanted are exposed.
func covers(found, want []string) bool {
	have := map[string]bool{}
	for _, p := range found {
		have[p] = true
	}
	for _, p := range want {
		for _, one := range eachPort(p) {
			if !have[one] {
				return false
			}
		}
	}
	return true
}

// eachPort of "80", "80/udp", "3000-3005", as the engine writes them.
func eachPort(text string) []string {
	ports, protocol, ok := strings.Cut(text, "/")
	if !ok {
		protocol = "tcp"
	}
	first, last, ok := strings.Cut(ports, "-")
	if !ok {
		last = first
	}
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	if err1 != nil || err2 != nil || to-from > 1<<16 {
		return []string{text}
	}
	var out []string
	for p := from; p <= to; p++ {
		out = append(out, strconv.Itoa(p)+"/"+protocol)
	}
	return out
}

// networkWords gives networks their keys in the Compose file, and leaves out the alias that Docker Compose gives every container: its name.
func networkWords(s, want Spec) []network.Attachment {
	out := slices.Clone(s.Networks)
	for i, n := range out {
		j := slices.IndexFunc(want.Networks, func(w network.Attachment) bool { return w.Name == n.Name })
		if j < 0 {
			continue
		}
		w := want.Networks[j]
		out[i].Network = w.Network
		out[i].Aliases = slices.DeleteFunc(slices.Clone(n.Aliases), func(a string) bool { return a == s.Name && !slices.Contains(w.Aliases, a) })
	}
	return out
}
