package served_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/engine/docker"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/engine/enginetest/served"
)

// TestConformance: through the socket and the adapter the Fake is still what every engine must be, as far as it is served.
func TestConformance(t *testing.T) {
	enginetest.Conformance(t, func(t *testing.T) enginetest.Harness {
		f := enginetest.New()
		f.AddImage(enginetest.HelperImage("helper"))
		server := httptest.NewServer(served.New(f))
		host := "tcp://" + strings.TrimPrefix(server.URL, "http://")
		e, err := docker.Dial(t.Context(), docker.Options{Host: host})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close(); f.Close(); server.CloseClientConnections(); server.Close() })
		return enginetest.Harness{Engine: e, Image: "helper"}
	},
		"Archives", "ArchivesRefuse", "Contents", "Data", "DataRefuses", "PathsMove", "FilesystemsKept", // archives
		"Exec", "ExecRefuses", "ExecFails", "ExecEndsEarly", "CommandStreams", "Attached", // streams
		"Monitored", "HappeningsTold", // statistics, and all that happens
	)
}
