package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/charmbracelet/x/ansi"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
)

func text(p plan.Plan, s Style) string {
	var b bytes.Buffer
	if err := Plan(&b, p, s); err != nil {
		panic(err)
	}
	return b.String()
}

func TestPlan(t *testing.T) {
	for name, p := range map[string]plan.Plan{"first-up": firstUp(2), "first-up-replicas": firstUp(12), "rich": rich(), "empty": {Project: "shop"}} {
		for _, width := range []int{0, 60, 80, 120, 200} {
			got := text(p, Style{Width: width})
			noEscapes(t, got)
			narrow(t, got, width)
			golden(t, fmt.Sprintf("plan-%s-%d.txt", name, width), got)
		}
	}
	golden(t, "plan-rich-colour.txt", text(rich(), Style{Color: true, Width: 100}))
}

// narrow fails if a line is longer than width.
func narrow(t *testing.T, got string, width int) {
	t.Helper()
	for line := range strings.SplitSeq(got, "\n") {
		if width > 0 && !strings.Contains(line, "warning: ") && ansi.StringWidth(line) > width {
			t.Errorf("%d columns, not %d: %s", ansi.StringWidth(line), width, line)
		}
	}
}

// No width makes a line that is too long.
func TestPlanWidths(t *testing.T) {
	for width := 40; width <= 200; width++ {
		narrow(t, text(rich(), Style{Width: width}), width)
	}
	_ = text(rich(), Style{Width: 3}) // does not panic
}

// Colours change nothing but colours.
func TestPlanColourless(t *testing.T) {
	if got, want := ansi.Strip(text(rich(), Style{Color: true, Width: 90})), text(rich(), Style{Width: 90}); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPlanJSON(t *testing.T) {
	for name, p := range map[string]plan.Plan{"first-up": firstUp(1), "rich": rich(), "empty": {Project: "shop"}} {
		var b bytes.Buffer
		if err := PlanJSON(&b, p); err != nil {
			t.Fatal(err)
		}
		if !json.Valid(b.Bytes()) {
			t.Error("not JSON")
		}
		golden(t, "plan-"+name+".json", b.String())
	}
}

func TestNoSecrets(t *testing.T) {
	var b bytes.Buffer
	_ = PlanJSON(&b, rich())
	_ = PlanJSON(&b, firstUp(1))
	all := b.String() + text(rich(), Style{}) + text(firstUp(1), Style{})
	for _, secret := range []string{"hunter2", "correct horse", "s3cret", "0ther"} {
		if strings.Contains(all, secret) {
			t.Errorf("%q is in the output", secret)
		}
	}
}

// The names of reasons and steps are part of the JSON: renaming a Go type must not change them.
func TestKindNames(t *testing.T) {
	for _, test := range []struct {
		v    any
		want string
	}{
		{plan.Absent{}, "absent"}, {plan.FieldChanged{}, "field_changed"}, {plan.ContentChanged{}, "content_changed"}, {plan.Drifted{}, "drifted"},
		{plan.ImageChanged{}, "image_changed"}, {plan.ImageRenewed{}, "image_renewed"}, {plan.ImageAbsent{}, "image_absent"},
		{plan.PullPolicy{}, "pull_policy"}, {plan.NotRunning{}, "not_running"}, {plan.NetworkLost{}, "network_lost"},
		{plan.LabelLost{}, "label_lost"}, {plan.VolumeLost{}, "volume_lost"}, {plan.NetworkReplaced{}, "network_replaced"}, {plan.Asked{}, "asked"},
		{plan.DependencyReplaced{}, "dependency_replaced"}, {plan.Leftover{}, "leftover"}, {plan.Scaled{}, "scaled"}, {plan.Orphan{}, "orphan"},
		{plan.DependsOn{}, "depends_on"}, {plan.StartContainer{}, "start_container"},
		{plan.StopContainer{}, "stop_container"}, {plan.RemoveContainer{}, "remove_container"}, {plan.RenameContainer{}, "rename_container"},
		{plan.RemoveNetwork{}, "remove_network"}, {plan.RemoveVolume{}, "remove_volume"}, {plan.RemoveImage{}, "remove_image"},
		{plan.WaitContainer{}, "wait_container"}, {plan.DisconnectNetwork{}, "disconnect_network"},
	} {
		if got := kindName(test.v); got != test.want {
			t.Errorf("%T is %q, not %q", test.v, got, test.want)
		}
	}
}

func TestReport(t *testing.T) {
	for _, width := range []int{0, 60, 120} {
		var b bytes.Buffer
		Report(&b, failures(), Style{Width: width})
		noEscapes(t, b.String())
		golden(t, fmt.Sprintf("report-%d.txt", width), b.String())
	}
	var b bytes.Buffer
	Report(&b, failures(), Style{Color: true})
	golden(t, "report-colour.txt", b.String())
}

func TestPlanOptional(t *testing.T) {
	w := waited("cache", 1, plan.UntilHealthy, "web")
	w.Step = plan.WaitContainer{Until: plan.UntilHealthy}
	web := started("web", 1)
	web.AfterAny = []plan.ID{w.ID}
	got := text(plan.Plan{Nodes: []plan.Node{w, created("web", 1, "nginx"), web}}, Style{})
	if !strings.Contains(got, "+ shop-web-1  nginx, start after cache healthy (optional)\n") {
		t.Error(got)
	}
}

// Two waits for one container that is unhealthy are one failure.
func TestReportMerges(t *testing.T) {
	f := failures().Failures[0]
	up := f
	up.Node, up.Waiting = waited("db", 1, plan.UntilUp, ""), []string{"web", "mail"}
	var b bytes.Buffer
	Report(&b, apply.Report{Failures: []apply.Failure{up, f}}, Style{})
	if n := strings.Count(b.String(), "✘"); n != 1 || !strings.Contains(b.String(), "because of it: web, mail, api\n") {
		t.Errorf("%d failures:\n%s", n, b.String())
	}
}

func TestReportOfSuccessIsEmpty(t *testing.T) {
	var b bytes.Buffer
	Report(&b, apply.Report{Results: make([]apply.Result, 3)}, Style{Color: true})
	if b.Len() > 0 {
		t.Errorf("got %q", b.String())
	}
}

func TestDiagnostics(t *testing.T) {
	l := diag.List{
		{Severity: diag.Error, Place: diag.Place{File: "compose.yaml", Line: 14, Column: 7}, Text: `service "web" depends on unknown service "dbb"`, Hint: `did you mean "db"?`},
		{Severity: diag.Warning, Place: diag.Place{File: "compose.yaml", Line: 1}, Text: "this is the version 1 form", Hint: "write it today as\n  services:\n    web: …"},
		{Severity: diag.Error, Path: "services.web.ports.0", Text: "port 70000 is out of range"},
	}
	for name, s := range map[string]Style{"plain": {}, "colour": {Color: true, Width: 60}} {
		var b bytes.Buffer
		Diagnostics(&b, l, s)
		golden(t, "diagnostics-"+name+".txt", b.String())
	}
	var b bytes.Buffer
	if err := DiagnosticsJSON(&b, l); err != nil {
		t.Fatal(err)
	}
	golden(t, "diagnostics.json", b.String())
	b.Reset()
	if _ = DiagnosticsJSON(&b, nil); b.String() != "[]\n" {
		t.Errorf("none: %q", b.String())
	}
}
