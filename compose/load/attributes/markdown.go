package attributes

import (
	"cmp"
	"fmt"
	"strings"
)

//go:generate go test -run TestDocs . -update

const head = `# Attributes of a Compose file

What becomes of each, as compose-go knows them. This page is written by ` + "`go generate ./compose/load/attributes`" + `; a test fails when it is out of
date, when compose-go knows an attribute that is not here, and when what shows it is not there.

* A **field** is of the Engine API: of ContainerCreate unless it names another call.
* **Since** is the version of the Engine API that first takes it. On an older engine the plan tells that it is left out; empty means that all
  engines do that tutti speaks to (1.41 and later).
* **Cannot** be had: the user reads a line with its place.
`

// Markdown is the table as a page.
func Markdown() string {
	var b strings.Builder
	b.WriteString(head)
	last := "none yet"
	for _, r := range All() {
		if s := r.section(); s != last {
			last = s
			fmt.Fprintf(&b, "\n## %s\n\n| attribute | what becomes of it | since | shown by |\n|---|---|---|---|\n", cmp.Or(s, "Top level"))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", r.key(), words(r.Fate), r.Since, links(r))
	}
	return b.String()
}

func words(f Fate) string {
	switch f := f.(type) {
	case Reaches:
		return "`" + strings.ReplaceAll(string(f), ", ", "`, `") + "`"
	case Makes:
		return string(f)
	case Decides:
		return "plan: " + string(f)
	case Read:
		return "file: " + string(f)
	case Cannot:
		return "**cannot**: " + string(f)
	}
	return ""
}

func links(r Row) string {
	var out []string
	for i, path := range r.Files() {
		file, _, _ := strings.Cut(path, ":")
		out = append(out, fmt.Sprintf("[%s](../%s)", strings.Fields(r.Tests)[i], file))
	}
	return strings.Join(out, " ")
}
