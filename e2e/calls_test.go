package e2e

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// TestCalls: what finds nothing to do takes a constant number of calls, however many containers there are.
func TestCalls(t *testing.T) {
	t.Parallel()
	few, many := noopCalls(t, 3), noopCalls(t, 12)
	for verb, calls := range few {
		t.Logf("%s takes %d calls: %v", verb, len(calls), calls)
		if len(calls) == 0 || len(calls) != len(many[verb]) {
			t.Errorf("%s of 3 services takes %d calls, of 12 %d:\n%v\n%v", verb, len(calls), len(many[verb]), calls, many[verb])
		}
	}
}

var single = regexp.MustCompile(`^/(containers|images|networks|volumes)/.+/json$|^/networks/[^/]+$|^/volumes/[^/]+$`)

// noopCalls of a stack of n services that is up, by verb.
func noopCalls(t *testing.T, n int) map[string][]dock.Call {
	t.Helper()
	var file strings.Builder
	file.WriteString("services:\n")
	for i := range n {
		fmt.Fprintf(&file, "  s%d:\n    image: ${STUB}\n    volumes: [\"v%d:/data\"]\n    networks: [back, front]\n", i, i)
	}
	file.WriteString("networks: {back: {}, front: {}}\nvolumes:\n")
	for i := range n {
		fmt.Fprintf(&file, "  v%d:\n", i)
	}
	s := newStack(t, map[string]string{"compose.yaml": file.String()})
	s.project = newProject(t, fmt.Sprint(t.Name(), n))
	s = s.with("COMPOSE_PROJECT_NAME=" + s.project)
	s.tutti("up", "-d")
	p := s.proxy()
	through := s.with("DOCKER_HOST=" + p.Host)
	out := map[string][]dock.Call{}
	for _, verb := range []string{"up -d", "plan", "ps"} {
		p.Calls()
		through.tutti(strings.Fields(verb)...)
		out[verb] = p.Calls()
		for _, c := range out[verb] {
			if c.Changes() {
				t.Errorf("%s changes the engine: %s %s", verb, c.Method, c.Path)
			}
			if c.Method == http.MethodGet && single.MatchString(c.Path) && !strings.HasSuffix(c.Path, "/containers/json") && !strings.HasSuffix(c.Path, "/images/json") {
				t.Errorf("%s looks at one thing: %s", verb, c.Path)
			}
		}
	}
	return out
}
