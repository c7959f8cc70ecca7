package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
)

// dockerConfig is what the user has settled for docker's command line in its config.json, and is so here too.
type dockerConfig struct {
	DetachKeys  string `json:"detachKeys"`
	StatsFormat string `json:"statsFormat"`
}

// dockerConfig that is not there, or is broken, settles nothing.
func (c *cli) dockerConfig() (out dockerConfig) {
	dir, ok := c.lookup("DOCKER_CONFIG")
	if home, _ := c.lookup("HOME"); !ok {
		dir = filepath.Join(home, ".docker")
	}
	if data, err := os.ReadFile(filepath.Join(dir, "config.json")); err == nil {
		_ = json.Unmarshal(data, &out)
	}
	return out
}
