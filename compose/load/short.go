package load

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/format"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/mattn/go-shellwords"

	"github.com/tutti-run/tutti/compose/load/convert"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/volume"
)

// Ports reads the short form of ports (Compose specification, 05-services, ports): "8080:80", "127.0.0.1:5000-5002:5000-5002/udp".
func Ports(texts []string) ([]container.Port, error) {
	var out []container.Port
	for _, text := range texts {
		ports, err := types.ParsePortConfig(text)
		if err != nil {
			return nil, fmt.Errorf("invalid port %q: %w", text, err)
		}
		out = append(out, convert.Ports(ports)...)
	}
	return out, nil
}

// Mounts reads the short form of volumes: "data:/data:ro", "./src:/app", "/cache". Names are those of volumes of the engine, or of the project
// if it has such a key; paths start from dir.
func Mounts(texts []string, dir string, names map[string]string) ([]volume.Mount, error) {
	var out []volume.Mount
	for _, text := range texts {
		v, err := format.ParseVolume(text)
		if err != nil {
			return nil, fmt.Errorf("invalid volume %q: %w", text, err)
		}
		if v.Type == types.VolumeTypeBind && !filepath.IsAbs(v.Source) && !strings.HasPrefix(v.Source, "~") {
			v.Source = filepath.Join(dir, v.Source)
		}
		m := convert.Mount(v)
		if name, ok := names[m.Source]; ok && m.Type == volume.Volume {
			m.Key, m.Source = m.Source, name
		}
		out = append(out, m)
	}
	return out, nil
}

// EnvFile reads variables from a file in the form of env_file; lookup gives those that it refers to.
func EnvFile(path string, lookup func(string) (string, bool)) (map[string]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read env file: %w", err)
	}
	defer f.Close()
	out, err := dotenv.ParseWithLookup(f, lookup)
	if err != nil {
		return nil, fmt.Errorf("read env file %s: %w", path, err)
	}
	return out, nil
}

// Words of a command as a shell would cut them: the short form of entrypoint.
func Words(text string) ([]string, error) { return shellwords.Parse(text) }
