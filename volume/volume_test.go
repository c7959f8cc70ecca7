package volume_test

import (
	"strings"
	"testing"

	"github.com/tutti-run/tutti/volume"
)

func TestDiff(t *testing.T) {
	have := volume.Live{Driver: "local", Options: map[string]string{"type": "tmpfs"}, Labels: map[string]string{"com.docker.compose.volume": "data", "tier": "one"}}
	for _, test := range []struct {
		name string
		want volume.Spec
		path string
	}{
		{"the same", volume.Spec{DriverOpts: have.Options, Labels: map[string]string{"tier": "one"}}, ""},
		{"local by name", volume.Spec{Driver: "local", DriverOpts: have.Options, Labels: map[string]string{"tier": "one"}}, ""},
		{"another driver", volume.Spec{Driver: "nfs", DriverOpts: have.Options, Labels: map[string]string{"tier": "one"}}, "driver"},
		{"an option taken away", volume.Spec{Labels: map[string]string{"tier": "one"}}, "driver_opts.type"},
		{"another label", volume.Spec{DriverOpts: have.Options, Labels: map[string]string{"tier": "two"}}, "labels.tier"},
		{"external", volume.Spec{External: true}, ""},
	} {
		got := volume.Diff(test.want, have)
		if test.path == "" && len(got) > 0 || test.path != "" && (len(got) != 1 || got[0].Path != test.path) {
			t.Errorf("%s: %+v, want %q", test.name, got, test.path)
		}
	}
}

func TestAnonymous(t *testing.T) {
	id := strings.Repeat("0af9", 16)
	for _, test := range []struct {
		m    volume.Mounted
		want bool
	}{
		{volume.Mounted{Type: volume.Volume, Name: id}, true},
		{volume.Mounted{Type: volume.Volume, Name: "shop_data"}, false},
		{volume.Mounted{Type: volume.Volume, Name: id[1:]}, false},
		{volume.Mounted{Type: volume.Volume, Name: "g" + id[1:]}, false},
		{volume.Mounted{Type: volume.Bind, Name: id}, false},
	} {
		if test.m.Anonymous() != test.want {
			t.Errorf("%+v", test.m)
		}
	}
}

func TestTextTellsMountsApart(t *testing.T) {
	seen := map[string]volume.Mount{}
	for _, m := range []volume.Mount{
		{Type: volume.Bind, Source: "/a"}, {Type: volume.Bind, Source: "/a", ReadOnly: true}, {Type: volume.Volume, Source: "a"}, {Type: volume.Volume},
		{Type: volume.Volume, Source: "a", NoCopy: true}, {Type: volume.Volume, Source: "a", Subpath: "x"}, {Type: volume.Tmpfs}, {Type: volume.Tmpfs, TmpfsSize: 1},
		{Type: volume.Tmpfs, TmpfsMode: 0o700}, {Type: volume.Bind, Source: "/a", Propagation: "shared"}, {Type: volume.Bind, Source: "/a", SELinux: "z"},
		{Type: volume.Bind, Source: "/a", Recursive: "disabled"},
	} {
		if other, ok := seen[m.Text()]; ok {
			t.Errorf("%+v and %+v are both %q", m, other, m.Text())
		}
		seen[m.Text()] = m
	}
}
