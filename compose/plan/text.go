package plan

import (
	"fmt"
	"strings"
)

// String is the plan as plain text: what happens to each resource and why. The views for people are elsewhere.
func (p Plan) String() string {
	var b strings.Builder
	for _, w := range p.Warnings {
		fmt.Fprintf(&b, "warning: %s\n", w.Text)
	}
	for _, c := range p.Changes() {
		fmt.Fprintf(&b, "%s %s %s", c.Action, c.Resource.Kind, c.Resource.Name)
		if len(c.Verbs) > 0 {
			fmt.Fprintf(&b, " (%s)", strings.Join(c.Verbs, ", "))
		}
		if c.Destructive {
			b.WriteString(" !")
		}
		b.WriteString("\n")
		for _, r := range c.Reasons {
			fmt.Fprintf(&b, "    %s\n", r.Text())
		}
	}
	return b.String()
}

// Steps is the plan's steps as plain text, one a line, with what each comes after.
func (p Plan) Steps() string {
	var b strings.Builder
	for _, n := range p.Nodes {
		b.WriteString(string(n.ID) + joined(" < ", n.After) + joined(" <~ ", n.AfterAny))
		for _, s := range n.Unless {
			b.WriteString(" unless " + s.Ref + " stays")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// joined is sign and the ids, or nothing if there are none.
func joined(sign string, ids []ID) string {
	for _, id := range ids {
		sign += string(id) + ", "
	}
	if len(ids) == 0 {
		return ""
	}
	return strings.TrimSuffix(sign, ", ")
}
