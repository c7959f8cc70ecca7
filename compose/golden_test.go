package compose_test

import (
	"context"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/load"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
)

var update = flag.Bool("update", false, "rewrite the expected plans")

// TestPlans is the manual of what is made, replaced and kept: each file of testdata/plan brings before.yaml up on the Fake, changes the
// world as it says, and compares the plan for compose.yaml.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/plan/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no plans", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { checkPlan(t, file) })
	}
}

func checkPlan(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, a)
	if w.has("before.yaml") {
		w.up("before.yaml")
	}
	if w.back {
		w.up("compose.yaml")
	}
	for line := range strings.SplitSeq(strings.TrimSpace(w.files["world"]), "\n") {
		w.happens(strings.Fields(line))
	}
	got := w.decide("compose.yaml")
	for i, f := range a.Files {
		want := string(f.Data)
		text, ok := map[string]string{"plan": got.text, "steps": got.steps}[f.Name]
		switch {
		case !ok || text == want:
		case *update:
			a.Files[i].Data = []byte(text)
		default:
			t.Errorf("%s:\n%s\nwant:\n%s", f.Name, text, want)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// aWorld is a Fake engine and a folder with files.
type aWorld struct {
	t     *testing.T
	dir   string
	files map[string]string
	fake  *enginetest.Fake
	known map[string]bool // images
	tool  compose.Tool
	o     compose.UpOptions
	down  *compose.DownOptions
	back  bool // what is decided is the way back from compose.yaml to before.yaml
}

func newWorld(t *testing.T, a *txtar.Archive) *aWorld {
	w := &aWorld{t: t, dir: filepath.Join(t.TempDir(), "shop"), files: map[string]string{}, known: map[string]bool{}, fake: enginetest.New()}
	t.Cleanup(func() { w.fake.Close() })
	w.tool = compose.Tool{Engine: w.fake}
	for _, f := range a.Files {
		w.files[f.Name] = string(f.Data)
		path := filepath.Join(w.dir, f.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for line := range strings.Lines(string(a.Comment)) {
		if args, ok := strings.CutPrefix(strings.TrimSpace(line), "$ "); ok {
			w.options(strings.Fields(args))
		}
	}
	return w
}

func (w *aWorld) has(file string) bool { _, ok := w.files[file]; return ok }

// options of the line "$ up …", "$ down …" or "$ rollback".
func (w *aWorld) options(args []string) {
	if args[0] == "down" {
		w.down = &compose.DownOptions{}
	}
	w.back = args[0] == "rollback"
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		switch name {
		case "--force-recreate":
			w.o.Recreate = compose.Always
		case "--no-recreate":
			w.o.Recreate = compose.Never
		case "--always-recreate-deps":
			w.o.AlwaysRecreateDeps = true
		case "--remove-orphans":
			w.o.RemoveOrphans = true
			if w.down != nil {
				w.down.RemoveOrphans = true
			}
		case "--rerun":
			w.o.Rerun = []string{value}
		case "--no-deps":
			w.o.NoDeps = true
		case "--no-start":
			w.o.NoStart = true
		case "--recreate-volumes":
			w.o.RecreateVolumes = true
		case "--wait":
			w.o.Wait = true
		case "--atomic":
			w.o.Atomic = true
		case "--build":
			w.o.Build = true
		case "--no-build":
			w.o.NoBuild = true
		case "--pull":
			w.o.Pull = value
		case "-V":
			w.o.RenewAnonVolumes = true
		case "--scale":
			service, n, _ := strings.Cut(value, ":")
			count, _ := strconv.Atoi(n)
			w.o.Scale = map[string]int{service: count}
		case "--volumes":
			w.down.Volumes = true
		case "--rmi":
			w.down.Images = value
		default:
			if w.down != nil {
				w.down.Services = append(w.down.Services, a)
			}
			w.o.Services = append(w.o.Services, a)
		}
	}
}

func (w *aWorld) load(file string) load.Result {
	w.t.Helper()
	res, err := load.Load(context.Background(), load.Options{Dir: w.dir, Files: []string{file}, Environment: []string{}})
	if err != nil {
		w.t.Fatalf("%s: %v", file, err)
	}
	return res
}

// up brings file up, with images as the engine needs them.
func (w *aWorld) up(file string) {
	w.t.Helper()
	res := w.load(file)
	w.images(res.Project)
	if w.back {
		upRecorded(w.t, w.tool, res, compose.UpOptions{RemoveOrphans: w.o.RemoveOrphans})
		return
	}
	pl, err := w.tool.Plan(context.Background(), res.Project, compose.UpOptions{RemoveOrphans: true})
	if err != nil {
		w.t.Fatal(err)
	}
	if r := w.tool.Run(context.Background(), pl, compose.RunOptions{}); r.Failed() {
		w.t.Fatalf("%+v", r.Failures)
	}
	if again, err := w.tool.Plan(context.Background(), res.Project, compose.UpOptions{}); err != nil || !again.Empty() {
		w.t.Errorf("not empty after up: %v\n%s", err, again)
	}
}

// images are there for every service, but those whose name says "absent". One named "job" ends by itself; others become healthy at once.
func (w *aWorld) images(p desired.Project) {
	for _, s := range p.Services {
		for _, i := range s.Images() {
			w.image(i)
		}
	}
}

func (w *aWorld) image(i image.Spec) {
	ref := i.Ref
	img := enginetest.Image{Ref: ref, ID: "sha256:" + strings.Repeat("0", 12) + ref, Remote: strings.Contains(ref, "absent") || i.Build != nil}
	if strings.Contains(ref, "job") {
		img.ExitCode = enginetest.Exits(0)
	}
	if v, ok := strings.CutPrefix(ref, "anon"); ok {
		img.Defaults.Volumes = []string{"/data" + v}
	}
	if !w.known[ref] {
		w.known[ref] = true
		w.fake.AddImage(img)
	}
}

func (w *aWorld) happens(args []string) {
	if len(args) == 0 {
		return
	}
	w.t.Helper()
	ctx := context.Background()
	var err error
	id := func() string { return w.found(args[1]).ID }
	switch args[0] {
	case "stop":
		err = w.fake.StopContainer(ctx, id(), nil)
	case "pause":
		err = w.fake.PauseContainer(ctx, id())
	case "exit":
		code, _ := strconv.Atoi(args[2])
		w.fake.Exit(args[1], code)
	case "remove":
		err = w.fake.RemoveContainer(ctx, id(), true, false)
	case "temporary": // as an interrupted replacement leaves it
		if err = w.fake.StopContainer(ctx, id(), nil); err == nil {
			err = w.fake.RenameContainer(ctx, id(), id()[:12]+"_"+args[1])
		}
	case "rename":
		err = w.fake.RenameContainer(ctx, id(), args[2])
	case "disconnect":
		err = w.fake.DisconnectNetwork(ctx, args[2], id())
	case "reconnect": // as `docker network connect` does: without aliases
		if err = w.fake.DisconnectNetwork(ctx, args[2], id()); err == nil {
			err = w.fake.ConnectNetwork(ctx, args[2], id(), network.Attachment{Name: args[2]})
		}
	case "memory":
		n, _ := strconv.ParseInt(args[2], 10, 64)
		err = w.fake.UpdateContainer(ctx, id(), container.Spec{Restart: w.found(args[1]).Found.Restart, Resources: container.Resources{Memory: n << 20}})
	case "image": // the reference stands for another image from now on
		w.fake.AddImage(enginetest.Image{Ref: args[1], ID: "sha256:" + strings.Repeat("9", 12) + args[1]})
	case "prune":
		err = w.fake.RemoveImage(ctx, "sha256:"+strings.Repeat("0", 12)+args[1])
	case "network":
		_, err = w.fake.CreateNetwork(ctx, network.Spec{Name: args[1]}, nil)
	case "write":
		err = os.WriteFile(filepath.Join(w.dir, args[1]), []byte(strings.Join(args[2:], " ")+"\n"), 0o644)
	default:
		w.t.Fatalf("the world does not know %q", args)
	}
	if err != nil {
		w.t.Fatalf("%q: %v", args, err)
	}
}

func (w *aWorld) found(name string) container.Live {
	w.t.Helper()
	s, err := w.fake.Observe(context.Background(), engine.Query{Project: "shop"})
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(s.Containers, func(l container.Live) bool { return l.Name == name })
	if i < 0 {
		w.t.Fatalf("no container %s", name)
	}
	l, err := w.fake.Inspect(context.Background(), s.Containers[i].ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// decision is a plan as text, ids replaced: they are made up.
type decision struct{ text, steps string }

func (w *aWorld) decide(file string) decision {
	w.t.Helper()
	p := w.load(file).Project
	w.images(p)
	var pl plan.Plan
	var err error
	if w.back {
		var back compose.Rollback
		if back, err = w.tool.Rollback(context.Background(), "shop", compose.RollbackOptions{}); err == nil {
			pl, err = w.tool.PlanRollback(context.Background(), back)
		}
	} else if w.down != nil {
		pl, err = w.tool.PlanDown(context.Background(), p, *w.down)
	} else {
		pl, err = w.tool.Plan(context.Background(), p, w.o)
	}
	if err != nil {
		return decision{text: "error: " + strings.ReplaceAll(err.Error(), w.dir+"/", "") + "\n"}
	}
	clean := strings.NewReplacer(w.dir, "DIR")
	text := pl.String()
	if pl.Empty() {
		text += "nothing to do\n"
	}
	return decision{clean.Replace(text), clean.Replace(pl.Steps())}
}
