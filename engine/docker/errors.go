package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"syscall"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/tutti-run/tutti/engine"
)

// fault is an error of a call: what was tried, the kind, and the engine's own words.
type fault struct {
	what string
	kind error // nil: none of the known ones
	err  error
}

func (f fault) Error() string { return f.what + ": " + message(f.err) }

func (f fault) Unwrap() []error {
	if f.kind == nil {
		return []error{f.err}
	}
	return []error{f.kind, f.err}
}

// failed words err as "what: the engine's message" and gives it its kind. nil stays nil.
func failed(err error, what ...string) error {
	if err == nil {
		return nil
	}
	return fault{what: strings.Join(what, " "), kind: kindOf(err), err: err}
}

// kindOf is the one place where the engine's errors get their kind. Podman words them differently: status codes come first.
func kindOf(err error) error {
	for _, k := range []error{engine.ErrNotFound, engine.ErrConflict, engine.ErrInvalid, engine.ErrUnavailable, engine.ErrBusy} {
		if errors.Is(err, k) {
			return k
		}
	}
	switch {
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return nil
	case lost(err):
		return engine.ErrUnavailable
	case strings.Contains(err.Error(), "invalid reference format"), strings.Contains(err.Error(), "non-overlapping IPv"):
		return engine.ErrInvalid // of the client itself; and of older engines that have no more subnets to give, as a 404
	case cerrdefs.IsNotFound(err), strings.Contains(err.Error(), "No such container"), strings.Contains(err.Error(), "image not known"):
		return engine.ErrNotFound // newer engines say 500 of a peer at start, Podman of an image to save
	case cerrdefs.IsConflict(err), cerrdefs.IsAlreadyExists(err), cerrdefs.IsPermissionDenied(err), conflicts(err):
		return engine.ErrConflict // 403 is how the engine words "has active endpoints" and "is already connected"
	case cerrdefs.IsInvalidArgument(err), cerrdefs.IsNotImplemented(err), cerrdefs.IsUnavailable(err):
		return engine.ErrInvalid // 503 is "this node is not a swarm manager"
	}
	return nil
}

// conflictWords come with a 500: of the engine at start, and of Podman.
var conflictWords = []string{
	"port is already allocated", "address already in use", "container state improper", "name is already in use", "already used", "is being used",
	"is not running", "is not paused", "is already paused", "is marked read-only",
}

func conflicts(err error) bool { return says(err, conflictWords...) }

// says tells whether one of these is in what the engine says.
func says(err error, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(err.Error(), w) })
}

// lost tells whether the connection is the trouble.
func lost(err error) bool {
	var op *net.OpError
	return client.IsErrConnectionFailed(err) || errors.As(err, &op) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed)
}

// message is the engine's own, without what the client puts before it: the address of a call means nothing to the user.
func message(err error) string {
	if call := (*url.Error)(nil); errors.As(err, &call) && lost(err) {
		return fmt.Sprintf("the engine went away (%s)", call.Err)
	}
	if errors.Is(err, io.ErrUnexpectedEOF) { // in the middle of an answer
		return fmt.Sprintf("the engine went away (%s)", err)
	}
	text := err.Error()
	for _, prefix := range []string{"Error response from daemon: ", "error during connect: "} {
		text = strings.TrimPrefix(text, prefix)
	}
	return text
}

// short is an id as people see it.
func short(id string) string {
	id = strings.TrimPrefix(id, "sha256:")
	if len(id) == 64 {
		return id[:12]
	}
	return id
}

// invalid is a refusal of our own, before the engine was asked.
func invalid(format string, args ...any) error {
	return refusal{fmt.Errorf(format, args...).Error(), engine.ErrInvalid}
}
