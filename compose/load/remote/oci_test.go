package remote

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/compose/load/remote/remotetest"
)

// published gives the name of an artefact on a server of its own, and its digest.
func published(t *testing.T, through func(http.Handler) http.Handler, layers ...remotetest.Layer) (ref, digest string, stop func()) {
	t.Helper()
	server := remotetest.Registry(through)
	t.Cleanup(server.Close)
	ref = remotetest.Host(server) + "/shop:1"
	d, err := remotetest.Publish(t.Context(), ref, remotetest.ProjectType, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return "oci://" + ref, d.Digest.String(), server.Close
}

var (
	web  = remotetest.File("compose.yaml", "services: {web: {image: web}}")
	over = remotetest.File("image-digests.yaml", "services: {web: {image: web@sha256:1}}")
)

// TestOCI: files make up one, those that are extended and env files stand beside it.
func TestOCI(t *testing.T) {
	ref, digest, stop := published(t, nil, web, over, remotetest.Extended("abc.yaml", "base"), remotetest.EnvFile("def.env", "A=1"),
		remotetest.Layer{Type: "application/octet-stream", Text: "else"})
	cache := t.TempDir()
	for _, r := range []string{ref, strings.TrimSuffix(ref, ":1") + "@" + digest} {
		s, _ := newStore(cache)
		path, err := s.Fetch(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"compose.yaml": web.Text + "\n---\n" + over.Text, "abc.yaml": "base", "def.env": "A=1"} {
			if text, err := os.ReadFile(filepath.Join(filepath.Dir(path), name)); string(text) != want {
				t.Errorf("%s: %q %v", name, text, err)
			}
		}
		if all, _ := os.ReadDir(filepath.Dir(path)); len(all) != 3 {
			t.Errorf("files: %v", all)
		}
		if got := s.Tree(path).Name(path); got != r+"/compose.yaml" {
			t.Errorf("name: %s", got)
		}
	}
	stop()
	s, told := newStore(cache)
	if _, err := s.Fetch(t.Context(), strings.TrimSuffix(ref, ":1")+"@"+digest); err != nil || len(*told) > 0 {
		t.Errorf("a digest needs no server: %v, told %q", err, *told)
	}
	if _, err := s.Fetch(t.Context(), ref); err != nil || len(*told) != 1 || !strings.HasPrefix((*told)[0], ref+": taken from the cache") {
		t.Errorf("without a server: %v, told %q", err, *told)
	}
	if _, err := s.Fetch(t.Context(), ref+"2"); err == nil {
		t.Error("what was never looked up")
	}
}

// TestOCIMoves: a tag is looked up each time.
func TestOCIMoves(t *testing.T) {
	ref, _, _ := published(t, nil, web)
	cache := t.TempDir()
	for _, layer := range []remotetest.Layer{web, over} {
		if _, err := remotetest.Publish(t.Context(), strings.TrimPrefix(ref, "oci://"), remotetest.ProjectType, layer); err != nil {
			t.Fatal(err)
		}
		s, _ := newStore(cache)
		path, err := s.Fetch(t.Context(), ref)
		if text, _ := os.ReadFile(path); string(text) != layer.Text {
			t.Errorf("%q %v", text, err)
		}
	}
}

// TestOCIIndex: an application that is published with its images.
func TestOCIIndex(t *testing.T) {
	ref, _, _ := published(t, nil, web)
	name := strings.TrimPrefix(ref, "oci://")
	image, err := remotetest.Publish(t.Context(), name, "", over)
	if err != nil {
		t.Fatal(err)
	}
	project, err := remotetest.Publish(t.Context(), name, remotetest.ProjectType, web)
	if err != nil {
		t.Fatal(err)
	}
	project.ArtifactType = remotetest.ProjectType
	if _, err := remotetest.PublishIndex(t.Context(), name, image, project); err != nil {
		t.Fatal(err)
	}
	s, _ := newStore(t.TempDir())
	path, err := s.Fetch(t.Context(), ref)
	if text, _ := os.ReadFile(path); string(text) != web.Text {
		t.Errorf("%q %v", text, err)
	}
	if _, err := remotetest.PublishIndex(t.Context(), name, image); err != nil {
		t.Fatal(err)
	}
	s, _ = newStore(t.TempDir())
	if _, err := s.Fetch(t.Context(), ref); err == nil || !strings.Contains(err.Error(), "holds no compose project") {
		t.Error(err)
	}
}

func TestOCIMistakes(t *testing.T) {
	for want, layers := range map[string][]remotetest.Layer{
		`"../x.yaml" is no name for a file beside compose.yaml`:    {web, remotetest.Extended("../x.yaml", "")},
		`"/etc/x" is no name for a file beside compose.yaml`:       {web, remotetest.EnvFile("/etc/x", "")},
		`"" is no name for a file beside compose.yaml`:             {web, remotetest.EnvFile("", "")},
		`".." is no name for a file beside compose.yaml`:           {web, remotetest.EnvFile("..", "")},
		`"compose.yaml" is no name for a file beside compose.yaml`: {web, remotetest.EnvFile("compose.yaml", "x")},
		"holds no compose file":                                    {remotetest.EnvFile("x.env", "")},
		"at most":                                                  {remotetest.File("compose.yaml", strings.Repeat("# long\n", mostBytes/7+1))},
	} {
		ref, _, _ := published(t, nil, layers...)
		cache := t.TempDir()
		s, _ := newStore(cache)
		if _, err := s.Fetch(t.Context(), ref); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), ref) {
			t.Errorf("%v, want %s", err, want)
		}
		if left, _ := filepath.Glob(filepath.Join(cache, "*", "*")); len(left) > 0 {
			t.Errorf("%s: left behind: %q", want, left)
		}
	}
	ref, _, _ := published(t, nil, web)
	if _, err := remotetest.Publish(t.Context(), strings.TrimPrefix(ref, "oci://"), "application/vnd.other", web); err != nil {
		t.Fatal(err)
	}
	for r, want := range map[string]string{ref: "not a compose project, but application/vnd.other", ref + "2": "not found", "oci://UPPER": "invalid reference format"} {
		s, _ := newStore(t.TempDir())
		if _, err := s.Fetch(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), r) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// swap what a registry answers to reads: one text for another of the same length.
type swap struct {
	http.ResponseWriter
	from, to string
}

func (s swap) Write(p []byte) (int, error) {
	_, err := s.ResponseWriter.Write([]byte(strings.ReplaceAll(string(p), s.from, s.to)))
	return len(p), err
}

// TestOCIDigest: what is not what its digest says is refused: of a layer, and of a manifest.
func TestOCIDigest(t *testing.T) {
	for from, to := range map[string]string{"image: web": "image: bad", "com.docker.compose.file": "com.docker.compose.fool"} {
		ref, digest, _ := published(t, func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					w = swap{w, from, to}
				}
				h.ServeHTTP(w, r)
			})
		}, web)
		s, _ := newStore(t.TempDir())
		_, err := s.Fetch(t.Context(), strings.TrimSuffix(ref, ":1")+"@"+digest)
		if err == nil || !strings.Contains(err.Error(), "mismatch") {
			t.Errorf("%s: %v", from, err)
		}
	}
}

// TestOCICredentials: those of `docker login`, in the file or with a helper.
func TestOCICredentials(t *testing.T) {
	ref, _, _ := published(t, func(h http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			user, secret, _ := r.BasicAuth()
			if r.Method == http.MethodGet && (user != "anna" || secret != "hush") {
				w.Header().Set("WWW-Authenticate", `Basic realm="shop"`)
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			h.ServeHTTP(w, r)
		})
	}, web)
	host, _, _ := strings.Cut(strings.TrimPrefix(ref, "oci://"), "/")
	bin := t.TempDir()
	helper := "#!/bin/sh\ngrep -q " + host + " || exit 1\necho '{\"Username\":\"anna\",\"Secret\":\"hush\"}'\n"
	if err := os.WriteFile(filepath.Join(bin, "docker-credential-shop"), []byte(helper), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	for config, ok := range map[string]bool{
		`{}`: false,
		`{"auths":{"` + host + `":{"auth":"YW5uYTpodXNo"}}}`: true,
		`{"auths":{"` + host + `":{"auth":"YW5uYTp4"}}}`:     false,
		`{"credsStore":"shop"}`:                              true,
		`{"credHelpers":{"` + host + `":"shop"}}`:            true,
		`{"credHelpers":{"` + host + `":"none"}}`:            false,
	} {
		s, _ := newStore(t.TempDir())
		s.o.DockerConfig = filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(s.o.DockerConfig, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Fetch(t.Context(), ref); (err == nil) != ok || err != nil && (!strings.Contains(err.Error(), ref) || strings.Contains(err.Error(), "hush")) {
			t.Errorf("%s: %v", config, err)
		}
	}
}

// TestAccepted: of one tree, and of what it asked for.
func TestAccepted(t *testing.T) {
	cache := t.TempDir()
	s, _ := newStore(cache)
	one, two := s.add("git/1", nil), s.add("git/2", nil)
	if s.Accepted(one, "a") {
		t.Error("nobody has accepted it")
	}
	if err := s.Accept(one, "a"); err != nil {
		t.Fatal(err)
	}
	s, _ = newStore(cache)
	if !s.Accepted(one, "a") || s.Accepted(one, "b") || s.Accepted(two, "a") {
		t.Error("accepted is what was")
	}
}
