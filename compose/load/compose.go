package load

import (
	"context"
	"errors"
	"maps"
	"runtime"
	"sync"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/tutti-run/tutti/compose/load/bind"
	"github.com/tutti-run/tutti/compose/load/source"
)

// compose lets compose-go merge, interpolate and normalise. Its schema and consistency checks are ours. Where services do not refer
// to each other's text they are given to it in batches, side by side.
func (s *session) compose(ctx context.Context) error {
	files, err := s.configFiles()
	if err != nil {
		return err
	}
	if s.o.NoInterpolate {
		s.dict, err = s.dictOf(ctx, files)
		return err
	}
	batches := [][]types.ConfigFile{files}
	if s.separable() {
		batches = deal(files, runtime.GOMAXPROCS(0))
	}
	parts, err := each(batches, func(b []types.ConfigFile) (*types.Project, error) { return s.projectOf(ctx, b) })
	if err != nil {
		return err
	}
	s.project = join(parts)
	s.project.ComposeFiles, s.project.Environment = s.paths, s.env
	return nil
}

func (s *session) configFiles() ([]types.ConfigFile, error) {
	var out []types.ConfigFile
	for _, f := range s.Main {
		files, err := f.Config()
		if err != nil {
			return nil, err
		}
		out = append(out, files...)
	}
	if len(out) == 0 {
		return nil, errors.New("empty compose file")
	}
	return out, nil
}

// separable tells whether each service is made of its own text alone.
func (s *session) separable() bool {
	tagged := false
	for _, f := range s.Main {
		tagged = tagged || f.Tagged
	}
	return !tagged && len(s.Others) == 0 && !s.form.Keys["extends"] && !s.form.Keys["include"]
}

// dictOf is the model of files as compose-go's tree.
func (s *session) dictOf(ctx context.Context, files []types.ConfigFile) (map[string]any, error) {
	details := types.ConfigDetails{WorkingDir: s.dir, Environment: maps.Clone(s.env), ConfigFiles: files}
	if s.o.NoInterpolate {
		details.Environment = types.Mapping{} // nothing of it goes into the model either
	}
	if s.form.Keys["include"] { // included files have their defaults and paths from compose-go, and so then do all
		return loader.LoadModelWithContext(ctx, details, s.loaderOptions)
	}
	dict, err := s.treeOf(ctx, details)
	if err != nil {
		return nil, err
	}
	return s.finish(dict)
}

func (s *session) projectOf(ctx context.Context, files []types.ConfigFile) (*types.Project, error) {
	dict, err := s.dictOf(ctx, files)
	if err != nil {
		return nil, err
	}
	return s.bound(dict)
}

// bound is the project that a tree describes. Services that can be are made here, as compose-go's decoder takes its time.
func (s *session) bound(dict map[string]any) (*types.Project, error) {
	services, _ := dict["services"].(map[string]any)
	ready := types.Services{}
	for name, v := range services {
		if tree, ok := v.(map[string]any); ok {
			if c, ok := bind.Service(name, tree); ok {
				ready[name] = c
				delete(services, name)
			}
		}
	}
	details := types.ConfigDetails{WorkingDir: s.dir, Environment: s.env}
	p, err := loader.ModelToProject(dict, loader.ToOptions(&details, []func(*loader.Options){s.loaderOptions}), details)
	if err != nil {
		return nil, err
	}
	for name, c := range ready {
		if c.HasProfile(s.profiles) {
			p.Services[name] = c
		} else {
			p.DisabledServices[name] = c
		}
	}
	for _, c := range p.AllServices() {
		dropUnnamed(c)
	}
	return p, nil
}

// dropUnnamed entries: "${EXTRA:-}" in a list is one only if the variable is set.
func dropUnnamed(c types.ServiceConfig) {
	delete(c.Environment, "")
	for _, m := range []map[string]string{c.Labels, c.Annotations, c.Sysctls} {
		delete(m, "")
	}
	if c.Build != nil {
		delete(c.Build.Args, "")
		delete(c.Build.Labels, "")
	}
	if c.Deploy != nil {
		delete(c.Deploy.Labels, "")
	}
}

func (s *session) loaderOptions(lo *loader.Options) {
	lo.SetProjectName(s.name, true)
	lo.Profiles = s.profiles
	lo.SkipValidation = true
	lo.SkipConsistencyCheck = true
	lo.SkipResolveEnvironment = true
	lo.SkipResolveLabels = true
	lo.SkipInterpolation = s.o.NoInterpolate
	lo.SkipNormalization = s.o.NoNormalize
	lo.ResolvePaths = !s.o.NoPathResolution
	lo.MaxNodeVisits = 100_000_000
	lo.ResourceLoaders = append(lo.ResourceLoaders, resources{s.Remote})
	lo.Interpolate.Substitute = source.Substitute
	lo.Interpolate.TypeCastMapping = s.casts(lo.Interpolate.TypeCastMapping)
}

// deal gives the services out to at most n batches, none of a few services. All else that the files hold is in the first.
func deal(files []types.ConfigFile, n int) [][]types.ConfigFile {
	number := map[string]int{}
	for _, f := range files {
		services, ok := f.Config["services"].(map[string]any)
		if !ok && f.Config["services"] != nil {
			return [][]types.ConfigFile{files}
		}
		for name := range services {
			number[name] = 0
		}
	}
	n = max(1, min(n, len(number)/fewServices))
	for i, name := range sorted(number) {
		number[name] = i % n
	}
	out := make([][]types.ConfigFile, n)
	for i := range out {
		for _, f := range files {
			if part := batch(f.Config, i, number); part != nil {
				out[i] = append(out[i], types.ConfigFile{Filename: f.Filename, Config: part})
			}
		}
	}
	return out
}

// fewServices are too few for a batch.
const fewServices = 25

// batch is what of a file is in batch i, nil if nothing is.
func batch(file map[string]any, i int, number map[string]int) map[string]any {
	out := map[string]any{}
	if i == 0 {
		out = maps.Clone(file)
	}
	services, _ := file["services"].(map[string]any)
	mine := map[string]any{}
	for name, v := range services {
		if number[name] == i {
			mine[name] = v
		}
	}
	if len(mine) == 0 && i > 0 {
		return nil
	}
	if services != nil {
		out["services"] = mine
	}
	return out
}

// each does all batches side by side. The error holds all errors.
func each(batches [][]types.ConfigFile, do func([]types.ConfigFile) (*types.Project, error)) ([]*types.Project, error) {
	out, errs := make([]*types.Project, len(batches)), make([]error, len(batches))
	var running sync.WaitGroup
	for i, b := range batches {
		running.Go(func() {
			defer recovered(&errs[i])
			out[i], errs[i] = do(b)
		})
	}
	running.Wait()
	return out, errors.Join(errs...)
}

// join puts the projects of batches together. The first one has read what is not of a service; the default network, which is
// there once a service is on it, any may have.
func join(parts []*types.Project) *types.Project {
	all := parts[0]
	for _, p := range parts[1:] {
		if all.Networks == nil {
			all.Networks = types.Networks{}
		}
		for name, n := range p.Networks {
			if _, ok := all.Networks[name]; !ok {
				all.Networks[name] = n
			}
		}
		all.Services = united(all.Services, p.Services)
		all.DisabledServices = united(all.DisabledServices, p.DisabledServices)
	}
	return all
}

func united(a, b types.Services) types.Services {
	if a == nil {
		return b
	}
	maps.Copy(a, b)
	return a
}
