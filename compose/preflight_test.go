package compose_test

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// beside an engine that knows the image web, and what is there beside it.
func beside(t *testing.T, s engine.Surroundings) (compose.Tool, *enginetest.Fake) {
	f := enginetest.New()
	t.Cleanup(func() { f.Close() })
	f.AddImages(enginetest.Behaviour{}, "web")
	s.Pools = f.Beside.Pools
	f.Beside = s
	return compose.Tool{Engine: f}, f
}

// web is a project of one service that publishes a port.
func web(port string) desired.Project {
	s := service("web", "web")
	s.Container.Ports = []container.Port{{Published: port, Target: 80, Protocol: "tcp"}}
	s.Container.Networks = []network.Attachment{{Network: "default", Name: "shop_default"}}
	p := shop(s)
	p.WorkingDir = "/srv/shop"
	p.Networks = []network.Spec{{Key: "default", Name: "shop_default"}}
	return p
}

// checked plans and looks around.
func checked(t *testing.T, tool compose.Tool, p desired.Project) (plan.Plan, error) {
	t.Helper()
	pl, err := tool.Plan(t.Context(), p, compose.UpOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return tool.Preflight(t.Context(), p, pl, compose.PreflightOptions{})
}

func TestWhatMakesNothingCostsNoLook(t *testing.T) {
	tool, f := beside(t, engine.Surroundings{})
	p := web("8080")
	up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
	down, err := tool.PlanDown(t.Context(), p, compose.DownOptions{})
	if err != nil {
		t.Fatal(err)
	}
	f.ForgetJournal()
	if _, err := tool.Preflight(t.Context(), p, down, compose.PreflightOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := checked(t, tool, p); err != nil {
		t.Error(err)
	}
	if got := f.Journal(); !slices.Equal(got, []string{"Observe shop"}) {
		t.Errorf("%v", got)
	}
}

func TestAllThatIsInTheWayIsToldAndNothingTouched(t *testing.T) {
	blog := engine.Neighbour{ID: "b", Name: "shop-web-1", Project: "blog", Service: "web", State: container.Running, Ports: []container.Published{{HostIP: "0.0.0.0", Published: 8080, Target: 80, Protocol: "tcp"}}}
	tool, f := beside(t, engine.Surroundings{Containers: []engine.Neighbour{blog}, CPUs: 2, Memory: 1 << 30})
	p := web("8080")
	p.Services[0].Container.Resources = container.Resources{NanoCPUs: 4e9}
	_, err := checked(t, tool, p)
	list, _ := errors.AsType[diag.List](err)
	if len(list) != 3 {
		t.Errorf("%v", err)
	}
	if got := f.Journal(); !slices.Equal(got, []string{"Observe shop", "Survey"}) {
		t.Errorf("%v", got)
	}
}

func TestWhoMayNotLookAroundGoesOn(t *testing.T) {
	for kind, goes := range map[error]bool{engine.ErrUnavailable: false, errors.New("403 forbidden"): true} {
		tool, f := beside(t, engine.Surroundings{})
		f.Fail = func(c enginetest.Call) error {
			if c.Method == "Survey" {
				return kind
			}
			return nil
		}
		p, err := checked(t, tool, web("8080"))
		if (err == nil) != goes {
			t.Errorf("%v: %v", kind, err)
		}
		if goes && (len(p.Warnings) != 1 || p.Warnings[0].Text != "what else there is cannot be seen: 403 forbidden") {
			t.Errorf("%v", p.Warnings)
		}
	}
}

func TestNetworksComeAboutWhenThePoolsAreUsedUp(t *testing.T) {
	all := engine.Surroundings{Networks: []engine.NeighbourNetwork{{ID: "a", Name: "a", Subnets: []string{"172.16.0.0/12"}}, {ID: "b", Name: "b", Subnets: []string{"192.168.0.0/16"}}}}
	tool, _ := beside(t, all)
	p, err := checked(t, tool, web("8080"))
	if err != nil {
		t.Fatal(err)
	}
	if r := tool.Run(t.Context(), p, compose.RunOptions{}); r.Failed() {
		t.Fatalf("%+v", r.Failures)
	}
	if p, err := checked(t, tool, web("8080")); err != nil || !p.Empty() {
		t.Errorf("up again: %v, %s", err, p)
	}
}

func TestTheHostsProcessesAndPathsCountIfTheEngineIsHere(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	p := web(port)
	p.Services[0].Container.Mounts = []volume.Mount{{Type: volume.Bind, Source: filepath.Join(dir, "absent"), Target: "/a"}, {Type: volume.Bind, Source: dir, Target: "/b"}}
	for _, local := range []bool{true, false} {
		tool, _ := beside(t, engine.Surroundings{Local: local})
		_, err := checked(t, tool, p)
		if !local {
			if err != nil {
				t.Errorf("elsewhere: %v", err)
			}
			continue
		}
		text := fmt.Sprint(err)
		for _, want := range []string{"port " + port + " is taken by ", fmt.Sprintf("(pid %d)", os.Getpid()), "absent, to be mounted at /a, does not exist"} {
			if !strings.Contains(text, want) {
				t.Errorf("here: no %q in %s", want, text)
			}
		}
		if strings.Contains(text, "/b") {
			t.Error(text)
		}
	}
}

func TestADirectoryIsKnownByAnyOfItsPaths(t *testing.T) {
	dir := t.TempDir()
	link, other := filepath.Join(t.TempDir(), "link"), t.TempDir()
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	p := web("8080")
	p.WorkingDir = dir
	tool, _ := beside(t, engine.Surroundings{Local: true})
	up(t, tool, p, compose.UpOptions{}, compose.RunOptions{})
	for at, want := range map[string]string{link: "", other: fmt.Sprintf("project %q is in use from %s: its containers would be replaced", "shop", dir)} {
		p.WorkingDir = at
		p.Services[0].Container.User = "nobody" // so that there is something to do
		pl, err := checked(t, tool, p)
		list, _ := errors.AsType[diag.List](err)
		if got := cmp.Or(textOf(list), textOf(pl.Warnings)); got != want {
			t.Errorf("%s: %q", at, got)
		}
	}
}

func textOf(l diag.List) string {
	if len(l) == 0 {
		return ""
	}
	return l[0].Text
}
