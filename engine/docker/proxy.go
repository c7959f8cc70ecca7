package docker

import (
	"maps"

	"github.com/tutti-run/tutti/image"
)

// proxies of an engine, as the docker CLI's config has them.
type proxies struct {
	HTTP  string `json:"httpProxy"`
	HTTPS string `json:"httpsProxy"`
	No    string `json:"noProxy"`
	FTP   string `json:"ftpProxy"`
	All   string `json:"allProxy"`
}

// proxyArgs are build arguments for the proxies that the config has for an engine, or for all: in both spellings, as programs read one or the
// other.
func (c cliConfig) proxyArgs(host string) map[string]string {
	p, ok := c.Proxies[host]
	if !ok {
		p = c.Proxies["default"]
	}
	out := map[string]string{}
	for _, v := range []struct{ upper, lower, value string }{
		{"HTTP_PROXY", "http_proxy", p.HTTP}, {"HTTPS_PROXY", "https_proxy", p.HTTPS}, {"NO_PROXY", "no_proxy", p.No},
		{"FTP_PROXY", "ftp_proxy", p.FTP}, {"ALL_PROXY", "all_proxy", p.All},
	} {
		if v.value != "" {
			out[v.upper], out[v.lower] = v.value, v.value
		}
	}
	return out
}

// Proxied is a build with arguments for the user's proxies, as far as it does not have them itself.
func (e *Engine) Proxied(b image.Build) (image.Build, error) { return e.c.proxied(b) }

func (c *conn) proxied(b image.Build) (image.Build, error) {
	config, err := c.auth.read()
	all := config.proxyArgs(c.host)
	if err != nil || len(all) == 0 {
		return b, err
	}
	args := map[string]*string{}
	for name, value := range all {
		args[name] = &value
	}
	maps.Copy(args, b.Args)
	b.Args = args
	return b, nil
}
