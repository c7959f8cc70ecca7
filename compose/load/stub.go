package load

import (
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"go.yaml.in/yaml/v4"
)

func (s *session) prepare()                {}
func (s *session) blocked() bool           { return s.diags.HasErrors() }
func (s *session) explain(err error) error { return fault("%w", err) }
func (s *session) check()                  {}
func (s *session) compatible() bool {
	b, _ := strconv.ParseBool(s.env["COMPOSE_COMPATIBILITY"])
	return b
}
func (s *session) createsHostPath(service string, v types.ServiceVolumeConfig) bool { return true }

func (f *file) abs(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(f.dir, path)
}

func (f *file) config() ([]types.ConfigFile, error) {
	if f.tagged {
		b, err := f.encode()
		return []types.ConfigFile{{Filename: f.path, Content: b}}, err
	}
	var out []types.ConfigFile
	for _, d := range f.docs {
		m := map[string]any{}
		if err := (*yaml.Node)(d).Decode(&m); err != nil {
			return nil, err
		}
		out = append(out, types.ConfigFile{Filename: f.path, Config: m})
	}
	return out, nil
}

var _ = os.Stat
var _ = maps.Clone[map[string]string]
var _ = dotenv.Parse
