package buildkit

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/tutti-run/tutti/engine"
)

// socket that an agent might listen on.
func socket(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "agent")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return path
}

func TestReport(t *testing.T) {
	var said []string
	r := newReport(func(p engine.Progress) { said = append(said, p.Text) })
	began := time.Unix(100, 0)
	over := began.Add(1300 * time.Millisecond)
	r.take(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: "a", Name: "[1/2] FROM base", Started: &began}, {Digest: "z", Name: "never begun"}}})
	r.take(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: "a", Name: "[1/2] FROM base", Started: &began, Completed: &began, Cached: true},
		{Digest: "cache", Name: "importing cache", Started: &began, Completed: &began, Error: "cache not found"}}})
	r.take(&client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: "b", Name: "[2/2] RUN make", Started: &began}},
		Logs:     []*client.VertexLog{{Vertex: "b", Data: []byte("one\n1%\r2%\r100%\ntw"), Timestamp: began.Add(time.Second)}},
	})
	r.take(&client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: "b", Name: "[2/2] RUN make", Started: &began, Completed: &over, Error: "exit code: 2"},
			{Digest: "c", Name: "other", Started: &began, Completed: &over}},
		Logs: []*client.VertexLog{{Vertex: "b", Data: []byte("o\r\nend"), Timestamp: began.Add(time.Second)}},
	})
	want := []string{"#1 [1/2] FROM base", "#2 importing cache", "#1 CACHED", "#2 ERROR: cache not found", "#3 [2/2] RUN make", "#3 1.000 one", "#3 1.000 100%", "#4 other", "#3 1.000 two", "#3 1.300 end",
		"#3 ERROR: exit code: 2", "#4 DONE 1.3s"}
	if d := cmp.Diff(want, said); d != "" {
		t.Error(d)
	}
	cause := errors.New("failed to solve: exit code: 2")
	err := r.failure(cause, "")
	if err.Error() != "exit code: 2\n  > [2/2] RUN make:\n  one\n  100%\n  two\n  end" || !errors.Is(err, cause) {
		t.Errorf("%q", err)
	}
}

// TestBarsTakeNoRoom: of a line that is written over and over only the end is kept.
func TestBarsTakeNoRoom(t *testing.T) {
	r := newReport(func(engine.Progress) {})
	now := time.Unix(100, 0)
	r.take(&client.SolveStatus{Vertexes: []*client.Vertex{{Digest: "a", Started: &now}}})
	for range 1000 {
		r.take(&client.SolveStatus{Logs: []*client.VertexLog{{Vertex: "a", Data: []byte("50% of it\r"), Timestamp: now}}})
	}
	if got := string(r.steps["a"].part); got != "50% of it\r" {
		t.Errorf("%d bytes are kept", len(got))
	}
}

func TestReportKeepsTheEnd(t *testing.T) {
	r := newReport(func(engine.Progress) {})
	now := time.Unix(100, 0)
	r.take(&client.SolveStatus{
		Vertexes: []*client.Vertex{{Digest: "a", Started: &now, Completed: &now, Error: "no"}},
		Logs:     []*client.VertexLog{{Vertex: "a", Data: []byte(strings.Repeat("x\n", 50) + "last\n"), Timestamp: now}},
	})
	if lines := strings.Split(r.failure(errors.New("no"), "").Error(), "\n"); len(lines) != tailLines+2 || lines[tailLines+1] != "  last" {
		t.Errorf("%q", lines)
	}
}

// TestFailurePlace: what went wrong is shown where it stands.
func TestFailurePlace(t *testing.T) {
	src := &errdefs.Source{Info: &pb.SourceInfo{Filename: "Dockerfile", Data: []byte("FROM a\nRUN false\n")}, Ranges: []*pb.Range{{Start: &pb.Position{Line: 2}, End: &pb.Position{Line: 2}}}}
	err := newReport(func(engine.Progress) {}).failure(errdefs.WithSource(errors.New("exit code: 1"), src), "/src/dev")
	want := "exit code: 1\n  /src/dev:2\n  --------------------\n     1 |     FROM a\n     2 | >>> RUN false\n     3 |     \n  --------------------"
	if err.Error() != want {
		t.Errorf("%s\n%q", err, err)
	}
}
