package check

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

func TestSameAddress(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"", ""}: true, {"", "127.0.0.1"}: true, {"::1", ""}: true,
		{"127.0.0.1", "127.0.0.1"}: true, {"127.0.0.1", "127.0.0.2"}: false,
		{"0.0.0.0", "127.0.0.1"}: true, {"0.0.0.0", "::1"}: false, {"::", "::1"}: true, {"::ffff:127.0.0.1", "127.0.0.1"}: true,
	} {
		if sameAddress(pair[0], pair[1]) != want || sameAddress(pair[1], pair[0]) != want {
			t.Errorf("%q: want %t", pair, want)
		}
	}
}

// TestInDirection: a circle is told so that each depends on the next, from the first by name.
func TestInDirection(t *testing.T) {
	on := func(name string) (c types.ServiceConfig) {
		c.DependsOn = types.DependsOnConfig{name: {}}
		return c
	}
	services := types.Services{"a": on("c"), "c": on("b"), "b": on("a")}
	for _, nodes := range []string{"a c b a", "b a c b", "a b c a", "c a b c"} {
		if got := strings.Join(inDirection(strings.Fields(nodes), services), " "); got != "a c b a" {
			t.Errorf("%s: %s", nodes, got)
		}
	}
}
