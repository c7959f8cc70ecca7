package load_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutti-run/tutti/compose/load"
)

// TestBridge: what is not in the model as config prints it: images, what they expose, contents; and $ stands for itself.
func TestBridge(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"s.txt": "hush", "compose.yaml": `name: shop
services:
  web: {build: ., ports: ["8080:80/udp"], expose: ["7"], configs: [c, e], secrets: [s], environment: {A: "$$x"}}
configs: {c: {content: "hi"}, e: {environment: COLOUR}}
secrets: {s: {file: s.txt}}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := load.Load(t.Context(), load.Options{Dir: dir, Environment: []string{"COLOUR=blue"}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Model.Bridge(map[string][]string{"shop-web": {"443/tcp", "80/tcp"}})
	want := `configs:
    c:
        content: hi
        name: shop_c
    e:
        environment: COLOUR
        name: shop_e
name: shop
networks:
    default:
        name: shop_default
secrets:
    s:
        content: hush
        file: ` + dir + `/s.txt
        name: shop_s
services:
    web:
        build:
            context: ` + dir + `
            dockerfile: Dockerfile
        configs:
            - source: c
            - source: e
        environment:
            A: $x
        expose:
            - "7"
            - "80"
            - "443"
        image: shop-web
        networks:
            default: null
        ports:
            - mode: ingress
              protocol: udp
              published: "8080"
              target: 80
        secrets:
            - source: s
              target: /run/secrets/s
`
	if err != nil || string(got) != want {
		t.Errorf("%v\n%s", err, got)
	}
}
