package compose_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/history"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
)

// failing is a test, or a property in a bubble.
type failing interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// loaded is a project of a file's text.
func loaded(t failing, dir, text string) load.Result {
	if err := os.WriteFile(filepath.Join(dir, "compose.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	res, err := load.Load(context.Background(), load.Options{Dir: dir, ProjectName: "shop", Environment: []string{}})
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// carried out, and recorded.
func carried(t failing, tool compose.Tool, pl plan.Plan, in compose.Intent) apply.Report {
	in.Plan, in.By = pl, "me@here"
	if in.Keep == 0 {
		in.Keep = history.DefaultKeep
	}
	rec, err := tool.Record(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	r := tool.Run(context.Background(), pl, compose.RunOptions{})
	if err := rec.Settle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return r
}

// upRecorded brings a project up; nothing may fail.
func upRecorded(t failing, tool compose.Tool, res load.Result, o compose.UpOptions) {
	pl, err := tool.Plan(context.Background(), res.Project, o)
	if err != nil {
		t.Fatal(err)
	}
	if r := carried(t, tool, pl, compose.Intent{Project: res.Project, Resolved: res.Resolved, Command: "up", Scale: o.Scale}); r.Failed() {
		t.Fatalf("%+v\n%s", r.Failures, pl.Steps())
	}
}

// rolledBack to a revision; nothing may fail.
func rolledBack(t failing, tool compose.Tool, o compose.RollbackOptions) compose.Rollback {
	back, err := tool.Rollback(context.Background(), "shop", o)
	if err != nil {
		t.Fatal(err)
	}
	pl, err := tool.PlanRollback(context.Background(), back)
	if err != nil {
		t.Fatal(err)
	}
	if pl.Empty() {
		err = tool.GiveUp(context.Background(), back)
	}
	if r := carried(t, tool, pl, compose.Intent{Project: back.Project, Resolved: back.Resolved, Command: fmt.Sprint("rollback to ", back.To.Number),
		Scale: back.To.Scale, Exactly: true}); r.Failed() || err != nil {
		t.Fatalf("%+v %v\n%s", r.Failures, err, pl.Steps())
	}
	return back
}

func past(t failing, tool compose.Tool) compose.Past {
	p, err := tool.History(context.Background(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// made is what containers were made from, by name: their fields' digests, image, and whether they are up.
func made(t failing, f *enginetest.Fake) map[string]string {
	out := map[string]string{}
	for _, l := range containersOf(t, f) {
		out[l.Name] = fmt.Sprint(l.Labels[container.LabelFields], " ", l.ImageID, " ", l.Up())
	}
	return out
}

func sameMade(t failing, f *enginetest.Fake, want map[string]string) {
	if got := made(t, f); !maps.Equal(got, want) {
		t.Fatalf("%v\nwant %v", got, want)
	}
}

const first = `
services:
  web: {image: run, environment: {COLOR: red}, depends_on: [db]}
  db: {image: "run:2", volumes: ["data:/d"]}
  old: {image: run}
volumes: {data: {}}
`

const second = `
services:
  web: {image: run, environment: {COLOR: blue}, depends_on: [new]}
  db: {image: "run:2", volumes: ["data:/d"], pre_stop: [{command: [bye]}]}
  new: {image: run, pre_stop: [{command: [bye]}]}
volumes: {data: {}}
`

func inHistory(t *testing.T, test func(t *testing.T, f *enginetest.Fake, tool compose.Tool)) {
	synctest.Test(t, func(t *testing.T) {
		f := anEngine()
		defer f.Close()
		test(t, f, compose.Tool{Engine: f})
	})
}

func TestTenRevisionsAreKept(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		for i := range 12 {
			upRecorded(t, tool, loaded(t, dir, fmt.Sprintf("services: {web: {image: run, environment: {N: %q, PASSWORD: geheim%d}}}", fmt.Sprint(i), i)), compose.UpOptions{})
		}
		p := past(t, tool)
		last, _ := p.Last()
		if len(p.Revisions) != 10 || last.Number != 12 || p.Interrupted != nil || last.By != "me@here" || !slices.Equal(last.Services, []string{"web"}) || last.Images["run"].ID == "" {
			t.Errorf("%d revisions, %+v", len(p.Revisions), last)
		}
		if text := strings.Join(last.Changes, "\n"); !strings.Contains(text, "environment.N: 10 → 11") || strings.Contains(text, "geheim") {
			t.Error(text)
		}
		if text, err := p.MaskedFile(12); err != nil || strings.Contains(string(text), "geheim") || !strings.Contains(string(text), `"11"`) {
			t.Errorf("%s, %v", text, err)
		}
	})
}

func TestNothingToDoIsNotRecorded(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		res := loaded(t, t.TempDir(), first)
		upRecorded(t, tool, res, compose.UpOptions{})
		f.ForgetJournal()
		upRecorded(t, tool, res, compose.UpOptions{})
		if calls := f.Journal(); !slices.Equal(calls, []string{"Observe shop"}) {
			t.Error(calls)
		}
		if n := len(past(t, tool).Revisions); n != 1 {
			t.Errorf("%d revisions", n)
		}
	})
}

func TestWhatFailedIsNotRecorded(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		f.AddImages(enginetest.Behaviour{StartError: "no"}, "bad")
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{})
		res := loaded(t, dir, "services: {web: {image: bad}}")
		pl, err := tool.Plan(t.Context(), res.Project, compose.UpOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if r := carried(t, tool, pl, compose.Intent{Project: res.Project, Resolved: res.Resolved, Command: "up"}); !r.Failed() {
			t.Error("it did not fail")
		}
		if p := past(t, tool); len(p.Revisions) != 1 || p.Interrupted != nil {
			t.Errorf("%+v", p)
		}
	})
}

func TestRollbackBringsBackWhatWas(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		one := loaded(t, dir, first)
		upRecorded(t, tool, one, compose.UpOptions{Scale: map[string]int{"web": 2}})
		then := made(t, f)
		f.AddImages(enginetest.Behaviour{}, "run") // the reference stands for another image from now on
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{RemoveOrphans: true})
		upRecorded(t, tool, loaded(t, dir, strings.ReplaceAll(second, "blue", "green")), compose.UpOptions{})
		f.ForgetJournal()
		if back := rolledBack(t, tool, compose.RollbackOptions{Revision: 1}); back.To.Command != "up" {
			t.Errorf("%+v", back.To)
		}
		sameMade(t, f, then)
		calls := f.Journal()
		if !slices.Contains(calls, "TagImage run") || slices.ContainsFunc(calls, func(c string) bool { return strings.HasPrefix(c, "RemoveVolume") }) {
			t.Error(calls)
		}
		if i, j := slices.Index(calls, "Exec shop-new-1 bye"), slices.Index(calls, "StopContainer shop-new-1"); i < 0 || j < i {
			t.Errorf("the hook of a service that goes did not run before its stop: %v", calls)
		}
		last, _ := past(t, tool).Last()
		if last.Number != 4 || last.Command != "rollback to 1" || last.Scale["web"] != 2 {
			t.Errorf("%+v", last)
		}
		pl, err := tool.Plan(t.Context(), one.Project, compose.UpOptions{Scale: map[string]int{"web": 2}})
		if err != nil || !pl.Empty() {
			t.Errorf("%v\n%s", err, pl)
		}
	})
}

func TestRollbackGoesToTheOneBefore(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		if _, err := tool.Rollback(t.Context(), "shop", compose.RollbackOptions{}); err == nil || !strings.Contains(err.Error(), "no earlier revision") {
			t.Error(err)
		}
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{})
		then := made(t, f)
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{})
		if _, err := tool.Rollback(t.Context(), "shop", compose.RollbackOptions{Revision: 7}); err == nil || !strings.Contains(err.Error(), "no revision 7") {
			t.Error(err)
		}
		rolledBack(t, tool, compose.RollbackOptions{})
		sameMade(t, f, then)
	})
}

func TestOrphansOfNeitherRevisionStay(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{})
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{})
		upRecorded(t, tool, loaded(t, dir, strings.ReplaceAll(second, "blue", "green")), compose.UpOptions{})
		rolledBack(t, tool, compose.RollbackOptions{})
		if _, there := made(t, f)["shop-old-1"]; !there {
			t.Error("an orphan is gone")
		}
	})
}

func TestAPartOfTheServices(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{Services: []string{"web"}})
		last, _ := past(t, tool).Last()
		if !slices.Equal(last.Services, []string{"db", "web"}) {
			t.Error(last.Services)
		}
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{Services: []string{"new"}})
		last, _ = past(t, tool).Last()
		if !slices.Equal(last.Services, []string{"db", "new", "web"}) {
			t.Error(last.Services)
		}
		rolledBack(t, tool, compose.RollbackOptions{})
		if got := slices.Sorted(maps.Keys(made(t, f))); !slices.Equal(got, []string{"shop-db-1", "shop-web-1"}) {
			t.Error(got)
		}
	})
}

func TestImagesThatThePlanBringsAreRecorded(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		f.AddImage(enginetest.Image{Ref: "far", ID: "sha256:" + strings.Repeat("f", 64), Remote: true})
		upRecorded(t, tool, loaded(t, t.TempDir(), "services: {web: {image: far}}"), compose.UpOptions{})
		p := past(t, tool)
		last, _ := p.Last()
		if last.Images["far"].ID != "sha256:"+strings.Repeat("f", 64) || p.Interrupted != nil {
			t.Errorf("%+v", last.Images)
		}
	})
}

func TestImagesThatAreGoneAreAllNamed(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{})
		before := past(t, tool).Revisions[0].Images
		for _, ref := range []string{"run", "run:2"} {
			f.AddImages(enginetest.Behaviour{}, ref)
		}
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{RemoveOrphans: true})
		for _, ref := range []string{"run", "run:2"} {
			if err := f.RemoveImage(t.Context(), before[ref].ID); err != nil {
				t.Fatal(err)
			}
		}
		back, err := tool.Rollback(t.Context(), "shop", compose.RollbackOptions{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = tool.PlanRollback(t.Context(), back)
		wrong, _ := errors.AsType[diag.List](err)
		if len(wrong) != 2 || !strings.Contains(wrong[0].Text, "image run") || !strings.Contains(wrong[1].Text, "image run") {
			t.Errorf("%v", err)
		}
	})
}

func TestDownForgetsWhenNothingStays(t *testing.T) {
	for _, test := range []struct {
		file    string
		volumes bool
		stays   bool
	}{{first, false, true}, {first, true, false}, {"services: {web: {image: run}}", false, false}} {
		inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
			res := loaded(t, t.TempDir(), test.file)
			upRecorded(t, tool, res, compose.UpOptions{})
			pl, err := tool.PlanDown(t.Context(), res.Project, compose.DownOptions{Volumes: test.volumes})
			if err != nil {
				t.Fatal(err)
			}
			if gone := strings.Contains(pl.String(), "- image "+desired.HistoryImage("shop")); gone == test.stays {
				t.Errorf("volumes %v:\n%s", test.volumes, pl)
			}
			tool.Run(t.Context(), pl, compose.RunOptions{})
			if stays := len(past(t, tool).Revisions) > 0; stays != test.stays {
				t.Errorf("volumes %v: history stays: %v", test.volumes, stays)
			}
			if test.stays {
				rolledBack(t, tool, compose.RollbackOptions{Revision: 1})
				settled(t, f, res.Project)
			}
		})
	}
}

// TestHooksOfWhatIsNoMore: orphans, and a project of which only the name is known, stop by the hooks of the last revision.
func TestHooksOfWhatIsNoMore(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, second), compose.UpOptions{})
		nameless := desired.Project{Name: "shop"}
		hooked := func(what string, pl plan.Plan, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(what, err)
			}
			for _, n := range pl.Nodes {
				if s, ok := n.Step.(plan.StopContainer); ok && n.Resource.Service == "new" && len(s.Hooks.PreStop) == 1 {
					return
				}
			}
			t.Errorf("%s: no hook\n%s", what, pl)
		}
		pl, err := tool.PlanDown(t.Context(), nameless, compose.DownOptions{})
		hooked("down", pl, err)
		pl, err = tool.PlanStop(t.Context(), nameless, compose.LifecycleOptions{})
		hooked("stop", pl, err)
		one := loaded(t, dir, first).Project
		pl, err = tool.PlanDown(t.Context(), one, compose.DownOptions{RemoveOrphans: true})
		hooked("down --remove-orphans", pl, err)
		pl, err = tool.Plan(t.Context(), one, compose.UpOptions{RemoveOrphans: true})
		hooked("up --remove-orphans", pl, err)
	})
}

// aFile draws the text of one.
func aFile(t *rapid.T, label string) string {
	var b strings.Builder
	b.WriteString("services:\n")
	for i := range rapid.IntRange(1, 4).Draw(t, label+" services") {
		at := fmt.Sprintf("%s s%d", label, i)
		fmt.Fprintf(&b, "  s%d:\n    image: %q\n    environment: {COLOR: %s}\n    scale: %d\n", i, rapid.SampledFrom([]string{"run", "run:2", "anon"}).Draw(t, at+" image"),
			rapid.SampledFrom([]string{"red", "blue"}).Draw(t, at+" color"), rapid.IntRange(1, 2).Draw(t, at+" scale"))
		if i > 0 && rapid.Bool().Draw(t, at+" depends") {
			fmt.Fprintf(&b, "    depends_on: [s%d]\n", i-1)
		}
		if rapid.Bool().Draw(t, at+" network") {
			b.WriteString("    networks: [back]\n")
		}
	}
	fmt.Fprintf(&b, "networks: {back: {internal: %v}}\n", rapid.Bool().Draw(t, label+" internal"))
	return b.String()
}

// TestACutOffChangeIsTakenBack: the client dies after any number of calls of a change, also of its record. Rollback then gives back the last
// revision: its containers, the images that its references stood for, and nothing to do against its file. The record is made beside the first
// steps: of a change that is cut off before it is kept, nobody knows which services it was about to bring.
func TestACutOffChangeIsTakenBack(t *testing.T) {
	dir := t.TempDir()
	inBubble(t, func(rt *rapid.T) func(fataler) {
		texts, calls, moved := []string{aFile(rt, "first"), aFile(rt, "second")}, rapid.IntRange(0, 50).Draw(rt, "calls"), rapid.Bool().Draw(rt, "image moved")
		return func(t fataler) {
			f := anEngine()
			defer f.Close()
			tool := compose.Tool{Engine: f}
			old := loaded(t, dir, texts[0])
			upRecorded(t, tool, old, compose.UpOptions{})
			then := made(t, f)
			if moved {
				f.AddImages(enginetest.Behaviour{}, "run")
			}
			recorded := cutOff(t, f, loaded(t, dir, texts[1]), calls)
			back, err := tool.Rollback(context.Background(), "shop", compose.RollbackOptions{Revision: 1})
			if err != nil {
				t.Fatal(err)
			}
			if back.Interrupted != nil && !recorded {
				rolledBack(t, tool, compose.RollbackOptions{}) // goes there by itself
			} else {
				rolledBack(t, tool, compose.RollbackOptions{Revision: 1})
			}
			if back.Interrupted == nil && !recorded {
				foreign(t, f, old.Project)
			}
			sameMade(t, f, then)
			settled(t, f, old.Project)
			if p := past(t, tool); p.Interrupted != nil {
				t.Fatalf("still interrupted: %s", p.Interrupted)
			}
		}
	})
}

// cutOff an up after some calls; it tells whether the change was recorded all the same.
func cutOff(t failing, f *enginetest.Fake, res load.Result, calls int) bool {
	ctx, tool := context.Background(), compose.Tool{Engine: f}
	f.CutAfter(calls)
	if pl, err := tool.Plan(ctx, res.Project, compose.UpOptions{RemoveOrphans: true}); err == nil {
		rec, err := tool.Record(ctx, compose.Intent{Project: res.Project, Resolved: res.Resolved, Plan: pl, Command: "up", By: "me@here", Keep: 10})
		if err == nil {
			_ = rec.Settle(ctx, tool.Run(ctx, pl, compose.RunOptions{}))
		}
	}
	f.Mend()
	time.Sleep(time.Minute) // the engine ends what it was asked for
	return len(past(t, tool).Revisions) > 1
}

// TestTheRecordIsCompletedLater: all of a change was done but its record. An up that finds nothing to do completes that.
func TestTheRecordIsCompletedLater(t *testing.T) {
	inHistory(t, func(t *testing.T, f *enginetest.Fake, tool compose.Tool) {
		dir := t.TempDir()
		upRecorded(t, tool, loaded(t, dir, first), compose.UpOptions{})
		f.Fail = func(c enginetest.Call) error {
			if c.String() == "TagImage tutti-history:shop" {
				return errFault
			}
			return nil
		}
		res := loaded(t, dir, second)
		pl, err := tool.Plan(t.Context(), res.Project, compose.UpOptions{RemoveOrphans: true})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := tool.Record(t.Context(), compose.Intent{Project: res.Project, Resolved: res.Resolved, Plan: pl, Command: "up", Keep: 10})
		if err != nil || rec.Settle(t.Context(), tool.Run(t.Context(), pl, compose.RunOptions{})) == nil {
			t.Fatal("it was recorded", err)
		}
		f.Fail = nil
		if p := past(t, tool); p.Interrupted == nil || len(p.Revisions) != 1 {
			t.Fatalf("%+v", p)
		}
		upRecorded(t, tool, res, compose.UpOptions{})
		p := past(t, tool)
		if last, _ := p.Last(); p.Interrupted != nil || last.Number != 2 || last.Images["run"].ID == "" {
			t.Errorf("%+v", p)
		}
	})
}

// foreign containers, of services that the file does not have, are taken away.
func foreign(t failing, f *enginetest.Fake, p desired.Project) {
	for _, l := range containersOf(t, f) {
		if _, ok := p.Service(l.Service()); !ok {
			if err := f.RemoveContainer(context.Background(), l.ID, true, true); err != nil {
				t.Fatal(err)
			}
		}
	}
}
