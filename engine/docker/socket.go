package docker

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"

	"github.com/moby/moby/api/types/registry"

	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// addSocket gives a container that asks for it what it needs to talk to the engine, as the docker CLI's --use-api-socket does: the socket, and
// the user's credentials as a config file, unless it says itself where its config is.
func (c *conn) addSocket(ctx context.Context, s *container.Spec) error {
	if !s.APISocket {
		return nil
	}
	if c.caps.Socket == "" {
		return invalid("use_api_socket: the engine is not reached at a Unix socket, but at %s", c.host)
	}
	if !slices.ContainsFunc(s.Mounts, func(m volume.Mount) bool { return m.Target == container.SocketTarget }) {
		s.Mounts = append(slices.Clone(s.Mounts), volume.Mount{Type: volume.Bind, Source: c.caps.Socket, Target: container.SocketTarget, CreateHostPath: true})
	}
	all, err := c.auth.all(ctx)
	if err != nil {
		return err
	}
	config, err := configFile(all)
	if err != nil {
		return err
	}
	s.Files = append(slices.Clone(s.Files), container.File{Kind: "config", Source: "#apisocket", Target: container.CredentialsDir + "/config.json", Content: config})
	if _, said := s.Environment["DOCKER_CONFIG"]; !said {
		dir := container.CredentialsDir
		s.Environment = maps.Clone(s.Environment)
		if s.Environment == nil {
			s.Environment = map[string]*string{}
		}
		s.Environment["DOCKER_CONFIG"] = &dir
	}
	return nil
}

// configFile of the docker CLI that holds these credentials.
func configFile(all map[string]registry.AuthConfig) ([]byte, error) {
	type entry struct {
		Auth          string `json:"auth,omitempty"`
		IdentityToken string `json:"identitytoken,omitempty"`
		RegistryToken string `json:"registrytoken,omitempty"`
	}
	auths := map[string]entry{}
	for name, a := range all {
		e := entry{IdentityToken: a.IdentityToken, RegistryToken: a.RegistryToken}
		if a.Username != "" || a.Password != "" {
			e.Auth = base64.StdEncoding.EncodeToString([]byte(a.Username + ":" + a.Password))
		}
		auths[name] = e
	}
	return json.Marshal(map[string]any{"auths": auths})
}
