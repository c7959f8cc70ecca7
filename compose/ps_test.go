package compose_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
)

var (
	steady = enginetest.Behaviour{}
	brief  = enginetest.Behaviour{ExitCode: enginetest.Exits(0), After: time.Second}
)

func TestPsShowsWhatIsAskedFor(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady, "brief": brief}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		all := shop(service("db", "steady"), service("job", "brief"), service("old", "steady"), service("web", "steady"))
		up(t, tool, all, compose.UpOptions{Scale: map[string]int{"web": 2}}, compose.RunOptions{})
		time.Sleep(2 * time.Second)
		now := shop(service("db", "steady"), service("job", "brief"), service("web", "steady"))
		now.Files = []string{"/shop/compose.yaml"}
		for name, c := range map[string]struct {
			o    compose.PsOptions
			want string
		}{
			"what is up":        {compose.PsOptions{Orphans: true}, "shop-db-1 shop-old-1 shop-web-1 shop-web-2"},
			"no orphans":        {compose.PsOptions{}, "shop-db-1 shop-web-1 shop-web-2"},
			"all":               {compose.PsOptions{All: true}, "shop-db-1 shop-job-1 shop-web-1 shop-web-2"},
			"of services":       {compose.PsOptions{Services: []string{"job", "web"}, All: true}, "shop-job-1 shop-web-1 shop-web-2"},
			"by status":         {compose.PsOptions{Status: []string{"exited"}}, "shop-job-1"},
			"by no such status": {compose.PsOptions{Status: []string{"dancing"}}, ""},
		} {
			got, err := tool.Ps(t.Context(), now, c.o)
			if names := liveNames(got); err != nil || names != c.want {
				t.Errorf("%s: %s, %v; want %s", name, names, err, c.want)
			}
		}
		got, err := tool.Ps(t.Context(), desired.Project{Name: "shop"}, compose.PsOptions{Services: []string{"old"}})
		if liveNames(got) != "shop-old-1" || err != nil {
			t.Errorf("by name alone: %s, %v", liveNames(got), err)
		}
	})
}

func liveNames(all []container.Live) string {
	var out []string
	for _, l := range all {
		out = append(out, l.Name)
	}
	return strings.Join(out, " ")
}

func TestPsKnowsItsServices(t *testing.T) {
	withEngine(t, nil, func(t *testing.T, f *enginetest.Fake) {
		_, err := compose.Tool{Engine: f}.Ps(t.Context(), shop(service("web", "steady")), compose.PsOptions{Services: []string{"wbe"}})
		if e, ok := errors.AsType[compose.NoServiceError](err); !ok || err.Error() != "no such service: wbe" {
			t.Errorf("%v, %v", e, err)
		}
		if n := len(f.Journal()); n != 0 {
			t.Errorf("%d calls for nothing", n)
		}
	})
}

func TestPsTakesOneCall(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady}, func(t *testing.T, f *enginetest.Fake) {
		up(t, compose.Tool{Engine: f}, shop(service("web", "steady")), compose.UpOptions{Scale: map[string]int{"web": 20}}, compose.RunOptions{})
		f.ForgetJournal()
		got, err := compose.Tool{Engine: f}.Ps(t.Context(), desired.Project{Name: "shop"}, compose.PsOptions{})
		if len(got) != 20 || err != nil || !slices.Equal(f.Journal(), []string{"ListContainers shop"}) {
			t.Errorf("%d containers, %v, %v", len(got), err, f.Journal())
		}
	})
}

func TestListShowsWhatRuns(t *testing.T) {
	withEngine(t, map[string]enginetest.Behaviour{"steady": steady, "brief": brief}, func(t *testing.T, f *enginetest.Fake) {
		tool := compose.Tool{Engine: f}
		up(t, tool, shop(service("job", "brief"), service("web", "steady")), compose.UpOptions{}, compose.RunOptions{})
		done := shop(service("job", "brief"))
		done.Name = "done"
		up(t, tool, done, compose.UpOptions{}, compose.RunOptions{})
		time.Sleep(2 * time.Second)
		for _, c := range []struct {
			o    compose.ListOptions
			want string
		}{
			{compose.ListOptions{}, "shop map[running:1]"},
			{compose.ListOptions{All: true}, "done map[exited:1], shop map[exited:1 running:1]"},
			{compose.ListOptions{All: true, Names: []string{"^do"}}, "done map[exited:1]"},
			{compose.ListOptions{All: true, Names: []string{"(", "shop"}}, "shop map[exited:1 running:1]"},
		} {
			all, err := tool.List(t.Context(), c.o)
			var got []string
			for _, p := range all {
				got = append(got, fmt.Sprint(p.Name, " ", p.States))
			}
			if text := strings.Join(got, ", "); text != c.want || err != nil {
				t.Errorf("%+v: %s, %v; want %s", c.o, text, err, c.want)
			}
		}
	})
}
