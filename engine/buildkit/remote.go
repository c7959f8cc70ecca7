package buildkit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"github.com/moby/buildkit/client"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// remote builds with a BuildKit that is not the engine's, and brings the image into the engine: as a stream, of which nothing is kept here. What
// engines cannot load is left with the builder, or pushed by it: an image for several platforms, one with attestations.
func (b *builder) remote(ctx context.Context, p place, ref string, of image.Build, progress func(engine.Progress)) (string, error) {
	if len(of.Bases) > 0 {
		return "", refusef("builder %s has not the image %s of the project, which this one is built from: the engine's own BuildKit has (--builder default)", p.builder, of.Bases[0])
	}
	s, err := b.solveOf(ref, of)
	if err != nil {
		return "", err
	}
	c, err := b.at(p)
	if err != nil {
		return "", err
	}
	if err := hostGateway(ctx, c, &s); err != nil {
		return "", err
	}
	name := s.Exports[0].Attrs["name"]
	attested := len(of.Attestations()) > 0
	if attested && !of.Push {
		if err := b.storable(ctx, of); err != nil {
			return "", err
		}
	}
	if len(of.Platforms) > 1 || attested && of.Push {
		s.Exports = []client.ExportEntry{{Type: client.ExporterImage, Attrs: map[string]string{"name": name, "push": fmt.Sprint(of.Push)}}}
		res, err := solve(ctx, c, s, dockerfileName(of), progress)
		if err != nil {
			return "", p.unreached(err)
		}
		if !of.Push {
			progress(engine.Progress{Text: "warning: it stays with builder " + p.builder + " (or is pushed, with --push): engines take in images for one platform, and without attestations", Over: true})
		}
		b.keep(of, name)
		return res.ExporterResponse["containerimage.digest"], nil
	}
	l := &loading{ctx: ctx, into: b.Host}
	s.Exports = []client.ExportEntry{{Type: client.ExporterDocker, Attrs: map[string]string{"name": name}, Output: l.open}}
	_, err = solve(ctx, c, s, dockerfileName(of), progress)
	if err := errors.Join(p.unreached(err), l.wait(err)); err != nil {
		return "", err
	}
	img, err := b.InspectImage(ctx, ref)
	return img.ID, err
}

// keep in mind what the builder has pushed.
func (b *builder) keep(of image.Build, names string) {
	if !of.Push {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name := range strings.SplitSeq(names, ",") {
		b.pushed[name] = true
	}
}

// PushImage by the engine, unless the builder already has.
func (b *builder) PushImage(ctx context.Context, ref string, progress func(engine.Progress)) error {
	b.mu.Lock()
	pushed := b.pushed[ref]
	b.mu.Unlock()
	if pushed {
		return nil
	}
	return b.Host.PushImage(ctx, ref, progress)
}

// unreached says whom an error is of, if nobody answers there.
func (p place) unreached(err error) error {
	if err == nil || !strings.Contains(err.Error(), "code = Unavailable") {
		return err
	}
	why := err.Error()
	if i := strings.LastIndex(why, "desc = "); i >= 0 {
		why = strings.TrimPrefix(strings.Trim(why[i+len("desc = "):], `"`), "transport: Error while dialing: ")
	}
	return failure{text: fmt.Sprintf("builder %s does not answer: %s", p.builder, why), err: engine.ErrUnavailable}
}

// loading is an image on its way from a builder into the engine.
type loading struct {
	ctx  context.Context
	into Host
	pipe *io.PipeWriter
	done chan error
}

func (l *loading) open(map[string]string) (io.WriteCloser, error) {
	r, w := io.Pipe()
	l.pipe, l.done = w, make(chan error, 1)
	go func() {
		err := l.into.LoadImage(l.ctx, r)
		r.CloseWithError(err) // what is still being sent need not be
		l.done <- err
	}()
	return w, nil
}

// wait until the engine has it. If the build failed there is no more to come.
func (l *loading) wait(failed error) error {
	if l.done == nil {
		return nil
	}
	if failed != nil {
		l.pipe.CloseWithError(failed)
	} else {
		l.pipe.Close()
	}
	err := <-l.done
	if failed != nil {
		return nil
	}
	return err
}

// at gives the client of a place. All builds there share it.
func (b *builder) at(p place) (*client.Client, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if c := b.clients[p.address]; c != nil {
		return c, nil
	}
	opts, address, err := b.dialer(p)
	if err != nil {
		return nil, err
	}
	c, err := client.New(context.Background(), address, opts...)
	if err != nil {
		return nil, refusef("builder %s: %v", p.builder, err)
	}
	b.clients[p.address] = c
	return c, nil
}

// dialer of a place, and the address for the client. Nothing is dialled yet.
func (b *builder) dialer(p place) ([]client.ClientOpt, string, error) {
	if p.address == "" {
		return []client.ClientOpt{
			client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.Upgrade(ctx, "/grpc", "h2c", nil) }),
			client.WithSessionDialer(func(ctx context.Context, protocol string, header map[string][]string) (net.Conn, error) {
				return b.Upgrade(ctx, "/session", protocol, header)
			}),
		}, "", nil
	}
	if name, ok := strings.CutPrefix(p.address, "docker-container://"); ok {
		if p.elsewhere != "" && p.elsewhere != "default" && p.elsewhere != b.builders.Context {
			return nil, "", refusef("builder %s is on another engine than this one: %s", p.builder, p.elsewhere)
		}
		return []client.ClientOpt{client.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return b.inContainer(ctx, p, name) })}, "", nil
	}
	var opts []client.ClientOpt
	if t := p.tls; t != nil {
		opts = append(opts, client.WithServerConfig(t.serverName, t.ca))
		if t.cert != "" || t.key != "" {
			opts = append(opts, client.WithCredentials(t.cert, t.key))
		}
	}
	return opts, p.address, nil
}

// inContainer connects with the BuildKit of a container on the engine, which is started if it does not run: over the input and output of a
// process there, as buildx does.
func (b *builder) inContainer(ctx context.Context, p place, name string) (net.Conn, error) {
	switch err := b.StartContainer(ctx, name); {
	case errors.Is(err, engine.ErrNotFound):
		return nil, failure{text: fmt.Sprintf("there is no container %s (docker buildx inspect --bootstrap %s makes it)", name, p.builder), err: engine.ErrNotFound}
	case err != nil && !errors.Is(err, engine.ErrConflict):
		return nil, err
	}
	if err := patiently(ctx, func() error { return b.serves(ctx, name) }); err != nil {
		return nil, err
	}
	cmd, err := b.OpenExec(ctx, name, engine.Exec{Command: []string{"buildctl", "dial-stdio"}}, engine.Streaming{Stdin: true})
	if err != nil {
		return nil, err
	}
	return newStdio(cmd), nil
}

// serves tells whether the BuildKit of a container answers, as buildx asks it.
func (b *builder) serves(ctx context.Context, name string) error {
	cmd, err := b.OpenExec(ctx, name, engine.Exec{Command: []string{"buildctl", "debug", "workers"}}, engine.Streaming{})
	if err != nil {
		return err
	}
	defer cmd.Close()
	var said bytes.Buffer
	if err := cmd.Copy(&said, &said); err != nil {
		return err
	}
	if code, err := cmd.Code(ctx); err != nil || code == 0 {
		return err
	}
	return failure{text: strings.TrimSpace(said.String()), err: engine.ErrUnavailable}
}

// patiently tries a few times: a container that was only now started has its BuildKit a moment later.
func patiently(ctx context.Context, do func() error) error {
	var err error
	for range 50 {
		if err = do(); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return err
}

// stdio is a connection over the input and output of a process.
type stdio struct {
	engine.Command
	out *io.PipeReader
}

func newStdio(cmd engine.Command) net.Conn {
	r, w := io.Pipe()
	go func() {
		w.CloseWithError(cmd.Copy(w, io.Discard))
	}()
	return &stdio{cmd, r}
}

func (s *stdio) Read(p []byte) (int, error) { return s.out.Read(p) }

func (s *stdio) Close() error {
	s.out.Close()
	return s.Command.Close()
}

func (s *stdio) LocalAddr() net.Addr              { return stdioAddr{} }
func (s *stdio) RemoteAddr() net.Addr             { return stdioAddr{} }
func (s *stdio) SetDeadline(time.Time) error      { return nil }
func (s *stdio) SetReadDeadline(time.Time) error  { return nil }
func (s *stdio) SetWriteDeadline(time.Time) error { return nil }

type stdioAddr struct{}

func (stdioAddr) Network() string { return "stdio" }
func (stdioAddr) String() string  { return "stdio" }
