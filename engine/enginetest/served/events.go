package served

import (
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	apievents "github.com/moby/moby/api/types/events"

	"github.com/tutti-run/tutti/engine"
)

// remembered is how many events an engine can tell afterwards.
const remembered = 256

// log is what happened of late, and who listens.
type log struct {
	mu   sync.Mutex
	last []apievents.Message
	subs map[*listener]struct{}
}

// listener has what it has not yet read.
type listener struct {
	waiting []apievents.Message
	more    chan struct{} // holds one when something waits
}

func newLog() *log { return &log{subs: map[*listener]struct{}{}} }

func (l *log) add(m apievents.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last = append(l.last, m); len(l.last) > 2*remembered {
		l.last = append([]apievents.Message(nil), l.last[len(l.last)-remembered:]...)
	}
	for s := range l.subs {
		s.waiting = append(s.waiting, m)
		select {
		case s.more <- struct{}{}:
		default:
		}
	}
}

// listen from now on; what was before is given too, as much of it as an engine remembers.
func (l *log) listen() (*listener, []apievents.Message) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := &listener{more: make(chan struct{}, 1)}
	l.subs[s] = struct{}{}
	return s, append([]apievents.Message(nil), l.last[max(0, len(l.last)-remembered):]...)
}

func (l *log) take(s *listener) []apievents.Message {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := s.waiting
	s.waiting = nil
	return out
}

func (l *log) leave(s *listener) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.subs, s)
}

// messageOf a container's event (Engine API, system events).
func messageOf(ev engine.Event) apievents.Message {
	m := message(apievents.ContainerEventType, apievents.Action(ev.Kind), ev.Container, maps.Clone(ev.Labels))
	if m.Actor.Attributes == nil {
		m.Actor.Attributes = map[string]string{}
	}
	m.Actor.Attributes["name"] = ev.Name
	m.Time, m.TimeNano = ev.Time.Unix(), ev.Time.UnixNano()
	switch ev.Kind {
	case engine.EventHealth:
		m.Action = apievents.Action("health_status: " + string(ev.Health))
	case engine.EventDie:
		m.Actor.Attributes["exitCode"] = strconv.Itoa(ev.ExitCode)
	case engine.EventKill:
		m.Actor.Attributes["signal"] = "15"
	}
	return m
}

func volumeMessage(ev engine.MarkEvent) apievents.Message {
	action := apievents.ActionCreate
	if ev.Removed {
		action = apievents.ActionDestroy
	}
	return message(apievents.VolumeEventType, action, ev.Name, nil)
}

// message of now.
func message(kind apievents.Type, action apievents.Action, id string, attributes map[string]string) apievents.Message {
	now := time.Now()
	return apievents.Message{Type: kind, Action: action, Actor: apievents.Actor{ID: id, Attributes: attributes}, Scope: "local", Time: now.Unix(), TimeNano: now.UnixNano()}
}

// events since a time, until another, or as they happen.
func (s *Server) events(w http.ResponseWriter, r *http.Request) error {
	f, err := filtersOf(r)
	if err != nil {
		return err
	}
	since, until := stamp(r.URL.Query().Get("since")), stamp(r.URL.Query().Get("until"))
	me, before := s.told.listen()
	defer s.told.leave(me)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusOK)
	out := json.NewEncoder(w)
	tell := func(all []apievents.Message, from int64) error {
		for _, m := range all {
			if m.TimeNano < from || until > 0 && m.TimeNano > until || !f.event(m) {
				continue
			}
			if err := out.Encode(m); err != nil {
				return err
			}
		}
		return http.NewResponseController(w).Flush()
	}
	if since == 0 {
		before = nil
	}
	if tell(before, since) != nil {
		return nil // it is gone
	}
	var end <-chan time.Time
	if until > 0 {
		end = time.After(time.Until(time.Unix(0, until)))
	}
	for {
		select {
		case <-me.more:
			if tell(s.told.take(me), 0) != nil {
				return nil
			}
		case <-end:
			return nil
		case <-r.Context().Done():
			return nil
		}
	}
}

// event tells whether the filters let a message through.
func (f filters) event(m apievents.Message) bool {
	action, _, _ := strings.Cut(string(m.Action), ":")
	return f.labelled(m.Actor.Attributes) && f.one("type", func(want string) bool { return want == string(m.Type) }) &&
		f.one("event", func(want string) bool { return want == string(m.Action) || want == action }) &&
		f.one("container", func(want string) bool { return want == m.Actor.ID || want == m.Actor.Attributes["name"] })
}

// stamp reads "SECONDS.NANOSECONDS", in nanoseconds; 0: there is none.
func stamp(text string) int64 {
	seconds, nanos, _ := strings.Cut(text, ".")
	s, _ := strconv.ParseInt(seconds, 10, 64)
	n, _ := strconv.ParseInt((nanos + "000000000")[:9], 10, 64)
	return s*1e9 + n
}
