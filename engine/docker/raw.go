package docker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/containerd/errdefs/pkg/errhttp"
	"github.com/moby/moby/client"
)

// rawClient talks to the engine over the client's own dialer. It serves what the client cannot say to an old engine (it knows only
// the newest API's fields) and streams whose first byte matters.
func rawClient(api *client.Client) *http.Client {
	dial := api.Dialer()
	return &http.Client{Transport: &http.Transport{
		DialContext:  func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		MaxIdleConns: 8, MaxIdleConnsPerHost: 8, DisableCompression: true,
	}}
}

// get returns when the engine has sent its response's head. The caller closes the body.
func (c *conn) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	return c.do(ctx, http.MethodGet, path, query, nil)
}

// post sends in as JSON and reads the answer into out.
func (c *conn) post(ctx context.Context, path string, query url.Values, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	resp, err := c.do(ctx, http.MethodPost, path, query, body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return json.NewDecoder(resp.Body).Decode(out)
}

func (c *conn) do(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	// The dialer has TLS behind it where there is any.
	u := "http://" + client.DummyHost + "/v" + c.caps.APIVersion + path
	if len(query) > 0 {
		u += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, u, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "tutti")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.raw.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= http.StatusBadRequest {
		defer resp.Body.Close()
		return nil, statusError(resp)
	}
	return resp, nil
}

// statusError is an answer of the engine that says no.
func statusError(resp *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	var said struct{ Message string }
	if json.Unmarshal(data, &said) != nil || said.Message == "" {
		said.Message = strings.TrimSpace(string(data))
	}
	if said.Message == "" {
		said.Message = resp.Status
	}
	if kind := errhttp.ToNative(resp.StatusCode); kind != nil {
		return refusal{said.Message, kind}
	}
	return fmt.Errorf("%s", said.Message)
}

type refusal struct {
	text string
	kind error
}

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return r.kind }
