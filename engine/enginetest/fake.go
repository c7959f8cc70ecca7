// Package enginetest has an engine in memory that refuses what a real one refuses, and the suite that both must pass.
package enginetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

// Fake is an engine in memory. Time passes by timers only, so it runs in synctest bubbles; it starts no goroutine.
//
// Its containers do what the Behaviour of their image says. Faults: Fail, Latency, CutAfter.
type Fake struct {
	*Knobs
	observer
	containers
	networks
	volumes
	data
	contents
	images
	archives
	marks
	execs
	streams
	paths
	filesystems
	monitor
	surveyor
	events
	logs
	doctor
	w *world
}

var _ engine.Engine = (*Fake)(nil)

// Knobs are set before the first call.
type Knobs struct {
	Caps engine.Capabilities
	// Fail is asked before each call; an error is what the call returns, without having done anything. An error made by After is
	// returned when the call has done its work: the answer got lost.
	Fail func(Call) error
	// Latency of each call.
	Latency func(Call) time.Duration
	// Happened and Marked are told of each event as it happens, under the engine's lock: they must not call it.
	Happened func(engine.Event)
	Marked   func(engine.MarkEvent)
	// Beside is what Survey tells beside what is in here: neighbours that hold their ports and subnets, and the machine.
	Beside engine.Surroundings
}

// Call of a method. On is what it works on, by name: a container, network, volume or image; of Observe, the project.
type Call struct {
	N      int // from 1
	Method string
	On     string
}

// String is "StartContainer shop-web-1".
func (c Call) String() string { return strings.TrimSpace(c.Method + " " + c.On) }

// After makes Fail's error one that is returned after the call has done its work.
func After(err error) error { return afterError{err} }

type afterError struct{ error }

func (e afterError) Unwrap() error { return e.error }

// New makes an engine like Docker 20.10: no networks but its own three, no images.
func New() *Fake {
	w := &world{
		knobs: &Knobs{Caps: engine.Capabilities{
			Engine: "docker", Version: "20.10.24", APIVersion: "1.41", OS: "linux", Arch: "amd64", BuildKit: true, Update: true, Socket: "/var/run/docker.sock",
		}, Beside: engine.Surroundings{Memory: 8 << 30, CPUs: 4, Pools: defaultPools()}},
		containers: map[string]*box{}, names: map[string]*box{}, networks: map[string]*network.Live{}, subnets: map[string]string{}, volumes: map[string]*vol{},
		images: map[string]*Image{},
		cut:    make(chan struct{}), cutAfter: -1,
	}
	for name, driver := range map[string]string{"bridge": "bridge", "host": "host", "none": "null"} {
		id := hash("network " + name)
		w.networks[id] = &network.Live{ID: id, Name: name, Driver: driver}
		if driver == "bridge" {
			w.subnets[id] = w.freeSubnet()
		}
	}
	return &Fake{
		Knobs: w.knobs, observer: observer{w}, containers: containers{w}, networks: networks{w}, volumes: volumes{w}, data: data{w}, contents: contents{w}, images: images{w},
		archives: archives{w}, marks: marks{w}, execs: execs{w}, streams: streams{w}, paths: paths{w}, filesystems: filesystems{w},
		monitor: monitor{w}, surveyor: surveyor{w}, events: events{w}, logs: logs{w}, doctor: doctor{w}, w: w,
	}
}

// Image that the engine has or can pull.
type Image struct {
	Ref      string
	ID       string // made up when empty
	Remote   bool   // has to be pulled first
	Defaults image.Defaults
	Behaviour
	// Script, if set, gives the behaviour of a container from what it was made of.
	Script func(container.Spec) Behaviour

	files map[string][]byte // of an archive; nil for others
	made  time.Time         // of one that was added: never
	named time.Time         // when it was last given a name; no pull does
}

// Behaviour of a container. The zero value runs until it is stopped and has no health.
type Behaviour struct {
	ExitCode     *int          // ends by itself with this code; nil: runs until stopped
	After        time.Duration // how long it runs before it ends by itself
	HealthyAfter time.Duration // with a healthcheck: when the probe first succeeds
	Unhealthy    bool          // the probe fails instead
	// Ready is how long after its start the probe succeeds, whoever runs it. The engine runs it as the healthcheck says, so that it notices
	// only then; instead of HealthyAfter and Unhealthy.
	Ready       time.Duration
	Probe       string        // what the probe says
	IgnoresTerm bool          // only SIGKILL ends it
	StopsAfter  time.Duration // how long it takes to end after SIGTERM
	StopCode    int           // its exit code then; 0 is 143, as of a process that does not catch the signal
	OOM         bool          // it ends because of its memory limit
	StartError  string        // the engine cannot start it
	Logs        []string      // written when it starts; a line that begins with "!" goes to stderr
	// Exec tells what a command in it writes at once, as Logs are written, its exit code, and how long it takes. nil: exit 0 at once.
	// It is asked outside of the Fake's lock.
	Exec func(engine.Exec) (lines []string, code int, takes time.Duration)
}

// Exits is for Behaviour.ExitCode.
func Exits(code int) *int { return &code }

// AddImage makes an image known.
func (f *Fake) AddImage(i Image) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if i.ID == "" {
		i.ID = "sha256:" + f.w.newID("image "+i.Ref)
	}
	f.w.tag(i.Ref, &i)
}

// AddImages makes images known that behave alike.
func (f *Fake) AddImages(b Behaviour, refs ...string) {
	for _, ref := range refs {
		f.AddImage(Image{Ref: ref, Behaviour: b})
	}
}

// Journal is every call so far, in order: "StartContainer shop-web-1".
func (f *Fake) Journal() []string {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	out := make([]string, 0, len(f.w.calls))
	for _, c := range f.w.calls {
		out = append(out, c.String())
	}
	return out
}

// ForgetJournal starts it anew.
func (f *Fake) ForgetJournal() {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.calls = nil
}

// CutAfter makes the engine unreachable after n more calls: nothing that comes then is done, what waits is told, subscriptions end.
// It is what a kill -9 of the client leaves behind, or of the engine.
func (f *Fake) CutAfter(n int) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.cutAfter = f.w.count + n
	if n == 0 {
		f.w.sever()
	}
}

// Mend makes it reachable again.
func (f *Fake) Mend() {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	f.w.cutAfter, f.w.severed = -1, false
	f.w.cut = make(chan struct{})
}

// Exit ends a running container by itself, as if its process had.
func (f *Fake) Exit(name string, code int) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if b := f.w.find(name); b != nil && b.up() {
		f.w.die(b, code)
	}
}

// SetHealth gives a running container's probe a result.
func (f *Fake) SetHealth(name string, h container.Health) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if b := f.w.find(name); b != nil && b.up() {
		f.w.health(b, h)
	}
}

// Serving is how many containers of a service are found by its name on a network, run, and are healthy if they have a healthcheck.
func (f *Fake) Serving(service, network string) (n int) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	for _, b := range f.w.containers {
		i := b.on(network)
		if i >= 0 && slices.Contains(b.nets[i].Aliases, service) && b.state == container.Running && (b.health == container.NoHealth || b.health == container.Healthy) {
			n++
		}
	}
	return n
}

// Write makes a container write a line.
func (f *Fake) Write(name, line string) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if b := f.w.find(name); b != nil {
		b.write(line)
	}
}

// Info tells what the engine is.
func (f *Fake) Info() engine.Info { return engine.Info{Host: "fake://", Caps: f.Caps} }

// Close stops all timers. Subscriptions end.
func (f *Fake) Close() error {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	for _, b := range f.w.containers {
		b.stopTimers()
	}
	f.w.sever()
	return nil
}

// world is the state. mu guards all of it.
type world struct {
	mu         sync.Mutex
	knobs      *Knobs
	containers map[string]*box // by id
	names      map[string]*box
	networks   map[string]*network.Live // by id
	subnets    map[string]string        // chosen for networks that ask for none, by id
	volumes    map[string]*vol          // by name
	images     map[string]*Image        // by reference with its tag; by ID if no reference is left
	subs       []*sub[engine.Event]
	markSubs   []*sub[engine.MarkEvent]
	calls      []Call
	count, ids int
	cutAfter   int // the last call that gets through; -1: all
	severed    bool
	cut        chan struct{} // closed when severed
}

type vol struct {
	volume.Live
	anonymous bool
	files     map[string][]byte // by path from its root: "/file"
}

// newID is 64 hexadecimal digits, the same in each run.
func (w *world) newID(kind string) string {
	w.ids++
	return hash(fmt.Sprint(kind, w.ids))
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sever ends what is under way.
func (w *world) sever() {
	if w.severed {
		return
	}
	w.severed = true
	close(w.cut)
	for _, s := range w.subs {
		s.end(errCut)
	}
	for _, s := range w.markSubs {
		s.end(errCut)
	}
	w.subs, w.markSubs = nil, nil
}

var errCut = fault{engine.ErrUnavailable, "cannot reach a container engine at fake://: it was cut off"}

// call writes the journal, lets the knobs have their say, and does the work under the lock.
func (w *world) call(ctx context.Context, method, on string, work func() error) error {
	c, err := w.enter(method, on)
	if err != nil {
		return err
	}
	if err := w.delay(ctx, c); err != nil {
		return err
	}
	failure := w.fails(c)
	var after afterError
	if failure != nil && !errors.As(failure, &after) {
		return failure
	}
	if err := w.locked(work); err != nil {
		return err
	}
	if after.error != nil {
		return after.error
	}
	return nil
}

func (w *world) locked(work func() error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.severed {
		return errCut
	}
	return work()
}

func (w *world) enter(method, on string) (Call, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cutAfter >= 0 && w.count >= w.cutAfter {
		w.sever()
	}
	if w.severed {
		return Call{}, errCut
	}
	if b := w.containers[on]; b != nil {
		on = b.name
	}
	if n := w.networks[on]; n != nil {
		on = n.Name
	}
	w.count++
	c := Call{N: w.count, Method: method, On: on}
	w.calls = append(w.calls, c)
	return c, nil
}

func (w *world) delay(ctx context.Context, c Call) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if w.knobs.Latency == nil {
		return nil
	}
	return w.sleep(ctx, w.knobs.Latency(c))
}

// sleep ends early when the caller gives up or the engine is cut off.
func (w *world) sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.cutC():
		return errCut
	}
}

func (w *world) cutC() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cut
}

func (w *world) fails(c Call) error {
	if w.knobs.Fail == nil {
		return nil
	}
	return w.knobs.Fail(c)
}

// fault is an error of a kind with the engine's words.
type fault struct {
	kind error
	text string
}

func (f fault) Error() string { return f.text }
func (f fault) Unwrap() error { return f.kind }

func refuse(kind error, format string, args ...any) error {
	return fault{kind, fmt.Sprintf(format, args...)}
}
