package lock

import (
	"context"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// taking is one attempt. It holds marks by its token: a mark with somebody's token is removed by him alone, or by whoever holds the mark
// ".heir.TOKEN" and has looked again since. That is what makes removing by name safe.
type taking struct {
	project, name string
	marks         Marks
	me            Holder
	labels        map[string]string
	o             Options
	ear           *ear
	waited        bool
	named         map[string]bool // tokens of those whom the caller was told of
	litter        map[string]bool // marks beside the lock that may be left
}

func (t *taking) heir(of Holder) string { return t.name + ".heir." + of.Token }

// acquire a mark, however many hold it before: the lock, or the right to remove a dead holder's marks.
func (t *taking) acquire(ctx context.Context, name string) error {
	for {
		gone := t.ear.removal(name) // before we try, so that no removal is missed
		other, mine, err := t.try(ctx, name)
		if err != nil || mine {
			return err
		}
		if err := t.listening(ctx); err != nil {
			return err
		}
		dead, err := t.outlive(ctx, name, other, gone)
		if err == nil && dead {
			err = t.bury(ctx, name, other)
		}
		if err != nil {
			return err
		}
	}
}

// try to make a mark that says who we are.
func (t *taking) try(ctx context.Context, name string) (other Holder, mine bool, err error) {
	found, err := t.marks.Mark(ctx, name, t.labels)
	if err != nil {
		t.litter[name] = true // only the answer may have got lost
		return Holder{}, false, err
	}
	other, ok := holderOf(found)
	if !ok {
		return other, false, fmt.Errorf("volume %s is in the way: it is no lock of tutti", name)
	}
	mine = other.Token == t.me.Token
	t.litter[name] = t.litter[name] || mine
	return other, mine, nil
}

// listening returns when we hear of marks.
func (t *taking) listening(ctx context.Context) error {
	select {
	case <-t.ear.ready:
		return t.ear.err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// outlive another holder of a mark: until it is removed, or he is dead.
func (t *taking) outlive(ctx context.Context, name string, other Holder, gone <-chan struct{}) (dead bool, err error) {
	if t.me.Machine != "" && t.me.Machine == other.Machine {
		return t.outliveNear(ctx, name, other, gone)
	}
	return t.outliveFar(ctx, name, other, gone)
}

// outliveNear is of a process of this machine: the kernel tells of its end.
func (t *taking) outliveNear(ctx context.Context, name string, other Holder, gone <-chan struct{}) (bool, error) {
	ended, stop := ending(other)
	defer stop()
	for runs(other) {
		if err := t.tell(name, other); err != nil {
			return false, err
		}
		if removed, err := t.wait(ctx, gone, ended, t.o.Every); removed || err != nil {
			return false, err
		}
	}
	return true, nil
}

// outliveFar is of a process of another machine, or of one whose processes we do not see. No event tells when it goes away, so we knock now and
// then; but it is no heartbeat: it costs nothing while nobody waits.
func (t *taking) outliveFar(ctx context.Context, name string, other Holder, gone <-chan struct{}) (bool, error) {
	if !t.o.NoWait {
		_ = t.tell(name, other)
	}
	for {
		answered, err := t.knock(ctx, other, gone)
		if err != nil || !answered || isClosed(gone) {
			return err == nil && !answered, err
		}
		if err := t.tell(name, other); err != nil {
			return false, err
		}
		if removed, err := t.wait(ctx, gone, nil, t.o.Every); removed || err != nil {
			return false, err
		}
	}
}

// tell the caller who holds the lock, once; it is an error to a caller that does not wait.
func (t *taking) tell(name string, other Holder) error {
	if name != t.name {
		return nil // an heir is done in a moment
	}
	t.waited = true
	if t.o.NoWait {
		return &Held{t.project, other}
	}
	if t.o.Waiting != nil && !t.named[other.Token] {
		t.o.Waiting(other)
	}
	t.named[other.Token] = true
	return nil
}

// wait for the first of these.
func (t *taking) wait(ctx context.Context, gone, ended <-chan struct{}, most time.Duration) (removed bool, err error) {
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case <-gone:
		return true, nil
	case <-ended:
	case <-timer.C:
	case <-t.ear.failed:
		return false, t.ear.err()
	case <-ctx.Done():
		return false, ctx.Err()
	}
	return false, nil
}

// knocks at one holder: by the second, one that has just lost and found its connection to the engine hears us too.
const knocks = 2

func knockPrefix(lock, token string) string { return lock + ".knock." + token + "." }

func knockName(lock, token string, n int) string { return knockPrefix(lock, token) + strconv.Itoa(n) }

// knock at a holder: it answers by removing the mark.
func (t *taking) knock(ctx context.Context, other Holder, gone <-chan struct{}) (answered bool, err error) {
	for n := range knocks {
		name := knockName(t.name, other.Token, n+1)
		answer := t.ear.removal(name)
		t.litter[name] = true // also when it is answered: what we heard of may be the answer to another's knock, before ours
		if _, err := t.marks.Mark(ctx, name, t.labels); err != nil {
			return false, err
		}
		answered, err = t.wait(ctx, answer, gone, t.o.Patience/knocks)
		if answered || err != nil || isClosed(gone) {
			return true, err
		}
	}
	return false, nil
}

// bury a dead holder: remove his mark, as his only heir. Whoever held that right before us may have done it, so we look again: then it is another's
// mark, or ours. An heir that dies is a dead holder like another.
func (t *taking) bury(ctx context.Context, name string, dead Holder) error {
	heir := t.heir(dead)
	t.litter[heir] = true
	if err := t.acquire(ctx, heir); err != nil {
		return err
	}
	found, _, err := t.try(ctx, name)
	if err == nil && found.Token == dead.Token {
		err = t.remove(ctx, name, dead)
	}
	if err == nil {
		err = t.marks.Unmark(ctx, heir)
	}
	return err
}

func (t *taking) remove(ctx context.Context, name string, dead Holder) error {
	if err := t.marks.Unmark(ctx, name); err != nil {
		return err
	}
	for n := range knocks { // also those of others, who may be dead themselves
		t.litter[knockName(t.name, dead.Token, n+1)] = true
	}
	if name == t.name {
		t.waited = true
		if t.o.TookOver != nil {
			t.o.TookOver(dead)
		}
	}
	return nil
}

// clean up behind us. When we hold the lock, all that concerns other tokens is of no use to anybody: the lock will never bear one of them again.
// When we do not, we remove what is ours.
func (t *taking) clean(ctx context.Context, lock string, held bool) {
	ctx, cancel := brief(ctx)
	defer cancel()
	for name, left := range t.litter {
		if left && (held && name != lock || !held && t.ours(ctx, name)) {
			_ = t.marks.Unmark(ctx, name)
		}
	}
}

// ours tells whether a mark bears our token; one that was not there does then.
func (t *taking) ours(ctx context.Context, name string) bool {
	found, err := t.marks.Mark(ctx, name, t.labels)
	return err == nil && found[prefix+"token"] == t.me.Token
}

// still tells whether we hold the lock, and have held it since we took it: one that was made anew now may have been another's in between.
func (t *taking) still(ctx context.Context) (held, anew bool) {
	const again = prefix + "again"
	labels := maps.Clone(t.labels)
	labels[again] = "yes"
	found, err := t.marks.Mark(ctx, t.name, labels)
	if err != nil || found[prefix+"token"] != t.me.Token {
		return false, false
	}
	return found[again] == "", found[again] != ""
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
