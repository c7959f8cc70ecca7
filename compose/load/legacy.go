package load

import "go.yaml.in/yaml/v4"

func looksLikeService(n *yaml.Node) bool { return child(n, "image") != nil || child(n, "build") != nil }

func (s *session) modernise(f *file) {}
