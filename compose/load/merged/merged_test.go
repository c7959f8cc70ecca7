package merged

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

func shop() *types.Project {
	web, worker, db := types.ServiceConfig{Name: "web"}, types.ServiceConfig{Name: "worker"}, types.ServiceConfig{Name: "db"}
	web.Image, web.DependsOn = "web:1", types.DependsOnConfig{"db": {}, "gone": {}}
	worker.Networks = map[string]*types.ServiceNetworkConfig{"back": nil}
	db.Volumes = []types.ServiceVolumeConfig{{Type: types.VolumeTypeVolume, Source: "data"}}
	return &types.Project{
		Name:             "shop",
		Services:         types.Services{"web": web, "worker": worker, "db": db},
		DisabledServices: types.Services{"tool": {Name: "tool"}},
		Networks:         types.Networks{"back": {}},
		Volumes:          types.Volumes{"data": {}, "unused": {}},
	}
}

func TestMatching(t *testing.T) {
	for name, want := range map[string]string{"web": "web", "w*": "web worker", "tool": "", "t*": "", "we[": ""} {
		if got := strings.Join(slices.Sorted(slices.Values(Matching(shop(), name))), " "); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestSelection(t *testing.T) {
	p := shop()
	got := Selection(p, []string{"web"}, false)
	if s := strings.Join(sorted(got.Services), " "); s != "db web" {
		t.Errorf("services %s", s)
	}
	if all := Selection(p, []string{"web"}, true); len(all.Services) != 2 || len(all.Networks) != len(p.Networks) || len(all.Volumes) != len(p.Volumes) {
		t.Errorf("not all networks and volumes: %v %v", all.Networks, all.Volumes)
	}
	if len(got.Networks) != 0 || len(got.Volumes) != 1 || len(got.Services["web"].DependsOn) != 1 {
		t.Errorf("not only what they use: %v %v %v", got.Networks, got.Volumes, got.Services["web"].DependsOn)
	}
	if len(p.Services["web"].DependsOn) != 2 || len(p.Volumes) != 2 {
		t.Error("the project itself was changed")
	}
}

func TestImage(t *testing.T) {
	p := shop()
	if got := Image(p, p.Services["web"]) + " " + Image(p, p.Services["db"]); got != "web:1 shop-db" {
		t.Error(got)
	}
	p.Environment = types.Mapping{"COMPOSE_COMPATIBILITY": "True"}
	if got := Image(p, p.Services["db"]); got != "shop_db" {
		t.Error(got)
	}
}

func TestImplied(t *testing.T) {
	c := types.ServiceConfig{Links: []string{"db:database"}}
	c.VolumesFrom, c.NetworkMode, c.Pid = []string{"data:ro", "container:other"}, "service:net", "host"
	got := Implied(c)
	want := map[string]Implication{"db": {"links", false}, "data": {"volumes_from", true}, "net": {"network_mode", true}}
	if len(got) != len(want) || got["db"] != want["db"] || got["data"] != want["data"] || got["net"] != want["net"] {
		t.Errorf("%v", got)
	}
}
