package docker

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/moby/api/pkg/authconfig"
	"github.com/moby/moby/api/types/registry"
)

// credentials are what the environment has, and what `docker login` left: in the docker CLI's config, or with a helper that it names.
type credentials struct {
	dir string // of config.json
	env func(string) string
}

type cliConfig struct {
	Auths       map[string]registry.AuthConfig `json:"auths"`
	CredsStore  string                         `json:"credsStore"`
	CredHelpers map[string]string              `json:"credHelpers"`
	Proxies     map[string]proxies             `json:"proxies"`

	given map[string]registry.AuthConfig // in the environment
}

// hub is the key that Docker Hub's credentials have.
const hub = "https://index.docker.io/v1/"

// forImage gives the header for an image's registry; empty if there are no credentials.
func (c credentials) forImage(ctx context.Context, ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", nil // the engine will say what is wrong with it
	}
	key := reference.Domain(named)
	if key == "docker.io" {
		key = hub
	}
	config, err := c.read()
	if err != nil {
		return "", err
	}
	auth, err := config.lookUp(ctx, key)
	if err != nil || auth == nil {
		return "", err
	}
	return authconfig.Encode(*auth)
}

// Credentials for a registry, by its host: empty if there are none.
func (e *Engine) Credentials(ctx context.Context, host string) (user, secret string, err error) {
	if host == "registry-1.docker.io" || host == "docker.io" {
		host = hub
	}
	config, err := e.c.auth.read()
	if err != nil {
		return "", "", err
	}
	a, err := config.lookUp(ctx, host)
	if err != nil || a == nil {
		return "", "", err
	}
	if a.IdentityToken != "" {
		return "", a.IdentityToken, nil // BuildKit's convention
	}
	return a.Username, a.Password, nil
}

// all credentials that are known by name, for a build that may pull from anywhere.
func (c credentials) all(ctx context.Context) (map[string]registry.AuthConfig, error) {
	config, err := c.read()
	if err != nil {
		return nil, err
	}
	out := map[string]registry.AuthConfig{}
	keys := map[string]bool{}
	for k := range config.given {
		keys[k] = true
	}
	for k := range config.Auths {
		keys[k] = true
	}
	for k := range config.CredHelpers {
		keys[k] = true
	}
	for k := range keys {
		if a, err := config.lookUp(ctx, k); err == nil && a != nil {
			out[k] = *a // a helper that fails matters only if its registry is needed
		}
	}
	return out, nil
}

func (c credentials) read() (cliConfig, error) {
	config, err := c.file()
	if err != nil {
		return config, err
	}
	config.given, err = c.given()
	return config, err
}

// authVariable has credentials that go before all others. The docker CLI knows it from 28.3.
const authVariable = "DOCKER_AUTH_CONFIG"

// given are the credentials in the environment. What is wrong with them is told without a word of theirs.
func (c credentials) given() (map[string]registry.AuthConfig, error) {
	if c.env == nil || strings.TrimSpace(c.env(authVariable)) == "" {
		return nil, nil
	}
	var config struct {
		Auths map[string]struct {
			Auth string `json:"auth"`
		} `json:"auths"`
	}
	if err := json.Unmarshal([]byte(c.env(authVariable)), &config); err != nil {
		return nil, errors.New("read " + authVariable + `: it is not {"auths": {"HOST": {"auth": "base64 of USER:PASSWORD"}}}`)
	}
	out := map[string]registry.AuthConfig{}
	for _, host := range slices.Sorted(maps.Keys(config.Auths)) {
		auth := config.Auths[host].Auth
		if auth == "" {
			continue // as the config has it where a helper knows more
		}
		text, err := base64.StdEncoding.DecodeString(auth)
		user, password, ok := strings.Cut(string(text), ":")
		if err != nil || !ok || user == "" {
			return nil, fmt.Errorf("read %s: auth for %s is not USER:PASSWORD in base64", authVariable, host)
		}
		out[host] = registry.AuthConfig{Username: user, Password: strings.TrimRight(password, "\x00")}
	}
	return out, nil
}

func (c credentials) file() (cliConfig, error) {
	var config cliConfig
	path := filepath.Join(c.dir, "config.json")
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return config, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &config)
	}
	if err != nil {
		return config, fmt.Errorf("read %s: %w", path, err)
	}
	return config, nil
}

// lookUp asks the environment, else the registry's helper, else the store, else the file.
func (c cliConfig) lookUp(ctx context.Context, key string) (*registry.AuthConfig, error) {
	if a, ok := entry(c.given, key); ok {
		return decoded(a, key)
	}
	helper, ok := c.CredHelpers[key]
	if !ok {
		helper = c.CredsStore
	}
	if helper != "" {
		return askHelper(ctx, helper, key)
	}
	if a, ok := entry(c.Auths, key); ok {
		return decoded(a, key)
	}
	return nil, nil
}

// entry for a key, as it is or as old versions of the CLI wrote it.
func entry(auths map[string]registry.AuthConfig, key string) (registry.AuthConfig, bool) {
	if a, ok := auths[key]; ok {
		return a, true
	}
	for name, a := range auths {
		if hostOf(name) == key {
			return a, true
		}
	}
	return registry.AuthConfig{}, false
}

// hostOf a key as old versions of the CLI wrote it: "https://registry.example/v2/".
func hostOf(key string) string {
	key = strings.TrimPrefix(strings.TrimPrefix(key, "https://"), "http://")
	host, _, _ := strings.Cut(key, "/")
	return host
}

func decoded(a registry.AuthConfig, key string) (*registry.AuthConfig, error) {
	a.ServerAddress = key
	if a.Auth == "" {
		if a.Username == "" && a.IdentityToken == "" && a.RegistryToken == "" {
			return nil, nil
		}
		return &a, nil
	}
	text, err := base64.StdEncoding.DecodeString(a.Auth)
	if err != nil {
		return nil, fmt.Errorf("credentials for %s: %w", key, err)
	}
	user, password, _ := strings.Cut(string(text), ":")
	a.Username, a.Password, a.Auth = user, strings.TrimRight(password, "\x00"), ""
	return &a, nil
}

// askHelper speaks the protocol of docker-credential-helpers: the address goes in, JSON comes out.
func askHelper(ctx context.Context, helper, key string) (*registry.AuthConfig, error) {
	cmd := exec.CommandContext(ctx, "docker-credential-"+helper, "get")
	cmd.Stdin = strings.NewReader(key)
	out, err := cmd.Output()
	if err != nil {
		if bytes.Contains(out, []byte("credentials not found")) {
			return nil, nil
		}
		return nil, fmt.Errorf("ask docker-credential-%s for %s: %s %w", helper, key, bytes.TrimSpace(out), err)
	}
	var got struct{ ServerURL, Username, Secret string }
	if err := json.Unmarshal(out, &got); err != nil {
		return nil, fmt.Errorf("ask docker-credential-%s for %s: %w", helper, key, err)
	}
	a := &registry.AuthConfig{Username: got.Username, Password: got.Secret, ServerAddress: key}
	if got.Username == "<token>" {
		a.Username, a.Password, a.IdentityToken = "", "", got.Secret
	}
	return a, nil
}
