package desired_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
)

func project() desired.Project {
	return desired.Project{Name: "shop", WorkingDir: "/src", Files: []string{"/src/a.yaml", "/src/b.yaml"}, Services: []desired.Service{
		{Name: "db", Replicas: 1, ContainerName: "database", Image: image.Spec{Ref: "db:1"}},
		{Name: "web", Replicas: 2, ConfigHash: "h4sh", Image: image.Spec{Ref: "web:1"},
			Container: container.Spec{Labels: map[string]string{"tier": "front"}, Networks: []network.Attachment{{Network: "default", Name: "shop_default", Aliases: []string{"www", "web"}}}},
			Depends:   []desired.Dependency{{Service: "db", Condition: desired.IsHealthy, Restart: true}}},
	}}
}

func TestReplicaIsNamedAndLabelledAsDockerComposeDoes(t *testing.T) {
	s, wrong := desired.Build(project(), desired.Options{Version: "v1"})
	if wrong != nil {
		t.Fatal(wrong)
	}
	r := s.Replica("web", 2)
	if r.Spec.Name != "shop-web-2" || r.Key != "web-2" || r.Spec.Image != "web:1" {
		t.Errorf("%+v", r)
	}
	if got := r.Spec.Networks[0].Aliases; !slices.Equal(got, []string{"shop-web-2", "web", "www"}) {
		t.Errorf("aliases %v", got)
	}
	for k, v := range map[string]string{
		"com.docker.compose.project": "shop", "com.docker.compose.service": "web", "com.docker.compose.container-number": "2",
		"com.docker.compose.oneoff": "False", "com.docker.compose.config-hash": "h4sh", "com.docker.compose.version": "v1",
		"com.docker.compose.project.working_dir": "/src", "com.docker.compose.project.config_files": "/src/a.yaml,/src/b.yaml",
		"com.docker.compose.depends_on": "db:service_healthy:true", "tier": "front",
	} {
		if r.Labels[k] != v {
			t.Errorf("%s: %q, want %q", k, r.Labels[k], v)
		}
	}
	if s.Replica("db", 1).Spec.Name != "database" {
		t.Error("container_name is not used")
	}
}

func TestReplicasDoNotShareTheirAliases(t *testing.T) {
	s, _ := desired.Build(project(), desired.Options{})
	one, two := s.Replica("web", 1), s.Replica("web", 2)
	if one.Spec.Networks[0].Aliases[0] == two.Spec.Networks[0].Aliases[0] {
		t.Error("the second replica has the first one's name")
	}
	if p := s.Project.Services[1].Container.Networks[0]; len(p.Aliases) != 2 {
		t.Errorf("the project itself was changed: %v", p.Aliases)
	}
}

func TestScale(t *testing.T) {
	s, wrong := desired.Build(project(), desired.Options{Scale: map[string]int{"web": 5}})
	if wrong != nil || s.Replicas("web") != 5 || s.Replicas("db") != 1 {
		t.Error(wrong, s.Replicas("web"))
	}
	_, wrong = desired.Build(project(), desired.Options{Scale: map[string]int{"db": 2, "nope": 1}})
	if len(wrong) != 2 || wrong[0].Text != `service "db" has container_name "database" and cannot have 2 replicas` || wrong[1].Text != "no such service: nope" {
		t.Error(wrong)
	}
}

// TestImagesThatServicesShare are pulled as the one wants it who wants it most, whatever order they come in; what can be built is built.
func TestImagesThatServicesShare(t *testing.T) {
	spec := func(p image.Policy, after time.Duration) image.Spec {
		return image.Spec{Ref: "app:1", Policy: p, RefreshAfter: after}
	}
	built := image.Spec{Ref: "app:1", Build: &image.Build{}}
	for name, test := range map[string]struct {
		specs []image.Spec
		want  image.Spec
	}{
		"always":      {[]image.Spec{spec("", 0), spec(image.Always, 0), spec(image.Never, 0)}, spec(image.Always, 0)},
		"by age":      {[]image.Spec{spec(image.Refresh, 3*time.Hour), spec("", 0), spec(image.Refresh, time.Hour)}, spec(image.Refresh, time.Hour)},
		"if missing":  {[]image.Spec{spec(image.Never, 0), spec("", 0)}, spec("", 0)},
		"can be made": {[]image.Spec{spec(image.Always, 0), built}, built},
	} {
		for range 2 {
			p := desired.Project{Name: "shop"}
			var names []string
			for i, img := range test.specs {
				names = append(names, string(rune('a'+i)))
				p.Services = append(p.Services, desired.Service{Name: names[i], Image: img})
			}
			s, _ := desired.Build(p, desired.Options{})
			if got := s.Images(names); !reflect.DeepEqual(got, []image.Spec{test.want}) {
				t.Errorf("%s: %+v", name, got)
			}
			slices.Reverse(test.specs)
		}
	}
}

func TestDependsOnLabelComesBack(t *testing.T) {
	s, _ := desired.Build(project(), desired.Options{})
	got := desired.ParseDependsOn(s.Replica("web", 1).Labels["com.docker.compose.depends_on"])
	if len(got) != 1 || got[0].Service != "db" || got[0].Condition != desired.IsHealthy || !got[0].Restart {
		t.Errorf("%+v", got)
	}
	if got := desired.ParseDependsOn("nonsense,a:b"); got != nil {
		t.Errorf("%+v", got)
	}
}
