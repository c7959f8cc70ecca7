package attributes

const (
	swarm   = "needs Swarm"
	watched = "what watch does"
)

// top are the sections themselves.
var top = []Row{
	{"include", Read("the files are part of the project"), "", "diagnostics/include"},
	{"jobs", Cannot("not supported yet"), "", "diagnostics/unsupported"},
	{"name", Decides("the project's name"), "", "cli/config"},
	{"version", Cannot("out of date, ignored"), "", "diagnostics/version"},
}

var deploy = under("services.deploy", []Row{
	{"endpoint_mode", Cannot("vip " + swarm + "; dnsrr is how it is without"), "", "diagnostics/deploy"},
	{"labels", Cannot("for services of Swarm only"), "", "diagnostics/deploy"},
	{"mode", Decides("how many replicas there are; jobs need Swarm"), "", "diagnostics/deploy"},
	{"placement.constraints", Cannot("there is one engine, and nothing to place"), "", "diagnostics/deploy"},
	{"placement.max_replicas_per_node", Cannot("there is one engine, and nothing to place"), "", "diagnostics/deploy"},
	{"placement.preferences", Cannot("there is one engine, and nothing to place"), "", "diagnostics/deploy"},
	{"replicas", Decides("how many replicas there are"), "", "plan/rollout_start_first"},
	{"resources.limits.cpus", Reaches("HostConfig.NanoCpus"), "", "attributes/deploy"},
	{"resources.limits.memory", Reaches("HostConfig.Memory"), "", "attributes/deploy"},
	{"resources.limits.pids", Reaches("HostConfig.PidsLimit"), "", "attributes/deploy"},
	{"resources.reservations.cpus", Cannot("the engine cannot reserve processors; cpu_shares weighs them"), "", "diagnostics/deploy"},
	{"resources.reservations.devices.capabilities", Reaches("HostConfig.DeviceRequests.Capabilities"), "", "attributes/deploy"},
	{"resources.reservations.devices.count", Reaches("HostConfig.DeviceRequests.Count"), "", "attributes/deploy"},
	{"resources.reservations.devices.device_ids", Reaches("HostConfig.DeviceRequests.DeviceIDs"), "", "attributes/deploy"},
	{"resources.reservations.devices.driver", Reaches("HostConfig.DeviceRequests.Driver"), "", "attributes/deploy"},
	{"resources.reservations.devices.options", Reaches("HostConfig.DeviceRequests.Options"), "", "attributes/deploy"},
	{"resources.reservations.generic_resources", Cannot(swarm), "", "diagnostics/deploy"},
	{"resources.reservations.memory", Reaches("HostConfig.MemoryReservation"), "", "attributes/deploy"},
	{"restart_policy.condition", Reaches("HostConfig.RestartPolicy.Name"), "", "attributes/restart"},
	{"restart_policy.delay", Cannot("the engine itself waits between restarts, longer each time"), "", "diagnostics/deploy"},
	{"restart_policy.max_attempts", Reaches("HostConfig.RestartPolicy.MaximumRetryCount"), "", "attributes/restart"},
	{"restart_policy.window", Decides("how long a new container is watched"), "", "compose/plan/build_test.go:TestRestartPolicyWindow"},
	{"rollback_config.delay", Decides("how batches go back"), "", "compose/rollout_test.go:TestRollbackConfig"},
	{"rollback_config.failure_action", Decides("what follows if that fails"), "", "compose/plan/build_test.go:TestRollbackFailureAction"},
	{"rollback_config.max_failure_ratio", Cannot("a rollback stops at the first failure, or goes on"), "", "diagnostics/rollout"},
	{"rollback_config.monitor", Decides("how long each is watched"), "", "compose/rollout_test.go:TestRollbackConfig"},
	{"rollback_config.order", Decides("which is first, stop or start"), "", "compose/rollout_test.go:TestRollbackOrder"},
	{"rollback_config.parallelism", Decides("how many go back at a time"), "", "compose/rollout_test.go:TestRollbackConfig"},
	{"update_config.delay", Decides("how batches follow each other"), "", "compose/rollout_test.go:TestDelayAndMonitor"},
	{"update_config.failure_action", Decides("what follows if one fails"), "", "compose/rollout_test.go:TestFailureActions"},
	{"update_config.max_failure_ratio", Decides("how many may fail"), "", "compose/rollout_test.go:TestFailureActions"},
	{"update_config.monitor", Decides("how long each is watched"), "", "compose/rollout_test.go:TestDelayAndMonitor"},
	{"update_config.order", Decides("which is first, stop or start"), "", "plan/rollout_start_first script/rollout_start_first"},
	{"update_config.parallelism", Decides("how many are replaced at a time"), "", "plan/rollout_start_first"},
})

// build is how a service's image is made, by BuildKit or the classic builder.
var build = under("services", []Row{
	{"build.additional_contexts", Makes("contexts by name, with BuildKit; of services: built before"), "", "script/build_contexts"},
	{"build.args", Reaches("build?buildargs"), "", "script/build attributes/build"},
	{"build.cache_from", Reaches("build?cachefrom"), "", "engine/docker/build_test.go:TestBuildOptions"},
	{"build.cache_to", Makes("where BuildKit keeps the steps' results"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.context", Makes("the build's context"), "", "script/build"},
	{"build.dockerfile", Reaches("build?dockerfile"), "", "attributes/build"},
	{"build.dockerfile_inline", Makes("a file in the context"), "", "script/build"},
	{"build.entitlements", Makes("what BuildKit allows the steps"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.extra_hosts", Reaches("build?extrahosts"), "", "attributes/build"},
	{"build.isolation", Reaches("build?isolation"), "", "engine/docker/build_test.go:TestBuildOptions"},
	{"build.labels", Reaches("build?labels"), "", "script/build attributes/build"},
	{"build.network", Reaches("build?networkmode"), "", "attributes/build"},
	{"build.no_cache", Reaches("build?nocache"), "", "attributes/build"},
	{"build.no_cache_filter", Makes("the stages that BuildKit runs anew"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.platforms", Reaches("build?platform"), "", "engine/docker/build_test.go:TestBuildOptions engine/buildkit/solve_test.go:TestSolve"},
	{"build.privileged", Makes("the entitlement security.insecure, with BuildKit"), "", "compose/load/convert/image_test.go:TestBuild"},
	{"build.provenance", Makes("an attestation of how it was built, where BuildKit can"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.pull", Reaches("build?pull"), "", "engine/docker/build_test.go:TestBuildOptions"},
	{"build.sbom", Makes("an attestation of what is in the image, where BuildKit can"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.secrets", Makes("secrets of the steps, with BuildKit; never in the image"), "", "script/build_secrets"},
	{"build.shm_size", Reaches("build?shmsize"), "", "attributes/build"},
	{"build.ssh", Makes("agents of the steps, with BuildKit"), "", "engine/buildkit/solve_test.go:TestSolve"},
	{"build.tags", Reaches("build?t"), "", "attributes/build"},
	{"build.target", Reaches("build?target"), "", "attributes/build"},
	{"build.ulimits", Reaches("build?ulimits"), "", "engine/docker/build_test.go:TestBuildOptions"},
	{"develop.watch.action", Decides(watched), "", "script/watch"},
	{"develop.watch.exec", Decides(watched), "", "script/watch"},
	{"develop.watch.ignore", Decides(watched), "", "script/watch"},
	{"develop.watch.include", Decides(watched), "", "script/watch"},
	{"develop.watch.initial_sync", Decides(watched), "", "script/watch"},
	{"develop.watch.path", Decides(watched), "", "script/watch"},
	{"develop.watch.target", Decides(watched), "", "script/watch"},
})

var networks = under("networks", []Row{
	{"attachable", Reaches("NetworkCreate.Attachable"), "", "e2e/networks_test.go:TestNetworksComeBack script/network_overlay"},
	{"driver", Reaches("NetworkCreate.Driver"), "", "script/network_overlay script/network_vlan script/network_cannot"},
	{"driver_opts", Reaches("NetworkCreate.Options"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"enable_ipv4", Reaches("NetworkCreate.EnableIPv4"), "1.47", "plan/capabilities script/network_gateway"},
	{"enable_ipv6", Reaches("NetworkCreate.EnableIPv6"), "", "script/network_ipv6"},
	{"external", Decides("it has to be there, and stays"), "", "plan/external_network script/network_external"},
	{"internal", Reaches("NetworkCreate.Internal"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"ipam.config.aux_addresses", Reaches("NetworkCreate.IPAM.Config.AuxiliaryAddresses"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"ipam.config.gateway", Reaches("NetworkCreate.IPAM.Config.Gateway"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"ipam.config.ip_range", Reaches("NetworkCreate.IPAM.Config.IPRange"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"ipam.config.subnet", Reaches("NetworkCreate.IPAM.Config.Subnet"), "", "e2e/networks_test.go:TestNetworksComeBack script/network_renamed"},
	{"ipam.driver", Reaches("NetworkCreate.IPAM.Driver"), "", "e2e/networks_test.go:TestNetworksComeBack"},
	{"ipam.options", Reaches("NetworkCreate.IPAM.Options"), "", ""},
	{"labels", Reaches("NetworkCreate.Labels"), "", "script/network_label"},
	{"name", Reaches("NetworkCreate.Name"), "", "script/network_renamed"},
})

var volumes = under("volumes", []Row{
	{"driver", Reaches("VolumeCreate.Driver"), "", "script/volume_attributes"},
	{"driver_opts", Reaches("VolumeCreate.DriverOpts"), "", "script/volume_attributes script/volume_errors script/volume_recreate"},
	{"external", Decides("it has to be there, and stays"), "", "plan/external_absent script/volume_errors"},
	{"labels", Reaches("VolumeCreate.Labels"), "", "script/volume_attributes plan/volume_changed plan/volume_recreated"},
	{"name", Reaches("VolumeCreate.Name"), "", "script/volume_attributes"},
})

// contents are configs and secrets: files that services get.
var contents = []Row{
	{"configs.content", Makes("a file in the container"), "", "script/contents_attributes"},
	{"configs.environment", Makes("a file in the container"), "", "script/contents_attributes"},
	{"configs.external", Cannot("only Swarm keeps configs"), "", "diagnostics/external_content"},
	{"configs.file", Makes("a file in the container"), "", "script/contents_attributes script/contents_signal"},
	{"configs.labels", Cannot("for those of Swarm only"), "", "diagnostics/external_content"},
	{"configs.name", Cannot("for those of Swarm only"), "", "diagnostics/external_content"},
	{"configs.template_driver", Cannot(swarm), "", "diagnostics/external_content"},
	{"secrets.driver", Cannot(swarm), "", "diagnostics/external_content"},
	{"secrets.driver_opts", Cannot("for those of Swarm only"), "", "diagnostics/external_content"},
	{"secrets.environment", Makes("a file in the container"), "", "script/contents_secret"},
	{"secrets.external", Cannot("only Swarm keeps secrets"), "", "diagnostics/external_content"},
	{"secrets.file", Makes("a file in the container"), "", "script/contents_attributes script/contents_secret"},
	{"secrets.labels", Cannot("for those of Swarm only"), "", "diagnostics/external_content"},
	{"secrets.name", Cannot("for those of Swarm only"), "", "diagnostics/external_content"},
	{"secrets.template_driver", Cannot(swarm), "", "diagnostics/external_content"},
}

var models = []Row{
	{"models.context_size", Makes("docker model configure --context-size"), "", "script/models"},
	{"models.model", Makes("docker model pull"), "", "script/models plan/models"},
	{"models.name", Read("its name in listings; what it is called by is its key"), "", ""},
	{"models.runtime_flags", Makes("docker model configure -- FLAGS"), "", "script/models"},
}
