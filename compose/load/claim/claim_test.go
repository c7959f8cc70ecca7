package claim

import (
	"context"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/google/go-cmp/cmp"
)

// of the services of a file that lies in /tree.
func of(t *testing.T, text string, services ...string) []string {
	t.Helper()
	details := types.ConfigDetails{WorkingDir: "/tree", ConfigFiles: []types.ConfigFile{{Filename: "/tree/compose.yaml", Content: []byte(text)}}}
	p, err := loader.LoadWithContext(context.Background(), details, func(lo *loader.Options) {
		lo.SkipValidation = true
		lo.SetProjectName("p", true)
		lo.SkipResolveEnvironment, lo.SkipResolveLabels, lo.SkipConsistencyCheck, lo.SkipNormalization = true, true, true, true
	})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, c := range Of(p, services, func(path string) bool { return strings.HasPrefix(path, "/tree") }) {
		out = append(out, strings.Join(c.Path, ".")+": "+c.Text)
	}
	return out
}

// TestOf: each claim with its place in the model.
func TestOf(t *testing.T) {
	got := of(t, `services:
  web:
    image: web
    volumes: ["./own:/own", "data:/data", "../x:/x", {type: bind, source: /var/run/docker.sock, target: /sock}, /anonymous]
    volumes_from: ["container:db", "other"]
    env_file: [own.env, /etc/environment]
    label_file: [/etc/labels]
    privileged: true
    use_api_socket: true
    cap_add: [NET_ADMIN, SYS_TIME]
    cap_drop: [ALL]
    devices: ["/dev/kvm:/dev/kvm"]
    device_cgroup_rules: ["c 1:3 mr"]
    gpus: all
    security_opt: ["no-new-privileges:true", "seccomp:unconfined"]
    network_mode: host
    pid: host
    ipc: container:db
    uts: host
    userns_mode: host
    cgroup: host
    environment: {SET: x, TOKEN: null}
    post_start: [{command: [a], privileged: true}]
    pre_start: [{image: init, volumes: ["/etc:/etc"], cap_add: [SYS_ADMIN]}]
    deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}
    build: {context: /home, dockerfile: ../f, additional_contexts: {more: /srv, far: "https://example.com/r.git"}, ssh: [default], network: host, privileged: true,
            entitlements: [security.insecure], args: {ARG: null}}
  tool:
    provider: {type: thing}
  other:
    image: other
    privileged: true
  near:
    build: {context: ., dockerfile: sub/Dockerfile}
    network_mode: service:web
    networks: {}
volumes:
  data: {driver_opts: {type: none, o: bind, device: /data}}
  nfs: {driver_opts: {type: nfs, o: addr=x, device: ":/data"}}
networks:
  out: {name: host, external: true}
configs:
  c: {file: ./own.conf}
secrets:
  s: {file: /root/.ssh/id}
  e: {environment: SECRET}
`, "web", "tool", "near")
	if d := cmp.Diff(strings.Split(strings.TrimSpace(`
services.tool.provider: service "tool" runs the program "thing" on this machine
services.web.volumes.2: service "web" mounts /x
services.web.volumes.3: service "web" mounts /var/run/docker.sock
services.web.volumes_from.0: service "web" mounts what container db has
services.web.env_file.1: service "web" reads /etc/environment
services.web.label_file.0: service "web" reads /etc/labels
services.web.privileged: service "web" runs privileged
services.web.use_api_socket: service "web" controls the engine, with your credentials
services.web.cap_add.0: service "web" adds the capability NET_ADMIN
services.web.cap_add.1: service "web" adds the capability SYS_TIME
services.web.devices.0: service "web" uses the device /dev/kvm
services.web.device_cgroup_rules.0: service "web" may use devices "c 1:3 mr"
services.web.gpus: service "web" uses devices of the machine
services.web.security_opt.1: service "web" has the security option seccomp:unconfined
services.web.network_mode: service "web" shares the machine's network
services.web.pid: service "web" shares the machine's processes
services.web.ipc: service "web" shares the shared memory of container db
services.web.uts: service "web" shares the machine's host name
services.web.userns_mode: service "web" shares the machine's users
services.web.cgroup: service "web" shares the machine's control groups
services.web.environment.TOKEN: takes the variable TOKEN from the environment
services.web.build.context: service "web" builds from /home
services.web.build.additional_contexts.more: service "web" builds from /srv
services.web.build.dockerfile: service "web" builds from /f
services.web.build.ssh: service "web" builds with your SSH keys
services.web.build.privileged: service "web" builds privileged
services.web.build.network: service "web" builds on the machine's network
services.web.build.entitlements.0: service "web" builds with security.insecure
services.web.build.args.ARG: takes the variable ARG from the environment
services.web.deploy.resources.reservations.devices: service "web" uses devices of the machine
services.web.pre_start.0.volumes.0: service "web" mounts /etc
services.web.pre_start.0.cap_add.0: service "web" adds the capability SYS_ADMIN
services.web.post_start.0.privileged: service "web" runs a privileged hook
volumes.data.driver_opts.device: volume "data" mounts /data
networks.out.name: network "out" is the machine's own
secrets.e.environment: takes the variable SECRET from the environment
secrets.s.file: secret "s" reads /root/.ssh/id
`), "\n"), got); d != "" {
		t.Error(d)
	}
}

// TestVisible: what a file says cannot move the cursor or hide a line.
func TestVisible(t *testing.T) {
	got := of(t, "services: {web: {image: web, cap_add: [\"X\\e[2K\\r\\nok\"]}}", "web")
	if len(got) != 1 || strings.ContainsAny(got[0], "\x1b\r\n") {
		t.Errorf("%q", got)
	}
}
