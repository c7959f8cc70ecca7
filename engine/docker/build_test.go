package docker

import (
	"reflect"
	"slices"
	"testing"

	apicontainer "github.com/moby/moby/api/types/container"

	"github.com/tutti-run/tutti/image"
)

// TestBuildOptions: what a build says reaches the engine.
func TestBuildOptions(t *testing.T) {
	value := "b"
	i := images{&conn{caps: capabilities("docker", "20.10.24", "1.41", "linux")}}
	o, err := i.buildOptions(t.Context(), "shop-web", image.Build{
		Args: map[string]*string{"A": &value}, Target: "stage", CacheFrom: []string{"c"}, Labels: map[string]string{"l": "m"}, Network: "host",
		ExtraHosts: []string{"h:1.1.1.1"}, ShmSize: 9, Ulimits: map[string][2]int64{"nofile": {1, 2}}, Isolation: "process", NoCache: true, Pull: true,
		Tags: []string{"extra"}, Memory: 7, Platforms: []string{"linux/arm64/v8"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, ok := range map[string]bool{
		"build_args": o.BuildArgs["A"] == &value, "target": o.Target == "stage", "cache_from": slices.Equal(o.CacheFrom, []string{"c"}),
		"labels": o.Labels["l"] == "m", "network": o.NetworkMode == "host", "extra_hosts": slices.Equal(o.ExtraHosts, []string{"h:1.1.1.1"}),
		"shm_size": o.ShmSize == 9, "ulimits": len(o.Ulimits) == 1 && o.Ulimits[0].Name == "nofile" && o.Ulimits[0].Soft == 1 && o.Ulimits[0].Hard == 2,
		"isolation": o.Isolation == apicontainer.Isolation("process"), "no_cache": o.NoCache, "memory": o.Memory == 7, "pull": o.PullParent,
		"tags":      slices.Equal(o.Tags, []string{"shop-web", "extra"}),
		"platforms": len(o.Platforms) == 1 && reflect.DeepEqual([]string{o.Platforms[0].OS, o.Platforms[0].Architecture, o.Platforms[0].Variant}, []string{"linux", "arm64", "v8"}),
	} {
		if !ok {
			t.Errorf("%s does not reach the engine: %+v", name, o)
		}
	}
}
