package lint

import (
	"fmt"
	"strings"
)

//go:generate go test -run TestDocs . -update

const head = `# What tutti lint looks for

This page is written by ` + "`go generate ./compose/lint`" + `; a test fails when it is out of date.

` + "`tutti lint`" + ` tells of what is risky, of no use, or not what was meant, and of all that loading the files tells, in one list by place. A finding
has the id of its rule, which stays the same from version to version, and a severity: an error keeps the project from working, a warning is
likely to hurt, an info is good to know. The exit code is 1 from an error on; ` + "`--fail-on warning|info|never`" + ` changes that.
` + "`--format json`" + ` and ` + "`--format sarif`" + ` hold the exact edit where there is one that mends it.

A file can say what lint is to leave, for the whole project at its top level, for one service, network, volume, secret or config in that:

` + "```yaml" + `
x-lint-ignore: [host-network]          # for all
x-lint: {severity: {image-latest: error, no-healthcheck: warning, links-legacy: off}}
services:
  proxy:
    image: traefik:3.5
    volumes: ["/var/run/docker.sock:/var/run/docker.sock:ro"]
    x-lint-ignore:
      docker-socket: it reads the labels of containers     # with the reason
` + "```" + `

The closest setting counts. A rule that is off by itself is turned on by a severity, by ` + "`--enable RULE`" + ` or ` + "`--enable all`" + `. What keeps the
files from being loaded cannot be ignored. An ignore that hides nothing is told.
`

// Markdown is the page that tells of all rules.
func Markdown() string {
	var b strings.Builder
	b.WriteString(head)
	section(&b, "Rules", func(r Rule) bool { return !r.Loaded() })
	section(&b, "Rules that every command applies", Rule.Loaded)
	return b.String()
}

func section(b *strings.Builder, title string, in func(Rule) bool) {
	fmt.Fprintf(b, "\n## %s\n", title)
	for _, r := range rules {
		if in(r) {
			severity := string(r.Severity)
			if r.Off {
				severity += ", off unless asked for"
			}
			fmt.Fprintf(b, "\n### %s\n\n%s%s: *%s*. %s\n\n%s\n", r.ID, strings.ToUpper(r.Title[:1]), r.Title[1:], severity, r.Why, r.Fix)
		}
	}
}
