package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
)

// player plays a plan's events to a view.
type player struct {
	plan  plan.Plan
	view  View
	begun map[plan.ID]time.Time
	ended map[plan.ID]graph.Outcome
}

func play(v View, p plan.Plan) *player {
	v.Event(apply.Planned{Plan: p})
	return &player{p, v, map[plan.ID]time.Time{}, map[plan.ID]graph.Outcome{}}
}

func (p *player) node(id plan.ID) plan.Node {
	n, ok := p.plan.Node(id)
	if !ok {
		panic("no step " + id)
	}
	return n
}

func (p *player) start(ids ...plan.ID) {
	for _, id := range ids {
		p.begun[id] = time.Now()
		p.view.Event(apply.StepStarted{Node: p.node(id), At: time.Now()})
	}
}

func (p *player) end(o graph.Outcome, err error, ids ...plan.ID) {
	for _, id := range ids {
		p.ended[id] = o
		e := apply.StepEnded{Node: p.node(id), Outcome: o, Err: err, At: time.Now()}
		if at, ok := p.begun[id]; ok {
			e.Took = e.At.Sub(at)
		}
		p.view.Event(e)
	}
}

func (p *player) done(ids ...plan.ID) { p.end(graph.Done, nil, ids...) }

func (p *player) pull(id plan.ID, layer, text string, current, total int64) {
	p.view.Event(apply.StepProgress{Node: p.node(id), Progress: engine.Progress{Layer: layer, Text: text, Current: current, Total: total}})
}

// rest starts and ends all other steps in the plan's order, pause apart.
func (p *player) rest(pause time.Duration) {
	for _, n := range p.plan.Nodes {
		if _, over := p.ended[n.ID]; over {
			continue
		}
		if _, on := p.begun[n.ID]; !on {
			p.start(n.ID)
		}
		time.Sleep(pause)
		p.done(n.ID)
	}
}

func (p *player) over(r apply.Report) error {
	p.view.Event(apply.Ended{Report: r})
	return p.view.Close()
}

// halfway through a first up: the network is there, the database is waited for, an image is pulled and another built.
func (p *player) halfway() {
	p.start("create network shop_default", "create volume shop_data", "check nginx:alpine", "build shop-api")
	time.Sleep(120 * time.Millisecond)
	p.done("create network shop_default", "create volume shop_data", "check nginx:alpine")
	p.start("create db-1", "pull nginx:alpine")
	p.pull("build shop-api", "", "Step 1/3 : FROM golang:1.26\r\n\x1b[91m ---> \a0123\x1b[0m\n", 0, 0)
	time.Sleep(80 * time.Millisecond)
	p.done("create db-1")
	p.start("start db-1")
	for i := range 4 {
		p.pull("pull nginx:alpine", fmt.Sprint("layer", i), "Pulling fs layer", 0, 0)
	}
	p.pull("pull nginx:alpine", "layer0", "Already exists", 0, 0)
	p.pull("pull nginx:alpine", "layer1", "Downloading", 3_000_000, 12_000_000)
	p.pull("pull nginx:alpine", "layer2", "Extracting", 2_000_000, 4_000_000)
	p.pull("build shop-api", "", "Step 2/3 : RUN go build -trimpath -ldflags=-s -o /bin/shop-api ./cmd/shop-api && /bin/shop-api --version", 0, 0)
	time.Sleep(300 * time.Millisecond)
	p.done("start db-1")
	p.start("wait db-1 healthy")
	time.Sleep(time.Second)
	p.settle()
}

// settle has a frame drawn of what was just told.
func (p *player) settle() {
	p.pull("pull nginx:alpine", "layer3", "Waiting", 0, 0)
	time.Sleep(rest + time.Millisecond)
}

// onScreen plays a script on a terminal and gives what is on it then.
func onScreen(t *testing.T, cols, rows int, color bool, p plan.Plan, script func(p *player, s *screen)) (got string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(cols, rows)
		v := NewTTY(s, s.size, Style{Color: color, Title: "up"})
		pl := play(v, p)
		synctest.Wait() // the first frame is of the plan alone, so that the beat is the same every time
		script(pl, s)
		_ = v.Close()
		mistakes, _, _ := s.noted()
		for _, m := range mistakes {
			t.Error(m)
		}
		got = s.text()
	})
	return got
}

func TestTTYHalfway(t *testing.T) {
	for _, cols := range []int{60, 80, 120, 200} {
		var half string
		final := onScreen(t, cols, 40, cols == 80, firstUp(3), func(p *player, s *screen) {
			p.halfway()
			synctest.Wait()
			half = s.text()
			p.rest(50 * time.Millisecond)
			if err := p.over(apply.Report{}); err != nil {
				t.Error(err)
			}
		})
		golden(t, fmt.Sprintf("tty-half-%d.txt", cols), half)
		golden(t, fmt.Sprintf("tty-final-%d.txt", cols), final)
	}
}

// No width makes a line that is too long, or worse.
func TestTTYWidths(t *testing.T) {
	for cols := 2; cols <= 200; cols += 6 {
		onScreen(t, cols, 3+cols/4, cols%2 == 0, firstUp(9), func(p *player, s *screen) {
			p.halfway()
			p.end(graph.Failed, errors.New("wait:\r\n\x1b[2J漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字"), "wait db-1 healthy")
			_ = p.over(apply.Report{})
		})
	}
}

// On a small terminal what is done is folded, then what waits; nothing scrolls until the last frame.
func TestTTYFolds(t *testing.T) {
	for _, rows := range []int{6, 12, 16} {
		var half string
		onScreen(t, 80, rows, false, firstUp(20), func(p *player, s *screen) {
			p.halfway()
			synctest.Wait()
			if _, _, scrolled := s.noted(); scrolled > 0 {
				t.Errorf("%d rows: %d lines have scrolled off", rows, scrolled)
			}
			half = s.text()
		})
		golden(t, fmt.Sprintf("tty-folded-%d.txt", rows), half)
	}
}

func TestTTYFailure(t *testing.T) {
	got := onScreen(t, 90, 40, false, firstUp(1), func(p *player, _ *screen) {
		p.halfway()
		p.end(graph.Failed, &apply.NotReady{Name: "shop-db-1", Until: plan.UntilHealthy, State: "is unhealthy"}, "wait db-1 healthy")
		p.done("build shop-api", "pull nginx:alpine")
		for _, n := range []string{"migrate", "api", "web"} {
			p.start(plan.ID("create " + n + "-1"))
			p.done(plan.ID("create " + n + "-1"))
			p.end(graph.Skipped, nil, plan.ID("start "+n+"-1"))
		}
		p.end(graph.Skipped, nil, "wait migrate-1 completed")
		_ = p.over(apply.Report{})
	})
	golden(t, "tty-failure.txt", got)
}

func TestTTYInterrupted(t *testing.T) {
	var half string
	got := onScreen(t, 90, 40, false, firstUp(1), func(p *player, s *screen) {
		p.halfway()
		p.view.Event(apply.Stopping{Running: 3})
		p.settle()
		synctest.Wait()
		half = s.text()
		p.done("build shop-api", "pull nginx:alpine")
		for _, n := range p.plan.Nodes {
			if _, over := p.ended[n.ID]; !over {
				p.end(graph.Cancelled, nil, n.ID)
			}
		}
		_ = p.over(apply.Report{Interrupted: true})
	})
	golden(t, "tty-interrupted.txt", half+"---\n"+got)
}

func TestTTYDown(t *testing.T) {
	var p plan.Plan
	p.Project = "shop"
	for i, s := range []string{"web", "db"} {
		stop := plan.Node{ID: plan.ID("stop " + s), Resource: box(s, 1), Step: plan.StopContainer{}}
		if i > 0 {
			stop.AfterAny = []plan.ID{"stop web"}
		}
		p.Nodes = append(p.Nodes, stop, plan.Node{ID: plan.ID("remove " + s), Resource: box(s, 1), Step: plan.RemoveContainer{}, After: []plan.ID{stop.ID}})
	}
	p.Nodes = append(p.Nodes, plan.Node{ID: "remove net", Resource: res(plan.Network, "", "shop_default"), Step: plan.RemoveNetwork{}, After: []plan.ID{"remove web", "remove db"}})
	var half string
	final := onScreen(t, 70, 24, false, p, func(p *player, s *screen) {
		p.start("stop web")
		time.Sleep(time.Second + rest + time.Millisecond)
		p.done("stop web")
		p.start("stop db", "remove web")
		time.Sleep(rest + time.Millisecond)
		synctest.Wait()
		half = s.text()
		p.rest(10 * time.Millisecond)
		_ = p.over(apply.Report{})
	})
	golden(t, "tty-down.txt", half+"---\n"+final)
}

// A terminal made narrower or wider while the tree is on it does not break lines of the frames that follow.
func TestTTYResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newScreen(120, 40)
		v := NewTTY(s, s.size, Style{Title: "up"})
		p := play(v, firstUp(2))
		p.halfway()
		for _, cols := range []int{60, 200, 61} {
			synctest.Wait()
			s.resize(cols)
			time.Sleep(2 * beat)
			synctest.Wait()
			mistakes, _, _ := s.noted()
			for _, m := range mistakes {
				t.Errorf("%d columns: %s", cols, m)
			}
		}
		_ = v.Close()
	})
}

// Nothing is drawn while nothing runs, and many events make few frames.
func TestTTYDrawsLittle(t *testing.T) {
	onScreen(t, 80, 40, false, firstUp(1), func(p *player, s *screen) {
		time.Sleep(time.Minute)
		synctest.Wait()
		_, before, _ := s.noted()
		if before != 1 {
			t.Errorf("%d frames while nothing ran", before)
		}
		p.start("check nginx:alpine")
		p.done("check nginx:alpine")
		p.start("pull nginx:alpine")
		for i := range int64(10000) {
			p.pull("pull nginx:alpine", "layer", "Downloading", i, 10000)
			time.Sleep(100 * time.Microsecond)
		}
		synctest.Wait()
		if _, after, _ := s.noted(); after-before > 40 {
			t.Errorf("%d frames in a second", after-before)
		}
	})
}

// What containers write stands above the tree, whole, and after it once it is done.
func TestTTYAbove(t *testing.T) {
	got := onScreen(t, 60, 10, true, firstUp(1), func(p *player, s *screen) {
		logs := NewLogPrinter(p.view.Above(stdout{s}), LogOptions{})
		logs.Line("db-1", engine.LogLine{Text: "before anything"})
		p.start("create network shop_default")
		for i := range 30 {
			logs.Line("db-1", engine.LogLine{Text: fmt.Sprint("line ", i, " ", strings.Repeat("long ", i))})
			time.Sleep(time.Duration(i) * 7 * time.Millisecond)
		}
		p.done("create network shop_default")
		p.rest(time.Millisecond)
		logs.Line("db-1", engine.LogLine{Text: "last before the end"})
		_ = p.over(apply.Report{})
		logs.Line("db-1", engine.LogLine{Text: "after the end"})
	})
	golden(t, "tty-above.txt", got)
	if n := strings.Count(got, "[+]"); n != 1 {
		t.Errorf("%d trees are left", n)
	}
}

func TestTTYOfNothing(t *testing.T) {
	if got := onScreen(t, 80, 24, true, plan.Plan{Project: "shop"}, func(p *player, _ *screen) { _ = p.over(apply.Report{}) }); got != "\n" {
		t.Errorf("%q", got)
	}
}

// What an image that stayed the same made needless ends without having started.
func TestNeedless(t *testing.T) {
	p := plan.Plan{Project: "shop", Nodes: append([]plan.Node{{ID: "build shop-web", Resource: res(plan.Image, "web", "shop-web"), Step: plan.BuildImage{}}},
		replaced("web", 1, "shop-web", nil, plan.ImageRenewed{Ref: "shop-web"})...)}
	got := onScreen(t, 80, 24, false, p, func(p *player, _ *screen) {
		p.start("build shop-web")
		p.done("build shop-web")
		p.end(graph.Done, nil, "create web-1", "stop web-1", "remove web-1", "rename web-1", "start web-1")
		_ = p.over(apply.Report{})
	})
	if !strings.Contains(got, "✔ Container shop-web-1  Running") {
		t.Error(got)
	}
}

// What runs and stays as it is is told too, as Docker Compose does.
func TestKept(t *testing.T) {
	p := plan.Plan{Project: "shop", Kept: []plan.Resource{res(plan.Container, "db", "shop-db-1")}}
	got := onScreen(t, 80, 24, false, p, func(p *player, _ *screen) { _ = p.over(apply.Report{}) })
	if !strings.Contains(got, "✔ Container shop-db-1  Running") {
		t.Error(got)
	}
	var plain strings.Builder
	NewPlain(&plain).Event(apply.Planned{Plan: p})
	if plain.String() != " Container shop-db-1  Running\n" {
		t.Errorf("%q", plain.String())
	}
}

// script is one run for the views that write lines.
func script(v View) {
	p := play(v, plan.Plan{Project: "shop", Nodes: append(append(firstUp(1).Nodes, replaced("old", 1, "nginx:1.27", nil, changed("image", "nginx:1.26", "nginx:1.27"))...),
		plan.Node{ID: "stop mail-1", Resource: box("mail", 1), Step: plan.StopContainer{}}, plan.Node{ID: "start mail-1", Resource: box("mail", 1), Step: plan.StartContainer{}, After: []plan.ID{"stop mail-1"}},
		plan.Node{ID: "wait opt-1 healthy", Resource: box("opt", 1), Step: plan.WaitContainer{Until: plan.UntilHealthy}})})
	p.halfway()
	p.done("wait db-1 healthy", "build shop-api", "pull nginx:alpine")
	p.start("create old-1", "stop mail-1", "wait opt-1 healthy")
	time.Sleep(70 * time.Millisecond)
	p.done("create old-1", "stop mail-1")
	p.end(graph.Failed, errors.New("container shop-opt-1 is unhealthy"), "wait opt-1 healthy")
	for _, id := range []plan.ID{"stop old-1", "remove old-1", "rename old-1", "start old-1", "start mail-1", "create migrate-1", "start migrate-1", "wait migrate-1 completed", "create api-1", "create web-1"} {
		p.start(id)
		time.Sleep(30 * time.Millisecond)
		p.done(id)
	}
	p.start("start api-1")
	v.Event(apply.Stopping{Running: 1})
	p.end(graph.Failed, errors.New("start shop-api-1: port is already allocated\n0.0.0.0:80"), "start api-1")
	p.end(graph.Skipped, nil, "start web-1")
	_ = p.over(apply.Report{Took: 3 * time.Second, Failures: []apply.Failure{{}}})
}

func TestLines(t *testing.T) {
	for name, view := range map[string]func(*bytes.Buffer) View{
		"plain.txt":  func(b *bytes.Buffer) View { return NewPlain(b) },
		"quiet.txt":  func(b *bytes.Buffer) View { return NewQuiet(b) },
		"json.jsonl": func(b *bytes.Buffer) View { return NewJSON(b) },
	} {
		synctest.Test(t, func(t *testing.T) {
			var b bytes.Buffer
			script(view(&b))
			noEscapes(t, b.String())
			golden(t, "view-"+name, b.String())
		})
	}
}

func TestJSONLinesAreObjects(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		script(NewJSON(&b))
		for line := range strings.SplitSeq(strings.TrimSpace(b.String()), "\n") {
			if err := json.Unmarshal([]byte(line), new(map[string]any)); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no such terminal") }

func TestCloseTellsWhatBroke(t *testing.T) {
	for _, v := range []View{NewTTY(broken{}, func() (int, int) { return 0, 0 }, Style{}), NewPlain(broken{}), NewJSON(broken{})} {
		script := play(v, firstUp(1))
		script.start("check nginx:alpine", "create db-1")
		if err := v.Close(); err == nil {
			t.Errorf("%T: no error", v)
		}
		_ = v.Close()
	}
}
