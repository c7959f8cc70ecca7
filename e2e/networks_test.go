package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

// endpointStack has every kind of setting that an endpoint can have. The first network in order of priority is back, the default route leads
// through front as engines before API 1.48 choose it by name, and side shares what web has.
const endpointStack = `
services:
  web:
    image: ${STUB}
    networks:
      back:
        aliases: [www, site]
        ipv4_address: 10.244.1.10
        ipv6_address: fd44:1::10
        link_local_ips: [169.254.44.8]
        driver_opts: {com.example.note: kept}
        priority: 900
      front: {aliases: [shop]}
      inner: {ipv4_address: 10.244.3.7}
    links: ["db:database"]
    external_links: ["${COMPOSE_PROJECT_NAME}-idle-1:outer"]
    extra_hosts: ["printer:10.9.9.9", "six=[fd44:9::9]"]
    dns_search: [example.org]
    dns_opt: ["ndots:1"]
  db:
    image: ${STUB}
    networks: {back: {ipv6_address: "fd44:1::20"}, front: {}}
  side: {image: "${STUB}", command: sleep, network_mode: "service:web"}
  idle: {image: "${STUB}", networks: [front], depends_on: {done: {condition: service_completed_successfully}}}
  done:
    image: ${STUB}
    command: exit 0
    networks: {back: {aliases: [ended], ipv4_address: 10.244.1.40, link_local_ips: [169.254.44.9]}}
networks:
  back:
    enable_ipv6: true
    attachable: true
    driver_opts: {com.docker.network.driver.mtu: "1400"}
    ipam:
      driver: default
      config:
        - {subnet: 10.244.1.0/24, ip_range: 10.244.1.128/25, gateway: 10.244.1.254, aux_addresses: {router: 10.244.1.200}}
        - {subnet: "fd44:1::/64", gateway: "fd44:1::1"}
  front:
  inner:
    internal: true
    ipam: {config: [{subnet: 10.244.3.0/24}]}
`

// TestNetworksComeBack: of networks that change, several at once, all that is on them comes back with all that it had, and is reached as before.
func TestNetworksComeBack(t *testing.T) {
	t.Parallel()
	notOnPodman(t, "Podman drops much of what networks, and containers on them, are asked to be")
	s := newStack(t, map[string]string{"compose.yaml": endpointStack})
	s.tutti("up", "-d")
	s.settled()
	s.endpointsAreWhole("1400")
	before := s.containers()

	s.write("compose.yaml", strings.NewReplacer(`mtu: "1400"`, `mtu: "1300"`, "    internal: true\n", "").Replace(endpointStack))
	plan, _, code := s.try("plan", "--detailed-exitcode")
	for _, want := range []string{`-/\+ \S+_back\n +driver_opts.com.docker.network.driver.mtu +1400 → 1300\n`, `-/\+ \S+_inner\n +internal +removed true\n`,
		`~ \S+-done-1 +disconnect, connect\n +network \S+_back is replaced`,
		`~ \S+-web-1 +disconnect, connect\n +network \S+_back is replaced\n +network \S+_inner is replaced`, `Plan: 0 to create, 3 to update, 2 to replace, 0 to remove`} {
		if code != 2 || !regexp.MustCompile(want).MatchString(plan) {
			t.Errorf("plan, exit code %d, does not say %q:\n%s", code, want, plan)
		}
	}
	s.tutti("up", "-d")
	s.settled()
	s.endpointsAreWhole("1300")
	for name, c := range s.containers() {
		if c.ID != before[name].ID {
			t.Errorf("%s is another container", name)
		}
	}
}

// endpointsAreWhole as endpointStack says.
func (s *stack) endpointsAreWhole(mtu string) {
	s.t.Helper()
	back := "NetworkSettings/Networks/" + s.project + "_back/"
	s.networksAreWhole(mtu)
	s.isAll("web-1", map[string]string{
		"HostConfig/NetworkMode":        "_back$",
		back + "IPAMConfig/IPv4Address": `^10\.244\.1\.10$`, back + "IPAMConfig/IPv6Address": `^fd44:1::10$`, back + "IPAMConfig/LinkLocalIPs": `^\["169.254.44.8"\]$`,
		back + "DriverOpts/com.example.note": `^kept$`, back + "Aliases": `"www","site"`, back + "Links": `-db-1:database"`,
		"NetworkSettings/Networks/" + s.project + "_inner/IPAddress": `^10\.244\.3\.7$`, "NetworkSettings/Networks/" + s.project + "_inner/Links": `:outer"`,
		"NetworkSettings/Networks/" + s.project + "_front/Aliases": `"shop"`,
	})
	s.isAll("done-1", map[string]string{back + "IPAMConfig/IPv4Address": `^10\.244\.1\.40$`, back + "IPAMConfig/LinkLocalIPs": "169.254.44.9", back + "Aliases": `"ended"`})
	s.says("web-1", "interfaces", `mtu=`+mtu+` .*10\.244\.1\.10/24.* fd44:1::10/64`, `169\.254\.44\.8`, `10\.244\.3\.7/24`)
	for _, name := range []string{"database", "outer", "db"} {
		s.inside("web-1", "fetch", "http://"+name+"/")
	}
	for _, name := range []string{"www", "site", "shop", "[fd44:1::10]", "10.244.1.10"} {
		s.inside("db-1", "fetch", "http://"+name+"/")
	}
	s.inside("side-1", "fetch", "http://localhost/")
	s.inside("side-1", "fetch", "http://db/")
	s.says("web-1", "cat /etc/hosts", `10\.9\.9\.9\s+printer`, `fd44:9::9\s+six`)
	s.says("web-1", "cat /etc/resolv.conf", `search example\.org`, `ndots:1`)
	s.says("db-1", "resolve www", `fd44:1::10`)
}

// networksAreWhole as endpointStack says.
func (s *stack) networksAreWhole(mtu string) {
	s.t.Helper()
	var back any
	if err := engine.Do(context.Background(), "GET", "/networks/"+s.project+"_back", nil, &back); err != nil {
		s.t.Fatal(err)
	}
	for path, want := range map[string]string{
		"Attachable": "true", "EnableIPv6": "true", "Internal": "false", "Options/com.docker.network.driver.mtu": mtu, "IPAM/Driver": "default",
		"IPAM/Config/0/Subnet": "10.244.1.0/24", "IPAM/Config/0/IPRange": "10.244.1.128/25", "IPAM/Config/0/Gateway": "10.244.1.254",
		"IPAM/Config/0/AuxiliaryAddresses/router": "10.244.1.200", "IPAM/Config/1/Subnet": "fd44:1::/64", "IPAM/Config/1/Gateway": "fd44:1::1",
	} {
		if got := dock.Pick(back, path); got != want {
			s.t.Errorf("network back: %s is %q, not %q", path, got, want)
		}
	}
}

// isAll tells of values of a container's inspection that do not match.
func (s *stack) isAll(name string, want map[string]string) {
	s.t.Helper()
	v, err := engine.Inspect(context.Background(), s.project+"-"+name)
	if err != nil {
		s.t.Fatal(err)
	}
	for path, pattern := range want {
		if got := dock.Pick(v, path); !regexp.MustCompile(pattern).MatchString(got) {
			s.t.Errorf("%s: %s is %q, not %q", name, path, got, pattern)
		}
	}
}

// says tells what a program in a container does not write.
func (s *stack) says(name, line string, want ...string) {
	s.t.Helper()
	got := s.inside(name, strings.Fields(line)...)
	for _, pattern := range want {
		if !regexp.MustCompile(pattern).MatchString(got) {
			s.t.Errorf("%s: %s does not say %q:\n%s", name, line, pattern, got)
		}
	}
}
