package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// cmdBuilder runs a BuildKit of the programs in the directory TUTTI_BUILDKIT, and makes it known as docker buildx does: as NAME by its container,
// and as NAME-far by its address, which is $REMOTE. It needs runc and the libraries of the engine's machine, which has to be this one.
func cmdBuilder(ts *testscript.TestScript, _ bool, args []string) {
	need(ts, args, 1, "builder NAME")
	ctx, cancel := soon()
	defer cancel()
	port, err := freePort()
	ts.Check(err)
	address, node := "tcp://127.0.0.1:"+port, run+args[0]
	name := "buildx_buildkit_" + node
	body := map[string]any{
		"Image": stub, "Env": []string{"PATH=/opt:/usr/sbin:/usr/bin"}, "Volumes": map[string]any{"/var/lib/buildkit": struct{}{}},
		"Entrypoint": []string{"/opt/buildkitd", "--addr", address, "--addr", "unix:///run/buildkit/buildkitd.sock", "--oci-worker-net=host", "--oci-worker-snapshotter=native"},
		"HostConfig": map[string]any{
			"NetworkMode": "host", "CgroupnsMode": "host", "CapAdd": []string{"SYS_ADMIN", "NET_ADMIN"}, "Tmpfs": map[string]string{"/tmp": "", "/run": ""},
			"SecurityOpt": []string{"seccomp=unconfined", "apparmor=unconfined"}, "MaskedPaths": []string{}, "ReadonlyPaths": []string{},
			"Binds": []string{"/sys/fs/cgroup:/sys/fs/cgroup", "/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro", os.Getenv("TUTTI_BUILDKIT") + ":/opt:ro"},
		},
	}
	ts.Check(engine.Do(ctx, "POST", "/containers/create?name="+name, body, nil))
	ts.Defer(func() { engine.Do(context.Background(), "DELETE", "/containers/"+name+"?force=1&v=1", nil, nil) })
	ts.Check(engine.Do(ctx, "POST", "/containers/"+name+"/start", nil, nil))
	ts.Setenv("BUILDER", name)
	ts.Setenv("REMOTE", address)
	known(ts, args[0], "docker-container", node, engine.Host)
	known(ts, args[0]+"-far", "remote", node, address)
	ts.Check(until(func() error {
		text, err := engine.Logs(ctx, name)
		if !strings.Contains(text, "running server on /run") {
			err = fmt.Errorf("it does not serve: %v\n%s", err, text)
		}
		return err
	}))
}

// known to docker buildx is a builder of one node.
func known(ts *testscript.TestScript, name, driver, node, endpoint string) {
	dir := filepath.Join(ts.Getenv("DOCKER_CONFIG"), "buildx", "instances")
	ts.Check(os.MkdirAll(dir, 0o755))
	data, err := json.Marshal(map[string]any{"Name": name, "Driver": driver, "Nodes": []any{map[string]any{"Name": node, "Endpoint": endpoint}}})
	ts.Check(err)
	ts.Check(os.WriteFile(filepath.Join(dir, name), data, 0o600))
}
