package lint

import (
	"strings"

	"github.com/tutti-run/tutti/compose/diag"
)

var imageRules = []Rule{
	{ID: "image-latest", Severity: diag.Warning, Title: "an image without a tag, or with the tag latest", check: each(imageLatest),
		Why: "What it stands for changes under you: the next pull may bring another major version, and two machines may run two.",
		Fix: "Name the version that you run: `nginx:1.29`."},
	{ID: "image-not-pinned", Severity: diag.Info, Off: true, Title: "an image without a digest", check: each(imageNotPinned),
		Why: "A tag can be moved; a digest cannot.",
		Fix: "Add the digest: `nginx:1.29@sha256:…`."},
}

func imageLatest(s Service) []Finding {
	name, tag, digest := splitReference(s.Image.Value)
	unset := strings.HasSuffix(s.Image.Value, ":") // by a variable, which is told
	if s.Builds || name == "" || digest || unset || tag != "" && tag != "latest" {
		return nil
	}
	if tag == "" {
		return one(s.about(s.Image.At, "image "+name+" has no tag, which means latest", "name the version that you run"))
	}
	return one(s.about(s.Image.At, "image "+name+" has the tag latest, which changes under you", "name the version that you run"))
}

func imageNotPinned(s Service) []Finding {
	name, tag, digest := splitReference(s.Image.Value)
	if s.Builds || name == "" || digest || tag == "" || tag == "latest" {
		return nil
	}
	return one(s.about(s.Image.At, "image "+s.Image.Value+" has no digest", "add it: "+s.Image.Value+"@sha256:…"))
}

// splitReference of an image: "registry:5000/team/app:1.2@sha256:…".
func splitReference(ref string) (name, tag string, digest bool) {
	name, _, digest = strings.Cut(ref, "@")
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		name, tag = name[:i], name[i+1:]
	}
	return name, tag, digest
}

// store is a kind of database: where its images keep data, and whether losing that is a loss.
type store struct {
	ports []int
	dirs  []string // nil: a cache, or it depends
	env   string   // names the directory instead
}

var stores = map[string]store{
	"postgres":      {[]int{5432}, []string{"/var/lib/postgresql"}, "PGDATA"},
	"mysql":         {[]int{3306, 33060}, []string{"/var/lib/mysql"}, ""},
	"mariadb":       {[]int{3306}, []string{"/var/lib/mysql"}, ""},
	"percona":       {[]int{3306}, []string{"/var/lib/mysql"}, ""},
	"mongo":         {[]int{27017}, []string{"/data/db"}, ""},
	"influxdb":      {[]int{8086}, []string{"/var/lib/influxdb", "/var/lib/influxdb2", "/var/lib/influxdb3"}, ""},
	"neo4j":         {[]int{7687}, []string{"/data"}, ""},
	"couchdb":       {[]int{5984}, []string{"/opt/couchdb/data"}, ""},
	"cassandra":     {[]int{9042}, []string{"/var/lib/cassandra"}, ""},
	"clickhouse":    {[]int{8123, 9000}, []string{"/var/lib/clickhouse"}, ""},
	"elasticsearch": {[]int{9200, 9300}, []string{"/usr/share/elasticsearch/data"}, ""},
	"redis":         {ports: []int{6379}},
	"valkey":        {ports: []int{6379}},
	"memcached":     {ports: []int{11211}},
	"opensearch":    {ports: []int{9200, 9300}},
	"etcd":          {ports: []int{2379, 2380}},
	"mssql":         {ports: []int{1433}},
}

// storeNames are other images of the same kinds.
var storeNames = map[string]string{
	"postgis": "postgres", "pgvector": "postgres", "timescaledb": "postgres", "postgresql": "postgres", "mongodb": "mongo",
	"mysql-server": "mysql", "clickhouse-server": "clickhouse", "mongodb-community-server": "mongo",
}

// storeOf an image, by the last part of its name. Only of those that keep to the official image's directories dirs are told.
func storeOf(ref string) (kind string, st store, ok bool) {
	name, _, _ := splitReference(ref)
	parts := strings.Split(name, "/")
	kind = parts[len(parts)-1]
	if k, other := storeNames[kind]; other {
		kind = k
	}
	if st, ok = stores[kind]; !ok && len(parts) > 1 && strings.Contains(name, "mssql/server") {
		kind, st, ok = "mssql", stores["mssql"], true
	}
	if len(parts) > 1 && strings.Contains(name, "bitnami") {
		st.dirs = nil
	}
	return kind, st, ok
}
