package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

var storageRules = []Rule{
	{ID: "database-without-volume", Severity: diag.Warning, Title: "a database keeps its data in no named volume", check: each(databaseWithoutVolume),
		Why: "Its image makes an anonymous volume, which nobody finds again after `down`.",
		Fix: "Mount a named volume where it keeps its data."},
	{ID: "bind-file-missing", Severity: diag.Warning, Title: "a file is mounted that is not there", check: each(bindFileMissing),
		Why: "The engine makes a directory of that name, and the service finds a directory where it wants a file.",
		Fix: "Make the file, or mend the path."},
	{ID: "bind-outside-project", Severity: diag.Info, Title: "a path leads out of the project's directory", check: each(bindOutsideProject),
		Why: "A copy of the project lacks it.",
		Fix: "Keep it in the project, or take the path from a variable."},
	{ID: "no-memory-limit", Severity: diag.Info, Off: true, Title: "a service may use all memory", check: each(noMemoryLimit),
		Why: "One that leaks takes its neighbours with it.",
		Fix: "Set `deploy.resources.limits.memory` or `mem_limit`."},
}

func databaseWithoutVolume(s Service) []Finding {
	kind, st, ok := storeOf(s.Image.Value)
	if !ok || len(st.dirs) == 0 || s.MountsOthers || !serves(s.Program) {
		return nil
	}
	dirs := st.dirs
	for _, v := range s.Environment {
		if v.Name == st.env && st.env != "" && v.Value != "" {
			dirs = append(slices.Clone(dirs), v.Value)
		}
	}
	if slices.ContainsFunc(s.Mounts, func(m Mount) bool { return keeps(m, dirs) }) {
		return nil
	}
	hint := fmt.Sprintf("mount a named volume: %s-data:%s", s.Name, st.dirs[0])
	return one(s.about(s.Image.At, fmt.Sprintf("%s keeps its data in no named volume: it is lost with the container", kind), hint))
}

// serves tells whether what a database's image is told to run is the database, rather than a client.
func serves(program string) bool {
	name := path.Base(program)
	return program == "" || program[0] == '-' || strings.HasSuffix(name, "d") || strings.Contains(name, "entrypoint") || strings.Contains(name, "server") ||
		slices.Contains([]string{"postgres", "neo4j", "cassandra", "influxdb3", "elasticsearch"}, name)
}

// keeps tells whether a mount has a name or path, or is meant to be in memory, and holds one of the directories or part of it.
func keeps(m Mount, dirs []string) bool {
	if m.Source == "" && m.Type != "tmpfs" {
		return false
	}
	return slices.ContainsFunc(dirs, func(dir string) bool { return under(dir, m.Target) || under(m.Target, dir) })
}

func under(p, dir string) bool {
	p, dir = path.Clean(p), path.Clean(dir)
	return p == dir || dir != "/" && strings.HasPrefix(p, dir+"/")
}

func bindFileMissing(s Service) []Finding {
	var out []Finding
	for _, m := range s.Mounts {
		if m.Missing && path.Ext(m.Source) != "" && path.Ext(m.Target) == path.Ext(m.Source) && !strings.HasPrefix(path.Base(m.Source), ".") {
			out = append(out, s.about(m.At, m.Shown+" is not there: a directory will be made of that name", "make the file, or mend the path"))
		}
	}
	return out
}

func bindOutsideProject(s Service) []Finding {
	var out []Finding
	for _, m := range s.Mounts {
		if m.Outside {
			out = append(out, s.about(m.At, m.Shown+" is outside of the project's directory", "keep it in the project, or take the path from a variable"))
		}
	}
	return out
}

func noMemoryLimit(s Service) []Finding {
	if s.MemoryLimited {
		return nil
	}
	return one(s.about(s.At, "nothing limits its memory", "set deploy.resources.limits.memory"))
}
