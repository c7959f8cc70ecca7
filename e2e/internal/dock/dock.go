// Package dock speaks to a container engine over plain HTTP, for tests: what they assert must not pass through the code they test.
package dock

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Engine that answers at Host.
type Engine struct {
	Host string // as DOCKER_HOST has it: "unix:///var/run/docker.sock"
	Arch string // of its machine, as Go names it
	OS   string

	Podman bool // it is Podman, which serves the same API

	network, address string
	client           *http.Client
}

// Find the engine at DOCKER_HOST, or at the default socket.
func Find(ctx context.Context) (*Engine, error) {
	host := os.Getenv("DOCKER_HOST")
	if host == "" {
		host = "unix:///var/run/docker.sock"
	}
	return Dial(ctx, host)
}

// Dial an engine; unix and tcp hosts only.
func Dial(ctx context.Context, host string) (*Engine, error) {
	u, err := url.Parse(host)
	if err != nil {
		return nil, fmt.Errorf("engine host: %w", err)
	}
	e := &Engine{Host: host, network: u.Scheme, address: u.Path}
	switch u.Scheme {
	case "unix":
	case "tcp":
		e.address = u.Host
	default:
		return nil, fmt.Errorf("engine host %s: these tests reach unix and tcp hosts only", host)
	}
	e.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return e.dial(ctx) }}}
	var v struct {
		Os, Arch   string
		Components []struct{ Name string }
	}
	if err := e.Do(ctx, "GET", "/version", nil, &v); err != nil {
		return nil, err
	}
	e.OS, e.Arch, e.Podman = v.Os, v.Arch, len(v.Components) > 0 && strings.Contains(v.Components[0].Name, "Podman")
	return e, nil
}

func (e *Engine) dial(ctx context.Context) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, e.network, e.address)
}

// Refusal is an answer that is not a success.
type Refusal struct {
	Status int
	Text   string
}

func (r *Refusal) Error() string { return fmt.Sprintf("engine answers %d: %s", r.Status, r.Text) }

// Do one call; body goes out as JSON, the answer is read into into. Either may be nil.
func (e *Engine) Do(ctx context.Context, method, path string, body, into any) error {
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		in = bytes.NewReader(b)
	}
	resp, err := e.send(ctx, method, path, "application/json", in)
	for more := 10; more > 0 && body == nil && err != nil && strings.Contains(err.Error(), "image not known"); more-- { // Podman's lists, when an image goes meanwhile
		time.Sleep(100 * time.Millisecond)
		resp, err = e.send(ctx, method, path, "application/json", nil)
	}
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if into == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		return err
	}
	return json.NewDecoder(resp.Body).Decode(into)
}

func (e *Engine) send(ctx context.Context, method, path, kind string, body io.Reader) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://engine"+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", kind)
	return e.answer(req)
}

// Open what is read as a stream.
func (e *Engine) Open(ctx context.Context, path string) (io.ReadCloser, error) {
	resp, err := e.send(ctx, "GET", path, "", nil)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// answer that is a success.
func (e *Engine) answer(req *http.Request) (*http.Response, error) {
	resp, err := e.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return nil, &Refusal{resp.StatusCode, strings.TrimSpace(string(b))}
	}
	return resp, nil
}

// Speaks tells whether the engine's API is of a version "1.45", or newer.
func (e *Engine) Speaks(ctx context.Context, version string) (bool, error) {
	var v struct{ ApiVersion string }
	if err := e.Do(ctx, "GET", "/version", nil, &v); err != nil {
		return false, err
	}
	var have, want [2]int
	if _, err := fmt.Sscanf(v.ApiVersion, "%d.%d", &have[0], &have[1]); err != nil {
		return false, err
	}
	if _, err := fmt.Sscanf(version, "%d.%d", &want[0], &want[1]); err != nil {
		return false, err
	}
	return slices.Compare(have[:], want[:]) >= 0, nil
}

// Containerd tells whether the engine keeps images in containerd's store.
func (e *Engine) Containerd(ctx context.Context) (bool, error) {
	var v struct{ DriverStatus [][2]string }
	err := e.Do(ctx, "GET", "/info", nil, &v)
	return slices.Contains(v.DriverStatus, [2]string{"driver-type", "io.containerd.snapshotter.v1"}), err
}

// Swarm tells whether the engine is a manager of one.
func (e *Engine) Swarm(ctx context.Context) (bool, error) {
	var v struct {
		Swarm struct{ ControlAvailable bool }
	}
	err := e.Do(ctx, "GET", "/info", nil, &v)
	return v.Swarm.ControlAvailable, err
}

// MakesNetwork tells whether the engine, and its kernel, can make a network with a driver.
func (e *Engine) MakesNetwork(ctx context.Context, driver string) bool {
	var made struct{ ID string }
	if e.Do(ctx, "POST", "/networks/create", map[string]any{"Name": fmt.Sprintf("try-%s-%d", driver, os.Getpid()), "Driver": driver}, &made) != nil {
		return false
	}
	return e.Do(ctx, "DELETE", "/networks/"+made.ID, nil, nil) == nil
}

// Container of a list.
type Container struct {
	ID     string `json:"Id"`
	Names  []string
	Image  string
	State  string
	Labels map[string]string
	Mounts []struct{ Name string } // of volumes
}

var anonymous = regexp.MustCompile(`^[0-9a-f]{64}$`)

// Name without the slash in front.
func (c Container) Name() string {
	if len(c.Names) == 0 {
		return c.ID
	}
	return strings.TrimPrefix(c.Names[0], "/")
}

func byLabel(label string) string {
	b, _ := json.Marshal(map[string][]string{"label": {label}})
	return url.QueryEscape(string(b))
}

const projectLabel = "com.docker.compose.project"

// Containers of a project, stopped ones too, in order of name.
func (e *Engine) Containers(ctx context.Context, project string) ([]Container, error) {
	var out []Container
	err := e.Do(ctx, "GET", "/containers/json?all=1&filters="+byLabel(projectLabel+"="+project), nil, &out)
	slices.SortFunc(out, func(a, b Container) int { return strings.Compare(a.Name(), b.Name()) })
	return out, err
}

// Networks of a project by name.
func (e *Engine) Networks(ctx context.Context, project string) ([]string, error) {
	list, err := e.networks(ctx, project)
	var names []string
	for _, n := range list {
		names = append(names, n.Name)
	}
	slices.Sort(names)
	return names, err
}

type network struct{ ID, Name string }

func (e *Engine) networks(ctx context.Context, project string) ([]network, error) {
	var out []network
	err := e.Do(ctx, "GET", "/networks?filters="+byLabel(projectLabel+"="+project), nil, &out)
	return out, err
}

// Volumes of a project by name; anonymous ones carry no label and are not among them.
func (e *Engine) Volumes(ctx context.Context, project string) ([]string, error) {
	return e.volumes(ctx, projectLabel+"="+project)
}

func (e *Engine) volumes(ctx context.Context, label string) ([]string, error) {
	var out struct{ Volumes []struct{ Name string } }
	if err := e.Do(ctx, "GET", "/volumes?filters="+byLabel(label), nil, &out); err != nil {
		return nil, err
	}
	var names []string
	for _, v := range out.Volumes {
		names = append(names, v.Name)
	}
	slices.Sort(names)
	return names, nil
}

// State of the world as far as a project goes: a line per container (id, name, when it started), network and volume.
// Two equal texts mean that nothing was changed in between.
func (e *Engine) State(ctx context.Context, project string) (string, error) {
	var b strings.Builder
	containers, err := e.Containers(ctx, project)
	if err != nil {
		return "", err
	}
	for _, c := range containers {
		v, err := e.Inspect(ctx, c.ID)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(&b, "container", c.Name(), c.ID, Pick(v, "State/Status"), Pick(v, "State/StartedAt"), Pick(v, "HostConfig/Memory"))
	}
	networks, err := e.Networks(ctx, project)
	if err != nil {
		return "", err
	}
	volumes, err := e.Volumes(ctx, project)
	fmt.Fprintln(&b, "networks", networks)
	fmt.Fprintln(&b, "volumes", volumes)
	return b.String(), err
}

// Inspect a container, by name or id.
func (e *Engine) Inspect(ctx context.Context, name string) (any, error) {
	var v any
	err := e.Do(ctx, "GET", "/containers/"+name+"/json", nil, &v)
	return v, err
}

// Pick a value by its path, "State/Health/Status"; what is absent is "", what is no string is JSON.
func Pick(v any, path string) string {
	for part := range strings.SplitSeq(path, "/") {
		switch node := v.(type) {
		case map[string]any:
			v = node[part]
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i >= len(node) {
				return ""
			}
			v = node[i]
		default:
			return ""
		}
	}
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// Exec runs a command in a container, and gives what it wrote to stdout and stderr, and its exit code.
func (e *Engine) Exec(ctx context.Context, name string, cmd ...string) (string, int, error) {
	var made struct{ Id string }
	err := e.Do(ctx, "POST", "/containers/"+name+"/exec", map[string]any{"Cmd": cmd, "AttachStdout": true, "AttachStderr": true}, &made)
	if err != nil {
		return "", 0, err
	}
	out, err := e.startExec(ctx, made.Id)
	if err != nil {
		return "", 0, err
	}
	var done struct{ ExitCode int }
	err = e.Do(ctx, "GET", "/exec/"+made.Id+"/json", nil, &done)
	return out, done.ExitCode, err
}

// startExec reads the stream until the engine closes it: it is not framed as HTTP, so it has a connection of its own.
func (e *Engine) startExec(ctx context.Context, id string) (string, error) {
	conn, err := e.dial(ctx)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	body := `{"Detach":false,"Tty":false}`
	fmt.Fprintf(conn, "POST /exec/%s/start HTTP/1.1\r\nHost: engine\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", id, len(body), body)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		return "", err
	}
	if resp.StatusCode >= 400 {
		b, _ := io.ReadAll(resp.Body)
		return "", &Refusal{resp.StatusCode, string(b)}
	}
	return unframe(resp.Body)
}

// unframe reads frames of eight bytes of head (stream, length) and content.
func unframe(r io.Reader) (string, error) {
	var out strings.Builder
	var head [8]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			return out.String(), nil
		} else if err != nil {
			return out.String(), err
		}
		if _, err := io.CopyN(&out, r, int64(binary.BigEndian.Uint32(head[4:]))); err != nil {
			return out.String(), err
		}
	}
}

// Logs are all that a container has written.
func (e *Engine) Logs(ctx context.Context, name string) (string, error) {
	r, err := e.Open(ctx, "/containers/"+name+"/logs?stdout=1&stderr=1")
	if err != nil {
		return "", err
	}
	defer r.Close()
	return unframe(r)
}

// File of a build context.
type File struct {
	Name string
	Mode int64
	Body []byte
}

// Build an image through the classic endpoint.
func (e *Engine) Build(ctx context.Context, ref string, files ...File) error {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.Name, Mode: f.Mode, Size: int64(len(f.Body)), ModTime: time.Unix(0, 0)}); err != nil {
			return err
		}
		if _, err := w.Write(f.Body); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	for more := 5; ; more-- {
		err := e.build(ctx, ref, b.Bytes())
		if err == nil || more == 0 || !strings.Contains(err.Error(), "layer not known") { // Podman, when any image goes away meanwhile
			return err
		}
	}
}

func (e *Engine) build(ctx context.Context, ref string, files []byte) error {
	resp, err := e.send(ctx, "POST", "/build?rm=1&t="+url.QueryEscape(ref), "application/x-tar", bytes.NewReader(files))
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, err = progress(resp.Body)
	return err
}

// progress reads a stream to its end, and gives the digest that it told, if any.
func progress(r io.Reader) (digest string, err error) {
	for dec := json.NewDecoder(r); ; {
		var line struct {
			Error string
			Aux   struct{ Digest string }
		}
		if err := dec.Decode(&line); err == io.EOF {
			return digest, nil
		} else if err != nil {
			return "", err
		}
		if line.Error != "" {
			return "", errors.New(line.Error)
		}
		digest = cmp.Or(line.Aux.Digest, digest)
	}
}

// Push an image to the registry that its name names, and give its digest there; account is "USER:PASSWORD", or empty.
func (e *Engine) Push(ctx context.Context, ref, account string) (string, error) {
	user, password, _ := strings.Cut(account, ":")
	auth, err := json.Marshal(map[string]string{"username": user, "password": password})
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, "POST", "http://engine/images/"+ref+"/push", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Registry-Auth", base64.URLEncoding.EncodeToString(auth))
	resp, err := e.answer(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	digest, err := progress(resp.Body)
	if err != nil || digest != "" {
		return digest, err
	}
	return e.pushed(ctx, ref, req.Header)
}

// pushed is the digest that a registry has of an image: with containerd's store a push does not tell.
func (e *Engine) pushed(ctx context.Context, ref string, header http.Header) (string, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", "http://engine/distribution/"+ref+"/json", nil)
	if err != nil {
		return "", err
	}
	req.Header = header
	resp, err := e.answer(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var v struct{ Descriptor struct{ Digest string } }
	err = json.NewDecoder(resp.Body).Decode(&v)
	return v.Descriptor.Digest, err
}

// HasImage tells whether the engine has an image of that name.
func (e *Engine) HasImage(ctx context.Context, ref string) bool {
	return e.Do(ctx, "GET", "/images/"+ref+"/json", nil, nil) == nil
}

// Tag gives an image a further name.
func (e *Engine) Tag(ctx context.Context, ref, repo, tag string) error {
	return e.Do(ctx, "POST", "/images/"+ref+"/tag?repo="+url.QueryEscape(repo)+"&tag="+url.QueryEscape(tag), nil, nil)
}

// RemoveImage takes a name away, and the image if it was the last.
func (e *Engine) RemoveImage(ctx context.Context, ref string) error {
	return e.Do(ctx, "DELETE", "/images/"+ref+"?force=1", nil, nil)
}

// RemoveProject removes all that a project has: containers with their anonymous volumes, networks, volumes, its lock, and the images
// that bear its name ("PROJECT-…") or hold its history.
func (e *Engine) RemoveProject(ctx context.Context, project string) error {
	containers, err := e.Containers(ctx, project)
	errs := []error{err}
	for _, c := range containers {
		errs = append(errs, e.remove(ctx, "/containers/"+c.ID+"?force=1&v=1"))
	}
	for _, c := range containers {
		for _, m := range c.Mounts {
			if anonymous.MatchString(m.Name) { // the engine keeps one that was handed on from one container to the next
				errs = append(errs, e.remove(ctx, "/volumes/"+m.Name))
			}
		}
	}
	networks, err := e.networks(ctx, project)
	errs = append(errs, err)
	for _, n := range networks { // by id: two may bear one name
		errs = append(errs, e.removeNetwork(ctx, n.ID))
	}
	volumes, err := e.Volumes(ctx, project)
	snapshots, errS := e.volumes(ctx, "dev.tutti.snapshot-project="+project)
	errs = append(errs, err, errS)
	for _, v := range append(volumes, snapshots...) {
		errs = append(errs, e.remove(ctx, "/volumes/"+v))
	}
	errs = append(errs, e.removeMarks(ctx, project), e.removeImages(ctx, project))
	return errors.Join(errs...)
}

// Marks are the names of the volumes that make up a project's lock.
func (e *Engine) Marks(ctx context.Context, project string) ([]string, error) {
	var out struct{ Volumes []struct{ Name string } }
	if err := e.Do(ctx, "GET", "/volumes", nil, &out); err != nil {
		return nil, err
	}
	var names []string
	for _, v := range out.Volumes {
		if name := "tutti-lock-" + project; v.Name == name || strings.HasPrefix(v.Name, name+".") {
			names = append(names, v.Name)
		}
	}
	return names, nil
}

func (e *Engine) removeMarks(ctx context.Context, project string) error {
	names, err := e.Marks(ctx, project)
	errs := []error{err}
	for _, name := range names {
		errs = append(errs, e.remove(ctx, "/volumes/"+name))
	}
	return errors.Join(errs...)
}

func (e *Engine) removeImages(ctx context.Context, project string) error {
	return e.removeNames(ctx, func(name string) bool {
		return strings.HasPrefix(name, project+"-") || name == "tutti-history:"+project || name == "tutti-history:"+project+".next"
	})
}

// RemoveImagesOf a registry: their names, and the images that have no other.
func (e *Engine) RemoveImagesOf(ctx context.Context, registry string) error {
	return e.removeNames(ctx, func(name string) bool { return strings.HasPrefix(name, registry+"/") })
}

func (e *Engine) removeNames(ctx context.Context, which func(name string) bool) error {
	var images []struct{ RepoTags, RepoDigests []string }
	if err := e.Do(ctx, "GET", "/images/json", nil, &images); err != nil {
		return err
	}
	var errs []error
	for _, i := range images {
		for _, name := range append(i.RepoTags, i.RepoDigests...) {
			if which(name) {
				errs = append(errs, e.remove(ctx, "/images/"+name+"?force=1"))
			}
		}
	}
	return errors.Join(errs...)
}

// removeNetwork waits for containers that are still going. Engine 20.10 loses count of endpoints if one that runs is renamed while others start, as
// after a kill: then nobody is on the network, and it stays until the engine is started anew.
func (e *Engine) removeNetwork(ctx context.Context, id string) error {
	for limit := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		err := e.remove(ctx, "/networks/"+id)
		var r *Refusal
		if !errors.As(err, &r) || !strings.Contains(r.Text, "active endpoints") {
			return err
		}
		if time.Now().Before(limit) {
			continue
		}
		var n struct{ Containers map[string]any }
		if e.Do(ctx, "GET", "/networks/"+id, nil, &n) != nil || len(n.Containers) > 0 {
			return err
		}
		return nil
	}
}

// remove what may be gone already, or be going.
func (e *Engine) remove(ctx context.Context, path string) error {
	err := e.Do(ctx, "DELETE", path, nil, nil)
	var r *Refusal
	if errors.As(err, &r) && (r.Status == http.StatusNotFound || r.Status == http.StatusConflict && strings.Contains(r.Text, "already in progress")) {
		return nil
	}
	return err
}
