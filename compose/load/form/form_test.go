package form

import (
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"
)

// FuzzPorts: what our check of a port lets through, compose-go takes.
func FuzzPorts(f *testing.F) {
	for _, s := range strings.Fields("80 80:80 127.0.0.1:80:80/udp [::1]:1:2 1-2:3-4 99999:1 ::: 0 80/tpc :80 1-:2 a:b:c") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		msg := shortPort(text)
		_, err := types.ParsePortConfig(text)
		if msg == "" && err != nil {
			t.Errorf("%q passed, but: %v", text, err)
		}
		_, _, _ = PortRange(text)
	})
}
