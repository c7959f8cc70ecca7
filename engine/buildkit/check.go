package buildkit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/buildkit/client"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/staticfs"

	"github.com/tutti-run/tutti/engine"
	"github.com/tutti-run/tutti/image"
)

// checker is the first frontend that can check, for a BuildKit whose own cannot: that came with Docker Engine 27.0. buildx takes the same.
const checker = "docker/dockerfile:1.8.1@sha256:e87caa74dcb7d46cd820352bfea12591f3dba3ddc4285e19c7dcd13359f7cefd"

// CheckBuild asks the Dockerfile's frontend what it thinks of a build. No step is run.
func (b *builder) CheckBuild(ctx context.Context, of image.Build) (engine.BuildCheck, error) {
	s, err := b.solveOf("", alone(of))
	if err != nil {
		return engine.BuildCheck{}, err
	}
	withoutServices(&s, of)
	p, err := b.builders.find(of.Builder)
	if err != nil {
		return engine.BuildCheck{}, err
	}
	c, err := b.at(p)
	if err != nil {
		return engine.BuildCheck{}, err
	}
	meta, err := ask(ctx, c, s)
	if err != nil {
		return engine.BuildCheck{}, failure{text: plain(err), err: err}
	}
	return checkOf(meta, dockerfileName(of))
}

// alone is a build without the images of other services: they need not be there for it to be looked at.
func alone(of image.Build) image.Build {
	of.Contexts = maps.Clone(of.Contexts)
	maps.DeleteFunc(of.Contexts, func(name, _ string) bool { return of.Services[name] != "" })
	return of
}

// withoutServices has an empty directory where the image of another service would be.
func withoutServices(s *client.SolveOpt, of image.Build) {
	for name := range of.Services {
		s.LocalMounts[name] = staticfs.NewFS()
		s.FrontendAttrs["context:"+name], s.FrontendAttrs["frontend.caps"] = "local:"+name, contextsCapability
	}
}

// dockerfileName is how a finding names the Dockerfile; "" leaves it as it is.
func dockerfileName(of image.Build) string {
	if of.DockerfileInline != "" {
		return "inline"
	}
	return of.DockerfilePath()
}

// ask the frontend of the engine's BuildKit, or the checker.
func ask(ctx context.Context, c *client.Client, s client.SolveOpt) (map[string][]byte, error) {
	request := gateway.SolveRequest{Frontend: s.Frontend, FrontendOpt: maps.Clone(s.FrontendAttrs)}
	capabilities := []string{"moby.buildkit.frontend.subrequests+forward"}
	if had := request.FrontendOpt["frontend.caps"]; had != "" {
		capabilities = append(capabilities, had)
	}
	request.FrontendOpt["frontend.caps"], request.FrontendOpt["requestid"] = strings.Join(capabilities, ","), lint.RequestLint
	s.Frontend, s.FrontendAttrs, s.Exports, s.CacheExports = "", nil, nil, nil
	var meta map[string][]byte
	var refusal error // our own words: what Build gives has been through BuildKit
	_, err := c.Build(ctx, s, "", func(ctx context.Context, gw gateway.Client) (*gateway.Result, error) {
		res, err := gw.Solve(ctx, request)
		if err != nil && strings.Contains(err.Error(), "unsupported request "+lint.RequestLint) {
			request.Frontend, request.FrontendOpt["source"] = "gateway.v0", checker
			if res, err = gw.Solve(ctx, request); err != nil {
				refusal = refusef("the engine's BuildKit cannot check builds (that of Docker Engine 27.0 and newer can), and %s, which could, is not to be had: %s", checker, plain(err))
			}
		}
		if err != nil {
			return nil, err
		}
		meta = res.Metadata
		return gateway.NewResult(), nil
	}, nil)
	return meta, cmp.Or(refusal, err)
}

// checkOf words findings as buildx does.
func checkOf(meta map[string][]byte, dockerfile string) (engine.BuildCheck, error) {
	var found lint.LintResults
	if err := json.Unmarshal(meta["result.json"], &found); err != nil {
		return engine.BuildCheck{}, fmt.Errorf("read findings: %w", err)
	}
	name := func(src *pb.SourceInfo) *pb.SourceInfo { return named(src, dockerfile) }
	var text bytes.Buffer
	switch n := len(found.Warnings); {
	case n == 1:
		text.WriteString("Check complete, 1 warning has been found!\n")
	case n > 1:
		fmt.Fprintf(&text, "Check complete, %d warnings have been found!\n", n)
	case found.Error == nil:
		text.WriteString("Check complete, no warnings found.\n")
	}
	if err := found.PrintTo(&text, name); err != nil {
		return engine.BuildCheck{}, fmt.Errorf("read findings: %w", err)
	}
	if found.Error != nil {
		if len(found.Warnings) > 0 {
			text.WriteString("\n")
		}
		text.WriteString("error: ")
		found.PrintErrorTo(&text, name)
	}
	return engine.BuildCheck{Text: text.String(), Clean: len(found.Warnings) == 0 && found.Error == nil}, nil
}
