package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutti-run/tutti/image"
)

func TestProxied(t *testing.T) {
	dir := t.TempDir()
	const config = `{"proxies": {"default": {"httpProxy": "http://p", "noProxy": "local"}, "tcp://far:1": {"httpsProxy": "http://q", "allProxy": "a", "ftpProxy": "f"}}}`
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	own := "own"
	for host, want := range map[string]map[string]string{
		"unix:///here": {"HTTP_PROXY": "own", "http_proxy": "http://p", "NO_PROXY": "local", "no_proxy": "local", "A": ""},
		"tcp://far:1": {"HTTP_PROXY": "own", "HTTPS_PROXY": "http://q", "https_proxy": "http://q", "ALL_PROXY": "a", "all_proxy": "a",
			"FTP_PROXY": "f", "ftp_proxy": "f", "A": ""},
	} {
		c := &conn{host: host, auth: credentials{dir: dir}}
		b, err := c.proxied(image.Build{Args: map[string]*string{"HTTP_PROXY": &own, "A": nil}})
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for name, v := range b.Args {
			if got[name] = ""; v != nil {
				got[name] = *v
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", host, d)
		}
	}
	none := &conn{auth: credentials{dir: filepath.Join(dir, "absent")}}
	if b, err := none.proxied(image.Build{}); err != nil || b.Args != nil {
		t.Errorf("%v, %v", b.Args, err)
	}
}
