package form

import (
	"fmt"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/compose-spec/compose-go/v2/format"
	"github.com/compose-spec/compose-go/v2/types"
)

// meaning says what is wrong with a text, "" if nothing is.
type meaning func(text string) string

// meanings are the checks of what texts mean, by path with * for names and [] for items. The schema takes any text there.
var meanings = sync.OnceValue(func() map[string]meaning {
	m := map[string]meaning{}
	add := func(check meaning, paths string) {
		for _, p := range strings.Fields(paths) {
			m["services.*."+p] = check
			m["services.*.pre_start.[]."+p] = check // what of it an init container has
		}
	}
	add(duration, `stop_grace_period healthcheck.interval healthcheck.timeout healthcheck.start_period healthcheck.start_interval
		deploy.update_config.delay deploy.update_config.monitor deploy.rollback_config.delay deploy.rollback_config.monitor
		deploy.restart_policy.delay deploy.restart_policy.window`)
	add(size, `mem_limit mem_reservation memswap_limit mem_swappiness shm_size build.shm_size volumes.[].tmpfs.size
		deploy.resources.limits.memory deploy.resources.reservations.memory blkio_config.device_read_bps.[].rate
		blkio_config.device_read_iops.[].rate blkio_config.device_write_bps.[].rate blkio_config.device_write_iops.[].rate`)
	add(whole, `scale cpu_count cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares pids_limit
		healthcheck.retries deploy.replicas
		deploy.restart_policy.max_attempts deploy.placement.max_replicas_per_node deploy.resources.limits.pids
		ulimits.* ulimits.*.soft ulimits.*.hard build.ulimits.* build.ulimits.*.soft build.ulimits.*.hard
		blkio_config.weight blkio_config.weight_device.[].weight`)
	add(atATime, "deploy.update_config.parallelism deploy.rollback_config.parallelism")
	add(oneOf("pause", "continue", "rollback"), "deploy.update_config.failure_action")
	add(oneOf("pause", "continue"), "deploy.rollback_config.failure_action")
	add(ratio, "deploy.update_config.max_failure_ratio deploy.rollback_config.max_failure_ratio")
	add(oneOf("replicated", "global", "replicated-job", "global-job"), "deploy.mode")
	add(oneOf("vip", "dnsrr"), "deploy.endpoint_mode")
	add(oomScore, "oom_score_adj")
	add(number, "cpus cpu_percent deploy.resources.limits.cpus deploy.resources.reservations.cpus")
	add(shortPort, "ports.[]")
	add(onePort, "ports.[].target")
	add(hostPorts, "ports.[].published")
	add(protocol, "ports.[].protocol")
	add(address, "ports.[].host_ip networks.*.ipv4_address networks.*.ipv6_address networks.*.link_local_ips.[]")
	add(exposed, "expose.[]")
	add(shortVolume, "volumes.[]")
	add(restartPolicy, "restart")
	add(extraHost, "extra_hosts.[] build.extra_hosts.[]")
	add(device, "devices.[]")
	add(named, "environment.[] labels.[] annotations.[] sysctls.[] build.args.[] build.labels.[] deploy.labels.[]")
	add(fileMode, "configs.[].mode secrets.[].mode build.secrets.[].mode")
	add(something, "develop.watch.[].path")
	add(deviceCount, "gpus.[].count deploy.resources.reservations.devices.[].count")
	m["networks.*.ipam.config.[].subnet"] = subnet
	m["networks.*.ipam.config.[].ip_range"] = subnet
	m["networks.*.ipam.config.[].gateway"] = address
	m["networks.*.ipam.config.[].aux_addresses.*"] = address
	return m
})

// late tells whether a text at a path that means nothing is in nobody's way before the container or network is made: Docker Compose does
// not look at it.
func late(path string) bool {
	for _, end := range strings.Fields(`.restart .oom_score_adj .deploy.mode .deploy.endpoint_mode .failure_action .max_failure_ratio
		.subnet .ip_range .gateway .aux_addresses.* .ipv4_address .ipv6_address .link_local_ips.[]
		.protocol .published .ports.[].target .expose.[] .devices.[]`) {
		if strings.HasSuffix(path, end) {
			return true
		}
	}
	return false
}

func duration(text string) string {
	var d types.Duration
	if err := d.DecodeMapstructure(text); err != nil {
		return fmt.Sprintf("%q is not a duration; write it like \"1m30s\"", text)
	}
	return ""
}

func size(text string) string {
	var b types.UnitBytes
	if err := b.DecodeMapstructure(text); err != nil || b < -1 { // -1 is no limit; less is too large a number
		return fmt.Sprintf("%q is not a size; write it like \"512m\"", text)
	}
	return ""
}

func whole(text string) string {
	if _, err := strconv.ParseInt(text, 0, 64); err != nil {
		return fmt.Sprintf("%q is not a whole number", text)
	}
	return ""
}

func atATime(text string) string {
	if n, err := strconv.ParseInt(text, 0, 64); err != nil || n < 0 {
		return fmt.Sprintf("%q is not a number of replicas; 0 is all at once", text)
	}
	return ""
}

// oneOf takes the words of a closed set that the schema leaves open.
func oneOf(words ...string) meaning {
	return func(text string) string {
		if text == "" || slices.Contains(words, text) {
			return ""
		}
		return fmt.Sprintf("%q is not one of %s", text, strings.Join(words, ", "))
	}
}

func ratio(text string) string {
	if f, err := strconv.ParseFloat(text, 64); err != nil || !(f >= 0 && f <= 1) {
		return fmt.Sprintf("%q is not a share between 0 and 1", text)
	}
	return ""
}

func oomScore(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < -1000 || n > 1000 {
		return fmt.Sprintf("%q is not a whole number from -1000 to 1000", text)
	}
	return ""
}

func number(text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil {
		return fmt.Sprintf("%q is not a number", text)
	}
	return ""
}

// shortPort checks the short form of a port: [[address:]host:]container[/protocol], each port maybe a range.
func shortPort(text string) string {
	_, err := types.ParsePortConfig(text)
	if err == nil {
		return outOfRange(text, text)
	}
	if msg := outOfRange(text, text); msg != "" {
		return msg
	}
	return fmt.Sprintf("%q is not a port: %v", text, err)
}

var digits = regexp.MustCompile(`\d+`)

// outOfRange looks at the port numbers of a text, behind the address if there is one.
func outOfRange(text, whole string) string {
	if i := strings.LastIndexByte(text, ']'); i >= 0 {
		text = text[i+1:]
	}
	parts := strings.Split(text, ":")
	for _, p := range parts[max(0, len(parts)-2):] {
		p, _, _ = strings.Cut(p, "/")
		if strings.Count(p, ".") > 0 {
			continue
		}
		for _, d := range digits.FindAllString(p, -1) {
			if n, err := strconv.Atoi(d); err != nil || n > 65535 {
				return fmt.Sprintf("%q: port %s is out of range, 65535 is the last", whole, d)
			}
		}
	}
	return ""
}

func onePort(text string) string {
	if n, err := strconv.Atoi(text); err != nil || n < 1 || n > 65535 {
		return fmt.Sprintf("%q is not a port between 1 and 65535", text)
	}
	return ""
}

func hostPorts(text string) string {
	if text == "" { // any that is free
		return ""
	}
	if _, _, err := PortRange(text); err != nil {
		return fmt.Sprintf("%q is not a port or range of ports: %v", text, err)
	}
	return ""
}

// PortRange is the first and last port of "8000" or "8000-8010".
func PortRange(text string) (first, last int, err error) {
	a, b, ranged := strings.Cut(text, "-")
	if !ranged {
		b = a
	}
	if first, err = strconv.Atoi(a); err != nil {
		return 0, 0, fmt.Errorf("%q is not a number", a)
	}
	if last, err = strconv.Atoi(b); err != nil {
		return 0, 0, fmt.Errorf("%q is not a number", b)
	}
	if first < 0 || last > 65535 {
		return 0, 0, fmt.Errorf("65535 is the last port")
	}
	if first > last {
		return 0, 0, fmt.Errorf("%d is after %d", first, last)
	}
	return first, last, nil
}

func protocol(text string) string {
	switch text {
	case "tcp", "udp", "sctp", "": // tcp
		return ""
	}
	return fmt.Sprintf("%q is not a protocol: tcp, udp or sctp", text)
}

func address(text string) string {
	if net.ParseIP(text) == nil {
		return fmt.Sprintf("%q is not an IP address", text)
	}
	return ""
}

func subnet(text string) string {
	if _, _, err := net.ParseCIDR(text); err != nil {
		return fmt.Sprintf("%q is not a range of addresses; write it like \"10.1.0.0/16\"", text)
	}
	return ""
}

func exposed(text string) string {
	ports, proto, _ := strings.Cut(text, "/")
	if protocol(proto) != "" {
		return protocol(proto)
	}
	if ports == "" {
		return fmt.Sprintf("%q has no port", text)
	}
	return hostPorts(ports)
}

func shortVolume(text string) string {
	if _, err := format.ParseVolume(text); err != nil {
		return strings.TrimPrefix(err.Error(), "invalid spec: ")
	}
	return ""
}

func restartPolicy(text string) string {
	name, count, ok := strings.Cut(text, ":")
	switch name {
	case "no", "always", "unless-stopped", "":
		if !ok {
			return ""
		}
	case "on-failure":
		if _, err := strconv.ParseUint(count, 10, 31); !ok || err == nil {
			return ""
		}
	}
	return fmt.Sprintf("%q is not a restart policy: no, always, unless-stopped, on-failure or on-failure:3", text)
}

// extraHost checks name=address or name:address, maybe with several addresses.
func extraHost(text string) string {
	i := strings.IndexAny(text, "=:")
	if i < 0 || slices.Contains(strings.Split(text[i+1:], ","), "") {
		return fmt.Sprintf("%q has no address; write it like \"name=10.0.0.1\"", text)
	}
	if i == 0 {
		return fmt.Sprintf("%q has no name; write it like \"name=10.0.0.1\"", text)
	}
	return ""
}

// named checks NAME=VALUE. An empty text is an entry that is there only if a variable is set.
func named(text string) string {
	if strings.HasPrefix(text, "=") {
		return fmt.Sprintf("%q has no name", text)
	}
	return ""
}

// something checks that a text that variables make is not empty.
func something(text string) string {
	if text == "" {
		return "it is empty"
	}
	return ""
}

// device checks source[:target[:permissions]], and that what is before the first colon is there.
func device(text string) string {
	source, rest, more := strings.Cut(text, ":")
	target, _, _ := strings.Cut(rest, ":")
	if source == "" || more && target == "" {
		return fmt.Sprintf("%q is not a device; write it like \"/dev/ttyUSB0:/dev/ttyUSB0\"", text)
	}
	return ""
}

func fileMode(text string) string {
	if _, err := strconv.ParseInt(strings.TrimPrefix(text, "0o"), 0, 32); err != nil {
		return fmt.Sprintf("%q is not a file mode; write it like \"0440\"", text)
	}
	return ""
}

func deviceCount(text string) string {
	if strings.EqualFold(text, "all") {
		return ""
	}
	if _, err := strconv.Atoi(text); err != nil {
		return fmt.Sprintf("%q is neither \"all\" nor a number", text)
	}
	return ""
}
