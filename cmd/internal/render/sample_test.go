package render

import (
	"errors"
	"fmt"
	"time"

	"github.com/tutti-run/tutti/compose/apply"
	"github.com/tutti-run/tutti/compose/diag"
	"github.com/tutti-run/tutti/compose/graph"
	"github.com/tutti-run/tutti/compose/plan"
	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/field"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/network"
	"github.com/tutti-run/tutti/volume"
)

func res(k plan.Kind, service, name string) plan.Resource {
	return plan.Resource{Kind: k, Service: service, Name: name}
}

func box(service string, n int) plan.Resource {
	return res(plan.Container, service, fmt.Sprintf("shop-%s-%d", service, n))
}

func key(service string, n int) string { return fmt.Sprintf("%s-%d", service, n) }

func why(r ...plan.Reason) []plan.Reason { return r }

func created(service string, n int, ref string, after ...plan.ID) plan.Node {
	k := key(service, n)
	return plan.Node{ID: plan.ID("create " + k), Resource: box(service, n), Reasons: why(plan.Absent{}), After: after,
		Step: plan.CreateContainer{Container: plan.Ref{Key: k}, Name: "shop-" + k, Spec: container.Spec{Image: ref, Environment: map[string]*string{"API_TOKEN": ptr("hunter2")}}}}
}

func started(service string, n int, after ...plan.ID) plan.Node {
	k := key(service, n)
	return plan.Node{ID: plan.ID("start " + k), Resource: box(service, n), Step: plan.StartContainer{Container: plan.Ref{Key: k}},
		After: append([]plan.ID{plan.ID("create " + k)}, after...)}
}

func waited(service string, n int, until plan.Until, forService string) plan.Node {
	k := key(service, n)
	return plan.Node{ID: plan.ID("wait " + k + " " + string(until)), Resource: box(service, n),
		Step:  plan.WaitContainer{Container: plan.Ref{Key: k}, Until: until, For: forService, Required: true},
		After: []plan.ID{plan.ID("start " + k)}, Reasons: why(plan.DependsOn{Service: service, Condition: string(until)})}
}

func ptr[T any](v T) *T { return &v }

// firstUp of a shop: two networks' worth of things, a database to wait for, a migration, and replicas of web.
func firstUp(replicas int) plan.Plan {
	p := plan.Plan{Project: "shop", Nodes: []plan.Node{
		{ID: "create network shop_default", Resource: res(plan.Network, "", "shop_default"), Step: plan.CreateNetwork{Network: network.Spec{Name: "shop_default"}}, Reasons: why(plan.Absent{})},
		{ID: "create volume shop_data", Resource: res(plan.Volume, "", "shop_data"), Step: plan.CreateVolume{Volume: volume.Spec{Name: "shop_data"}}, Reasons: why(plan.Absent{})},
		{ID: "check nginx:alpine", Resource: res(plan.Image, "web", "nginx:alpine"), Step: plan.CheckImage{Image: image.Spec{Ref: "nginx:alpine"}}},
		{ID: "pull nginx:alpine", Resource: res(plan.Image, "web", "nginx:alpine"), Step: plan.PullImage{Image: image.Spec{Ref: "nginx:alpine"}}, Reasons: why(plan.ImageAbsent{Ref: "nginx:alpine"}), After: []plan.ID{"check nginx:alpine"}},
		{ID: "build shop-api", Resource: res(plan.Image, "api", "shop-api"), Step: plan.BuildImage{Image: image.Spec{Ref: "shop-api"}}, Reasons: why(plan.ImageAbsent{Ref: "shop-api"})},
		created("db", 1, "postgres:16", "check nginx:alpine", "create network shop_default", "create volume shop_data"),
		started("db", 1),
		waited("db", 1, plan.UntilHealthy, "api"),
		created("migrate", 1, "shop-api", "build shop-api", "create network shop_default"),
		started("migrate", 1, "wait db-1 healthy"),
		waited("migrate", 1, plan.UntilCompleted, "api"),
		created("api", 1, "shop-api", "build shop-api", "create network shop_default"),
		started("api", 1, "wait db-1 healthy", "wait migrate-1 completed"),
	}}
	for n := 1; n <= replicas; n++ {
		p.Nodes = append(p.Nodes, created("web", n, "nginx:alpine", "pull nginx:alpine", "create network shop_default"), started("web", n, "start api-1"))
	}
	return p
}

func changed(path, before, after string) plan.Reason {
	return plan.FieldChanged{Change: field.Change{Path: path, Old: before, New: after, OldKnown: true}}
}

// replaced makes the new one beside the old one, as plan.Build does.
func replaced(service string, n int, ref string, before []plan.ID, reasons ...plan.Reason) []plan.Node {
	k, r := key(service, n), box(service, n)
	id := func(verb string) plan.ID { return plan.ID(verb + " " + k) }
	make := created(service, n, ref)
	make.Reasons = reasons
	start := started(service, n, before...)
	start.After[0] = id("rename")
	return []plan.Node{
		make,
		{ID: id("stop"), Resource: r, Step: plan.StopContainer{Container: plan.Ref{Key: k + " (old)", ID: "0ld"}}, Reasons: reasons, After: append([]plan.ID{id("create")}, before...)},
		{ID: id("remove"), Resource: r, Step: plan.RemoveContainer{Container: plan.Ref{Key: k + " (old)", ID: "0ld"}}, Reasons: reasons, After: []plan.ID{id("stop")}},
		{ID: id("rename"), Resource: r, Step: plan.RenameContainer{Container: plan.Ref{Key: k}, Name: r.Name}, Reasons: reasons, After: []plan.ID{id("remove")}},
		start,
	}
}

// rich has one of everything that a plan can say.
func rich() plan.Plan {
	p := plan.Plan{Project: "shop", Warnings: diag.List{
		{Severity: diag.Warning, Path: "services.db", Text: "start_interval needs API 1.44, this engine has 1.41: it is left out"},
		{Severity: diag.Warning, Place: diag.Place{File: "compose.yaml", Line: 3, Column: 5}, Text: "orphan containers found: shop-old-1", Hint: "--remove-orphans removes them"},
	}}
	drift := field.Change{Path: "deploy.resources.limits.memory", Old: "536870912", New: "268435456", OldKnown: true}
	p.Nodes = append(p.Nodes, plan.Node{ID: "remove volume shop_cache", Resource: res(plan.Volume, "", "shop_cache"), Step: plan.RemoveVolume{Name: "shop_cache"}, Reasons: why(plan.Asked{By: "--volumes"})},
		plan.Node{ID: "create network shop_back", Resource: res(plan.Network, "", "shop_back"), Step: plan.CreateNetwork{}, Reasons: why(plan.FieldChanged{Change: field.Change{Path: "internal", New: "true", OldKnown: false}})},
		plan.Node{ID: "remove network shop_back", Resource: res(plan.Network, "", "shop_back"), Step: plan.RemoveNetwork{Name: "shop_back"}},
		plan.Node{ID: "pull nginx:1.27", Resource: res(plan.Image, "web", "nginx:1.27"), Step: plan.PullImage{}, Reasons: why(plan.PullPolicy{Policy: "always"})})
	p.Nodes = append(p.Nodes, plan.Node{ID: "update cache-1", Resource: box("cache", 1), Step: plan.UpdateContainer{}, Reasons: why(plan.Drifted{Change: drift})},
		plan.Node{ID: "connect cache-1 to shop_back", Resource: box("cache", 1), Step: plan.ConnectNetwork{}, Reasons: why(plan.NetworkLost{Network: "shop_back"})},
		plan.Node{ID: "start cache-1", Resource: box("cache", 1), Step: plan.StartContainer{}, Reasons: why(plan.NotRunning{State: container.Exited, ExitCode: 137})},
		waited("cache", 1, plan.UntilHealthy, "web"))
	p.Nodes = append(p.Nodes, plan.Node{ID: "stop mail-1", Resource: box("mail", 1), Step: plan.StopContainer{}, Reasons: why(plan.DependencyReplaced{Service: "web", Because: "restart: true"})},
		plan.Node{ID: "start mail-1", Resource: box("mail", 1), Step: plan.StartContainer{}, After: []plan.ID{"stop mail-1", "wait cache-1 healthy"}})
	for n := 1; n <= 4; n++ {
		p.Nodes = append(p.Nodes, replaced("web", n, "nginx:1.27", []plan.ID{"wait cache-1 healthy"},
			changed("image", "nginx:1.26", "nginx:1.27"),
			changed("environment.COLOR", "red", "blue"),
			changed("environment.DB_PASSWORD", "hunter2", "correct horse"),
			changed("environment.AMQP", "amqp://guest:s3cret@mq:5672/", "amqp://guest:0ther@mq:5672/"),
			changed("healthcheck.test", `["CMD-SHELL","curl -fsS http://localhost:8080/healthz?verbose=1&format=json || exit 1"]`, `["CMD-SHELL","wget -qO- http://localhost:8080/healthz?verbose=1&format=json || exit 1"]`),
			changed("environment.MOTD", "hello\n\x1b[31mworld", "漢字"),
			plan.FieldChanged{Change: field.Change{Path: "environment.MODE", Old: "", New: "fast", OldKnown: true, Note: "web.env"}},
			plan.ContentChanged{Kind: "config", Name: "nginx.conf", File: "./nginx.conf"},
			plan.ImageChanged{Ref: "nginx:1.27", From: "sha256:0123456789abcdef", To: "sha256:fedcba9876543210"})...)
	}
	worker := replaced("worker", 1, "shop-worker", nil, plan.ImageRenewed{Ref: "shop-worker"})
	for i := range worker {
		worker[i].Unless = []plan.SameImage{{Ref: "shop-worker", ID: "sha256:1"}}
	}
	p.Nodes = append(p.Nodes, worker...)
	p.Nodes = append(p.Nodes, plan.Node{ID: "remove shop-old-1", Resource: box("old", 1), Step: plan.RemoveContainer{Volumes: true}, Reasons: why(plan.Orphan{Service: "old"})})
	p.Nodes = append(p.Nodes, created("tool", 1, "busybox"))
	up := waited("web", 1, plan.UntilUp, "")
	p.Nodes = append(p.Nodes, up)
	return p
}

var t0 = time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)

func failures() apply.Report {
	at := func(s string) time.Time { v, _ := time.Parse(time.TimeOnly, s); return v }
	return apply.Report{Took: 4200 * time.Millisecond, Interrupted: true,
		Results: []apply.Result{{ID: "start db-1"}, {ID: "wait db-1 healthy", Outcome: graph.Failed}, {ID: "start api-1", Outcome: graph.Skipped}, {ID: "start x-1", Outcome: graph.Cancelled}},
		Failures: []apply.Failure{
			{Node: waited("db", 1, plan.UntilHealthy, "api"), Container: "shop-db-1", Err: &apply.NotReady{Name: "shop-db-1", Until: plan.UntilHealthy, State: "is unhealthy"},
				Diagnosis: &engine.Diagnosis{State: container.Running, Health: container.Unhealthy, HasHealth: true, Probe: "nc: can't connect to 127.0.0.1:5432: Connection refused\nexit 1\n"},
				Logs:      []engine.LogLine{{Time: at("12:03:01"), Text: "FATAL could not open file"}, {Time: at("12:03:02"), Stderr: true, Text: "\x1b[31mshutting\x1b[0m\tdown\a"}},
				Waiting:   []string{"api", "web"}},
			{Node: waited("migrate", 1, plan.UntilCompleted, "api"), Container: "shop-migrate-1", Err: &apply.NotReady{Name: "shop-migrate-1", Until: plan.UntilCompleted, State: "exited (137): out of memory"},
				Diagnosis: &engine.Diagnosis{State: container.Exited, ExitCode: 137, OOMKilled: true}},
			{Node: started("web", 1), Container: "shop-web-1", Err: errors.New("start shop-web-1: driver failed programming external connectivity on endpoint shop-web-1: Bind for 0.0.0.0:80 failed: port is already allocated"),
				Diagnosis: &engine.Diagnosis{State: container.Created, Error: "Bind for 0.0.0.0:80 failed: port is already allocated"}},
			{Node: waited("api", 1, plan.UntilUp, ""), Err: fmt.Errorf("up: %w", &apply.NotReady{Name: "shop-api-1", Until: plan.UntilUp, TimedOut: true})},
			{Node: plan.Node{ID: "pull nginx:nope", Step: plan.PullImage{}, Resource: res(plan.Image, "web", "nginx:nope")}, Err: errors.New("pull nginx:nope: manifest unknown\nmanifest tagged by \"nope\" is not found"), Waiting: []string{"web"}},
			{Node: waited("cache", 1, plan.UntilHealthy, "web"), Container: "shop-cache-1", Tolerated: true, Err: &apply.NotReady{Name: "shop-cache-1", Until: plan.UntilHealthy, State: "exited (139)"},
				Diagnosis: &engine.Diagnosis{State: container.Exited, ExitCode: 139}},
		}}
}
