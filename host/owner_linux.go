package host

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Owner of a socket: the first process that has it open; of a server and its workers that is the server. It looks through all processes.
func Owner(s Socket) Process {
	link := fmt.Sprintf("socket:[%d]", s.Inode)
	for _, pid := range processes() {
		if hasOpen(pid, link) {
			return process(pid)
		}
	}
	return Process{}
}

// processes by their ids, in order.
func processes() []int {
	entries, _ := os.ReadDir("/proc")
	var out []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			out = append(out, pid)
		}
	}
	slices.Sort(out)
	return out
}

func hasOpen(pid int, link string) bool {
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	files, _ := os.ReadDir(dir) // of another user's process only root sees them
	return slices.ContainsFunc(files, func(f os.DirEntry) bool {
		to, err := os.Readlink(filepath.Join(dir, f.Name()))
		return err == nil && to == link
	})
}

func process(pid int) Process {
	name, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	groups, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	return Process{Name: strings.TrimSpace(string(name)), PID: pid, Container: containerOf(string(groups))}
}

var containerID = regexp.MustCompile(`[0-9a-f]{64}`)

// containerOf a process by its control groups: "0::/system.slice/docker-ID.scope" or "9:name=systemd:/docker/ID". The innermost counts.
func containerOf(groups string) string {
	line, _, _ := strings.Cut(groups, "\n")
	all := containerID.FindAllString(line, -1)
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}
