package e2e

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// adoptFile uses much of what a container can be made from.
var adoptFiles = map[string]string{
	"compose.yaml": `
services:
  web:
    image: ${STUB}
    command: ["healthy", "200ms"]
    environment:
      COLOR: red
      EMPTY: ""
      FROM_SHELL:
    env_file: [web.env]
    ports: ["${PORT}:80", "127.0.0.1::81", "${UDP_PORT}:82/udp"]
    expose: ["90"]
    labels: {role: front, "dotted.name": "a=b,c"}
    healthcheck: {test: [CMD, /stub, probe], interval: 200ms, timeout: 3s, retries: 20, start_period: 1s}
    depends_on:
      db: {condition: service_started, restart: true}
      job: {condition: service_completed_successfully}
    networks:
      front: {aliases: [www, shop]}
      back:
    configs:
      - source: page
        target: /etc/page
    secrets: [token]
    restart: unless-stopped
    stop_grace_period: 3s
    stop_signal: SIGTERM
    init: true
    read_only: true
    tmpfs: [/tmp, "/run/x:size=1m"]
    hostname: shop
    domainname: example.test
    extra_hosts: ["somewhere:10.1.2.3"]
    dns: [10.9.8.7]
    mem_limit: 128m
    cpus: 0.5
    pids_limit: 100
    cap_add: [NET_ADMIN]
    cap_drop: [MKNOD]
    security_opt: ["no-new-privileges:true"]
    ulimits: {nofile: {soft: 1000, hard: 2000}, nproc: 500}
    sysctls: {net.core.somaxconn: 1024}
    shm_size: 32m
    logging: {driver: json-file, options: {max-size: 1m}}
  db:
    image: ${STUB}
    command: append /data/log started
    entrypoint: ["/stub"]
    working_dir: /data
    user: "0:0"
    volumes:
      - data:/data
      - ./web.env:/web.env:ro
      - /anonymous
      - {type: tmpfs, target: /scratch, tmpfs: {size: 1048576}}
    networks: [back]
    deploy:
      replicas: 2
      resources:
        limits: {cpus: "0.25", memory: 64M}
        reservations: {memory: 32M}
  built:
    build:
      context: .
      args: {BASE: "${STUB}"}
    links: ["db:database"]
    networks: [back]
  job:
    image: ${STUB}
    command: exit 0
    networks: [back]
  side:
    image: ${STUB}
    command: sleep
    network_mode: service:built
  off:
    image: ${STUB}
    network_mode: none
    tty: true
    stdin_open: true
networks:
  front: {labels: {role: net}}
  back: {internal: false, driver: bridge, ipam: {config: [{subnet: 10.213.77.0/24}]}}
volumes:
  data: {labels: {role: vol}}
configs:
  page: {file: ./page.txt}
secrets:
  token: {file: ./token.txt}
`,
	"web.env":    "FROM_FILE=yes\nQUOTED=\"a b\"\n",
	"page.txt":   "a page\n",
	"token.txt":  "a token\n",
	"Dockerfile": "ARG BASE\nFROM $BASE\nCOPY page.txt /page\nENV FLAVOUR=sweet\nLABEL made=here\nVOLUME /built\nEXPOSE 8080\n",
}

var composeVersion = regexp.MustCompile(`v?(\d+)\.(\d+)`)

// dockerCompose is Docker Compose 2.20 or later: TUTTI_COMPOSE, or docker-compose in PATH.
func dockerCompose(t *testing.T) string {
	t.Helper()
	bin := os.Getenv("TUTTI_COMPOSE")
	if bin == "" {
		bin = "docker-compose"
	}
	out, err := exec.Command(bin, "version", "--short").Output()
	m := composeVersion.FindSubmatch(out)
	if err != nil || m == nil {
		t.Skip("no Docker Compose here to compare with: put docker-compose (2.20 or later) in PATH, or name it in TUTTI_COMPOSE")
	}
	major, _ := strconv.Atoi(string(m[1]))
	minor, _ := strconv.Atoi(string(m[2]))
	if major < 2 || major == 2 && minor < 20 {
		t.Skipf("Docker Compose %s is too old to compare with", strings.TrimSpace(string(out)))
	}
	return bin
}

func adoptStack(t *testing.T) *stack {
	s := newStack(t, adoptFiles)
	tcp, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	udp, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return s.with("PORT="+tcp, "UDP_PORT="+udp, "FROM_SHELL=shell", "DOCKER_BUILDKIT=0", "COMPOSE_BAKE=false")
}

func (s *stack) idsOf() map[string]string {
	out := map[string]string{}
	for name, c := range s.containers() {
		out[name] = c.ID
	}
	return out
}

// TestAdopt: tutti finds nothing to do for a stack that Docker Compose started.
func TestAdopt(t *testing.T) {
	compose := dockerCompose(t)
	s := adoptStack(t)
	s.run(compose, "up", "-d", "--wait", "--wait-timeout", "60", "web", "db", "built", "side", "off")
	before, ids := s.state(), s.idsOf()
	if len(ids) != 7 {
		t.Fatalf("Docker Compose made %d containers: %v", len(ids), ids)
	}
	s.settled()
	s.tutti("up", "-d")
	if now := s.idsOf(); !maps.Equal(now, ids) {
		t.Errorf("containers were replaced:\n%v\n%v", ids, now)
	}
	if now := s.state(); now != before {
		t.Errorf("the engine was changed; before:\n%s\nnow:\n%s", before, now)
	}
	// a change after adoption is found like any other, and only it
	s.write("compose.yaml", strings.Replace(adoptFiles["compose.yaml"], "COLOR: red", "COLOR: blue", 1))
	out, _, code := s.try("plan", "--detailed-exitcode")
	if code != 2 || !strings.Contains(out, "red → blue") || strings.Contains(out, "built-1") {
		t.Errorf("exit code %d:\n%s", code, out)
	}
	// and Docker Compose's down finds all of it
	s.tutti("down", "-v", "-t", "1")
	if left := s.containers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestAdopted: Docker Compose finds nothing to do for a stack that tutti started, and the hashes agree.
func TestAdopted(t *testing.T) {
	compose := dockerCompose(t)
	s := adoptStack(t)
	theirs, ours := s.run(compose, "config", "--hash", "*"), s.tutti("config", "--hash", "*")
	if sorted(theirs) != sorted(ours) {
		t.Errorf("config --hash: theirs\n%sours\n%s", theirs, ours)
	}
	s.tutti("up", "-d", "--wait")
	ids := s.idsOf()
	if len(ids) != 7 {
		t.Fatalf("tutti made %d containers: %v", len(ids), ids)
	}
	_, text, code := s.exec(compose, "up", "-d")
	if code != 0 || strings.Contains(text, "Recreate") {
		t.Errorf("Docker Compose: exit code %d\n%s", code, text)
	}
	if now := s.idsOf(); !maps.Equal(now, ids) {
		t.Errorf("containers were replaced:\n%v\n%v", ids, now)
	}
	s.settled()
	if out := s.run(compose, "ps", "--services"); !strings.Contains(out, "web") {
		t.Errorf("docker-compose ps does not see ours:\n%s", out)
	}
	s.run(compose, "down", "-v", "-t", "1")
}

func sorted(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}
