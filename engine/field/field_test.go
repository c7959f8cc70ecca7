package field_test

import (
	"slices"
	"testing"
	"time"

	"github.com/tutti-run/tutti/engine/field"
	"pgregory.net/rapid"
)

func TestZeroValuesAreAbsent(t *testing.T) {
	s := field.Set{}
	no := false
	for path, v := range map[string]any{"text": "", "flag": false, "count": 0, "bytes": int64(0), "wait": time.Duration(0),
		"list": []string{}, "map": map[string]string{}, "nothing": nil, "unset": (*bool)(nil)} {
		s.Put(path, v)
	}
	s.Put("off", &no)
	if len(s) != 1 || s["off"] != "false" {
		t.Errorf("%v", s)
	}
}

func TestCanonicalText(t *testing.T) {
	s := field.Set{}
	s.Put("command", []string{"a", "b c"})
	s.PutSorted("cap_add", []string{"Z", "A"})
	s.Put("sysctls", map[string]string{"net.x": "1"})
	s.Put("grace", 90*time.Second)
	want := map[string]string{"command": `["a","b c"]`, "cap_add": `["A","Z"]`, "sysctls.net.x": "1", "grace": "1m30s"}
	for p, v := range want {
		if s[p] != v {
			t.Errorf("%s: %q, want %q", p, s[p], v)
		}
	}
}

// any text, as users write paths and values.
var text = rapid.StringMatching(`[a-zA-Z0-9_.,=%/ é-]{0,12}`)

func TestDigestsComeBackFromALabel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := field.Set(rapid.MapOf(text, text).Draw(t, "fields"))
		back, err := field.Parse(s.Digests().String())
		if err != nil {
			t.Fatal(err)
		}
		if d := s.Digests().Differing(back); len(d) > 0 {
			t.Fatalf("%q differ in %q", d, s.Digests().String())
		}
	})
}

func TestDifferingAreExactlyTheFieldsThatDiffer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := field.Set(rapid.MapOf(text, text).Draw(t, "a"))
		b := field.Set(rapid.MapOf(text, text).Draw(t, "b"))
		var want []string
		for _, p := range slices.Compact(slices.Sorted(slices.Values(append(a.Paths(), b.Paths()...)))) {
			va, ina := a[p]
			vb, inb := b[p]
			if ina != inb || va != vb {
				want = append(want, p)
			}
		}
		if got := a.Digests().Differing(b.Digests()); !slices.Equal(got, want) {
			t.Fatalf("%q, want %q", got, want)
		}
	})
}

func TestParseRefusesWhatIsNoDigest(t *testing.T) {
	if _, err := field.Parse("image"); err == nil {
		t.Error("no error")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("image=0123456789,environment.A%3D=ff")
	f.Fuzz(func(t *testing.T, s string) {
		d, err := field.Parse(s)
		if err != nil {
			return
		}
		if back, err := field.Parse(d.String()); err != nil || len(d.Differing(back)) > 0 {
			t.Errorf("%q came back as %q (%v)", s, d.String(), err)
		}
	})
}

func TestSecretsAreMasked(t *testing.T) {
	for path, secret := range map[string]bool{
		"environment.DB_PASSWORD": true, "environment.API_TOKEN": true, "environment.PATH": false, "labels.auth": true,
		"image": false, "command": false, "secrets": false, "environment.COLOR": false, "environment.PGPASSWORD": true,
	} {
		if field.Secret(path) != secret {
			t.Errorf("%s: %t", path, !secret)
		}
	}
	c := field.Change{Path: "environment.DB_PASSWORD", Old: "one", New: "three"}.Mask()
	if c.Old != c.New || c.Old == "" {
		t.Errorf("%+v", c)
	}
	for text, want := range map[string]string{
		"postgres://u:pw@db/x":              "postgres://u:•••@db/x",
		"http://db:80/x":                    "http://db:80/x",
		`["run","--db-password=x","-v"]`:    `["run","--db-password=•••","-v"]`,
		`["run","--token","abc","--level"]`: `["run","--token","•••","--level"]`,
		"a=b amqp://u:p@q redis://:pw@r":    "a=b amqp://u:•••@q redis://:•••@r",
		"PGPASSWORD=x psql -h db":           "PGPASSWORD=••• psql -h db",
		"nothing to hide":                   "nothing to hide",
	} {
		if got := (field.Change{Path: "command", Old: text}).Mask().Old; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}
