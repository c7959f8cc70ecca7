package plan

import (
	"cmp"
	"reflect"
	"slices"
	"strings"
)

// add one step to what happens to its resource.
func (c *Change) add(n Node) {
	c.Steps = append(c.Steps, n.ID)
	for _, r := range n.Reasons {
		if !sameText(c.Reasons, r) {
			c.Reasons = append(c.Reasons, r)
		}
	}
	if v := verb(n.Step); v != "" && !slices.Contains(c.Verbs, v) {
		c.Verbs = append(c.Verbs, v)
	}
	if r, gone := n.Step.(RemoveVolume); gone && r.Was == nil {
		c.Destructive = true
	}
	if r, ok := n.Step.(RemoveContainer); ok && r.Volumes {
		c.Destructive = true
	}
}

func sameText(reasons []Reason, r Reason) bool {
	return slices.ContainsFunc(reasons, func(o Reason) bool { return o.Text() == r.Text() })
}

// verbs of the steps that a change is told by. One that has none is no change of its own.
var verbs = map[reflect.Type]string{
	reflect.TypeFor[PullImage]():         "pull",
	reflect.TypeFor[PushImage]():         "push",
	reflect.TypeFor[BuildImage]():        "build",
	reflect.TypeFor[PublishProject]():    "publish",
	reflect.TypeFor[TagImage]():          "tag",
	reflect.TypeFor[RemoveImage]():       "remove",
	reflect.TypeFor[ServeModel]():        "serve",
	reflect.TypeFor[CreateNetwork]():     "create",
	reflect.TypeFor[ConnectNetwork]():    "connect",
	reflect.TypeFor[DisconnectNetwork](): "disconnect",
	reflect.TypeFor[RemoveNetwork]():     "remove",
	reflect.TypeFor[CreateVolume]():      "create",
	reflect.TypeFor[SnapshotVolume]():    "create",
	reflect.TypeFor[FillVolume]():        "fill",
	reflect.TypeFor[RemoveVolume]():      "remove",
	reflect.TypeFor[CreateContainer]():   "create",
	reflect.TypeFor[StartContainer]():    "start",
	reflect.TypeFor[StopContainer]():     "stop",
	reflect.TypeFor[KillContainer]():     "kill",
	reflect.TypeFor[PauseContainer]():    "pause",
	reflect.TypeFor[UnpauseContainer]():  "unpause",
	reflect.TypeFor[RenameContainer]():   "rename",
	reflect.TypeFor[UpdateContainer]():   "update",
	reflect.TypeFor[RemoveContainer]():   "remove",
}

// verb of a step in the user's words; the verbs of a change tell its action.
func verb(s Step) string {
	switch s := s.(type) {
	case CreateVolume:
		if s.Mark {
			return ""
		}
	case RemoveVolume:
		if s.Mark() {
			return ""
		}
	case BuildImage:
		if s.Unpulled {
			return "else build"
		}
	case Provide:
		return s.verb()
	case ReloadContainer:
		if len(s.Signals) == 0 {
			return "copy"
		}
		return "signal " + strings.Join(s.Signals, ", ")
	}
	return verbs[reflect.TypeOf(s)]
}

// settle finds the action from the verbs, and keeps those that say more than its sign does.
func (c *Change) settle() {
	has := func(v string) bool { return slices.Contains(c.Verbs, v) }
	made, gone := has("create") || has("pull") || has("build"), has("remove")
	switch {
	case made && gone && slices.ContainsFunc(c.Reasons, runsBefore):
		c.Action, c.Verbs, c.Destructive = Create, []string{"run"}, false
	case made && gone:
		c.Action, c.Verbs = Replace, nil
	case gone:
		c.Action, c.Verbs = Remove, nil
	case has("create"):
		c.Action, c.Verbs = Create, nil
	case made && slices.ContainsFunc(c.Reasons, absent):
		c.Action = Create
	default:
		c.Action = Update
	}
	if has("stop") && has("start") && c.Action == Update {
		c.Verbs = slices.DeleteFunc(c.Verbs, func(v string) bool { return v == "stop" || v == "start" })
		c.Verbs = append(c.Verbs, "restart")
	}
}

// runsBefore tells a container that is made, runs, and goes from one that is replaced.
func runsBefore(r Reason) bool {
	_, is := r.(RunsBefore)
	return is
}

// absent tells an image that is not here from one that is renewed.
func absent(r Reason) bool {
	_, is := r.(ImageAbsent)
	return is
}

var kinds = []Kind{Network, Volume, Image, Model, Provider, Container, Artefact}

func (r Resource) compare(o Resource) int {
	return cmp.Or(cmp.Compare(slices.Index(kinds, r.Kind), slices.Index(kinds, o.Kind)),
		cmp.Compare(r.Service, o.Service), compareNumbered(r.Name, o.Name))
}

// compareNumbered puts web-2 before web-10.
func compareNumbered(a, b string) int {
	stemA, stemB := strings.TrimRight(a, digits), strings.TrimRight(b, digits)
	return cmp.Or(cmp.Compare(stemA, stemB), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

const digits = "0123456789"
