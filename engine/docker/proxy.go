package docker

import (
	"maps"
	"sync"

	"github.com/tutti-run/tutti/engine"
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

// proxyVariables are for the proxies that the config has for an engine, or for all: in both spellings, as programs read one or the other.
func (c cliConfig) proxyVariables(host string) map[string]string {
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
	all, err := c.proxyVariables()
	b.Args = under(all, b.Args)
	return b, err
}

// addProxies gives a container variables for the user's proxies, as far as its spec does not speak of them. A config that cannot be read is
// told of, and keeps nobody from having a container.
func (c *conn) addProxies(n *engine.NewContainer) {
	all, err := c.proxyVariables()
	if err != nil && n.Warn != nil {
		n.Warn("no proxies are set: " + err.Error())
	}
	n.Spec.Environment = under(all, n.Spec.Environment)
}

// under puts variables under those that somebody has of his own, be it without a value.
func under(given map[string]string, own map[string]*string) map[string]*string {
	if len(given) == 0 {
		return own
	}
	out := map[string]*string{}
	for name, value := range given {
		out[name] = &value
	}
	maps.Copy(out, own)
	return out
}

// knownProxies are read when they are first asked for, and only then.
type knownProxies struct {
	once      sync.Once
	variables map[string]string
	err       error
}

// proxyVariables of the user: the same to the end, so that an inspect knows what a create has put in.
func (c *conn) proxyVariables() (map[string]string, error) {
	p := &c.proxies
	p.once.Do(func() {
		var config cliConfig
		if config, p.err = c.auth.file(); p.err == nil {
			p.variables = config.proxyVariables(c.host)
		}
	})
	return p.variables, p.err
}
