package load

// Model is the canonical model, as config prints it.
type Model struct{ s *session }

func (s *session) model() *Model { return &Model{s} }
