package docker

import (
	"errors"
	"testing"

	"github.com/tutti-run/tutti/engine"
)

// TestOfRegistry: what is worth another try, in the words of Engine 20.10 and 28.5, of containerd's store, and of Podman.
func TestOfRegistry(t *testing.T) {
	for text, want := range map[string]error{
		"toomanyrequests: You have reached your pull rate limit":                                                                                engine.ErrBusy,
		"error pulling image configuration: download failed after attempts=6: received unexpected HTTP status: 503 Service Unavailable":         engine.ErrBusy,
		"failed to resolve reference: unexpected status from HEAD request to https://r/v2/x/manifests/1: 429 Too Many Requests":                 engine.ErrBusy,
		`Get "https://r/v2/": net/http: TLS handshake timeout`:                                                                                  engine.ErrBusy,
		`Get "https://r/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)`:         engine.ErrBusy,
		"read tcp 10.0.0.1:4000->10.0.0.2:443: read: connection reset by peer":                                                                  engine.ErrBusy,
		"initializing source docker://r/x:1: pinging container registry r: received unexpected HTTP status: 502 Bad Gateway":                    engine.ErrBusy,
		"manifest for x:1 not found: manifest unknown: manifest unknown":                                                                        engine.ErrNotFound,
		"pull access denied for x, repository does not exist or may require 'docker login': denied: requested access to the resource is denied": engine.ErrNotFound,
		"no matching manifest for linux/amd64 in the manifest list entries":                                                                     engine.ErrNotFound,
		`Get "https://r/v2/": unauthorized: authentication required`:                                                                            nil,
		`Get "https://r/v2/": dial tcp: lookup r: no such host`:                                                                                 nil,
		"failed to register layer: Error processing tar file(exit status 1): write /x: no space left on device":                                 nil,
	} {
		err := ofRegistry(errors.New(text))
		if err.Error() != text {
			t.Errorf("%q is told as %q", text, err)
		}
		for _, kind := range []error{engine.ErrBusy, engine.ErrNotFound} {
			if errors.Is(err, kind) != (kind == want) {
				t.Errorf("%q is %v: %t", text, kind, errors.Is(err, kind))
			}
		}
	}
}
