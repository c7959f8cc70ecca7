package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Dir is where docker looks for the user's plugins.
func Dir(getenv func(string) string) (string, error) {
	if config := getenv("DOCKER_CONFIG"); config != "" {
		return filepath.Join(config, "cli-plugins"), nil
	}
	home := cmp.Or(getenv("HOME"), getenv("USERPROFILE"))
	if home == "" {
		return "", errors.New("find docker's plugins: neither DOCKER_CONFIG nor HOME is set")
	}
	return filepath.Join(home, ".docker", "cli-plugins"), nil
}

// Outcome of an installation or its removal.
type Outcome struct {
	Path    string // of the plugin
	Changed bool   // else it was so already
	Kept    string // what was there before, and where it is kept, or was; "" if nothing
}

// Install makes the plugin in a folder a link to a program. What is there and is not ours is kept beside it.
func Install(dir, program string) (Outcome, error) {
	o := places(dir)
	if current, ok := ours(o.Path); ok {
		if current == program {
			return Outcome{Path: o.Path}, nil
		}
		if err := os.Remove(o.Path); err != nil {
			return o, fmt.Errorf("replace link: %w", err)
		}
		o.Kept = ""
	} else if there(o.Path) {
		if there(o.Kept) {
			return o, fmt.Errorf("keep %s: %s is there already; remove one of them", o.Path, o.Kept)
		}
		if err := os.Rename(o.Path, o.Kept); err != nil {
			return o, fmt.Errorf("keep what is there: %w", err)
		}
	} else {
		o.Kept = ""
	}
	o.Changed = true
	return o, o.link(dir, program)
}

// link to the program; what was put aside comes back if that fails.
func (o Outcome) link(dir, program string) error {
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.Symlink(program, o.Path)
	}
	if err == nil {
		return nil
	}
	if o.Kept != "" {
		err = errors.Join(err, os.Rename(o.Kept, o.Path))
	}
	return fmt.Errorf("link plugin: %w", err)
}

// Remove takes our plugin out of a folder, and puts back what was there before.
func Remove(dir string) (Outcome, error) {
	o := places(dir)
	if _, ok := ours(o.Path); !ok {
		if there(o.Path) {
			return o, fmt.Errorf("remove %s: it is not a link to tutti, so it stays", o.Path)
		}
		if !there(o.Kept) {
			return Outcome{Path: o.Path}, nil
		}
	} else if err := os.Remove(o.Path); err != nil {
		return o, fmt.Errorf("remove link: %w", err)
	}
	o.Changed = true
	if !there(o.Kept) {
		o.Kept = ""
		return o, nil
	}
	if err := os.Rename(o.Kept, o.Path); err != nil {
		return o, fmt.Errorf("put back what was there: %w", err)
	}
	return o, nil
}

// places of the plugin and of what is kept; docker takes whatever begins with "docker-" for a plugin, so that one does not.
func places(dir string) Outcome {
	name := Name
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return Outcome{Path: filepath.Join(dir, name), Kept: filepath.Join(dir, "before-tutti."+name)}
}

func there(path string) bool {
	_, err := os.Lstat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// ours is a link to a program called tutti, or tutti-linux-amd64, and where that is.
func ours(path string) (program string, ok bool) {
	program, err := os.Readlink(path)
	return program, err == nil && strings.HasPrefix(filepath.Base(program), "tutti")
}
