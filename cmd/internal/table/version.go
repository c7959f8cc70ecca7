package table

import (
	"fmt"
	"io"
	"strings"

	"github.com/tutti-run/tutti/engine"
)

// VersionInfo is what `version` tells.
type VersionInfo struct {
	Program string       // "tutti"
	Version string       // of it: "v0.1.0"
	Engine  *engine.Info // nil if no engine was asked
}

// Version writes "PROGRAM version v0.1.0" and the engine if it is known; short is the bare number; format is "json", "pretty" or "".
func Version(w io.Writer, v VersionInfo, format string, short bool) error {
	switch {
	case short:
		return lines(w, []string{strings.TrimPrefix(v.Version, "v")})
	case format == "json":
		return jsonLine(w, v.json())
	case format == "", format == "pretty":
		all := []string{v.Program + " version " + v.Version}
		if e := v.Engine; e != nil {
			all = append(all, fmt.Sprintf("%s %s, API %s, at %s", e.Caps.Engine, e.Caps.Version, e.Caps.APIVersion, e.Host))
		}
		return lines(w, all)
	}
	return fmt.Errorf("format value %q could not be parsed: parsing failed", format)
}

type versionJSON struct {
	Version string             `json:"version"`
	Engine  *engineVersionJSON `json:"engine,omitempty"`
}

type engineVersionJSON struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	API     string `json:"api"`
	Host    string `json:"host"`
}

func (v VersionInfo) json() versionJSON {
	out := versionJSON{Version: v.Version}
	if e := v.Engine; e != nil {
		out.Engine = &engineVersionJSON{e.Caps.Engine, e.Caps.Version, e.Caps.APIVersion, e.Host}
	}
	return out
}
