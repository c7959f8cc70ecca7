package lock

import "errors"

// Process is another process of this machine as a holder.
func Process(command string, pid int) (Holder, error) {
	h := Me(command)
	start, ok := started(pid)
	if !ok {
		return h, errors.New("no such process")
	}
	h.PID, h.Start = pid, start
	return h, nil
}
