package lock

import (
	"cmp"
	"crypto/rand"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"
)

// Holder is who changes a project, or wants to.
type Holder struct {
	Token      string // tells holders apart; no other ever has it
	User, Host string
	PID        int
	Machine    string    // within which a PID means the same process; "" if that is not known
	Start      string    // of the process, as its machine counts: a PID is used again
	Command    string    // "up"
	Since      time.Time // by its machine's clock
}

// Me is this process, carrying out a command, with a token of its own.
func Me(command string) Holder {
	host, _ := os.Hostname()
	pid := os.Getpid()
	start, _ := started(pid)
	return Holder{Token: rand.Text(), User: username(), Host: host, PID: pid, Machine: machine(), Start: start, Command: command, Since: time.Now()}
}

func username() string {
	if u, err := user.Current(); err == nil {
		return u.Username
	}
	return cmp.Or(os.Getenv("USER"), strconv.Itoa(os.Getuid()))
}

// Who is "anna@build-3".
func (h Holder) Who() string { return h.User + "@" + h.Host }

// String is "anna@build-3 (up, since 14:02:11, pid 812)".
func (h Holder) String() string {
	return fmt.Sprintf("%s (%s, since %s, pid %d)", h.Who(), h.Command, h.Since.Local().Format(time.TimeOnly), h.PID)
}

// prefix of labels: not Docker Compose's, so that a mark is no volume of the project.
const prefix = "dev.tutti.lock."

func (h Holder) labels(project string) map[string]string {
	return map[string]string{
		prefix + "project": project, prefix + "token": h.Token, prefix + "user": h.User, prefix + "host": h.Host, prefix + "pid": strconv.Itoa(h.PID),
		prefix + "machine": h.Machine, prefix + "start": h.Start, prefix + "command": h.Command, prefix + "since": h.Since.Format(time.RFC3339),
	}
}

// holderOf a mark; ok is false of a volume that is none.
func holderOf(labels map[string]string) (h Holder, ok bool) {
	get := func(key string) string { return labels[prefix+key] }
	h = Holder{Token: get("token"), User: get("user"), Host: get("host"), Machine: get("machine"), Start: get("start"), Command: get("command")}
	h.PID, _ = strconv.Atoi(get("pid"))
	h.Since, _ = time.Parse(time.RFC3339, get("since"))
	return h, h.Token != ""
}
