package bind_test

import (
	"testing"

	"github.com/tutti-run/tutti/compose/load/bind"
)

// TestLeft: what compose-go's decoder refuses, converts or reads in its own way is left to it. That the rest is read alike is
// tested where whole files are loaded.
func TestLeft(t *testing.T) {
	for name, from := range map[string]map[string]any{
		"unknown key":         {"imagee": "x"},
		"another spelling":    {"Image": "x"},
		"text of a number":    {"scale": "2"},
		"number as text":      {"image": 5},
		"too large":           {"ports": []any{map[string]any{"target": 1 << 40}}},
		"negative":            {"ports": []any{map[string]any{"target": -1}}},
		"text for a list":     {"cap_add": "A"},
		"list for a mapping":  {"networks": []any{"a"}},
		"extension of labels": {"labels": map[string]any{"x-a": "b"}},
		"extension of a map":  {"networks": map[string]any{"x-a": nil}},
		"refused duration":    {"stop_grace_period": "soon"},
		"panics":              {"command": []any{1}},
	} {
		if c, ok := bind.Service("web", from); ok {
			t.Errorf("%s: bound as %+v", name, c)
		}
	}
}

func TestService(t *testing.T) {
	c, ok := bind.Service("web", map[string]any{
		"image": "x", "scale": 2, "x-mine": []any{1}, "networks": map[string]any{"front": nil}, "ports": []any{map[string]any{"target": uint32(80)}},
	})
	if !ok || c.Name != "web" || c.Image != "x" || *c.Scale != 2 || c.Extensions["x-mine"] == nil || len(c.Networks) != 1 || c.Ports[0].Target != 80 {
		t.Errorf("%v %+v", ok, c)
	}
}
