package docker

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/engine"
)

// counting is an engine that keeps a network in use for some removals more, with these containers on it.
type counting struct {
	refusals   int
	containers string
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Api-Version", "1.44")
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/networks/"):
		fmt.Fprintf(w, `{"Id": "x", "Containers": %s}`, c.containers)
	case r.Method == http.MethodDelete && c.refusals > 0:
		c.refusals--
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message": "error while removing network: network n id x has active endpoints"}`)
	case r.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	}
}

func TestNetworksThatNobodyIsOn(t *testing.T) {
	id := strings.Repeat("ab", hexID/2)
	const guest = `{"1": {"Name": "guest"}}`
	for name, test := range map[string]struct {
		counting
		kind error
		text string
	}{
		"in use":         {counting{1000, guest}, engine.ErrConflict, "remove network abababababab: error while removing network: network n id x has active endpoints"},
		"someone leaves": {counting{2, `{}`}, nil, ""},
		"lost count":     {counting{1000, `{}`}, nil, "remove network abababababab: nobody is on it, but the engine has lost count"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := dialed(t, &test.counting).RemoveNetwork(t.Context(), id)
			if (err == nil) != (test.text == "") || err != nil && !strings.HasPrefix(err.Error(), test.text) || errors.Is(err, engine.ErrConflict) != (test.kind != nil) {
				t.Errorf("got %v", err)
			}
		})
	}
}
