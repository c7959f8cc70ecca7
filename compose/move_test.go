package compose_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tutti-run/tutti/compose"
	"github.com/tutti-run/tutti/compose/desired"
	"github.com/tutti-run/tutti/engine/container"
	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/image"
	"github.com/tutti-run/tutti/volume"
)

// keeping is a database and its backup on one volume of that definition; the database has an anonymous one, too.
func keeping(ref string, v volume.Spec) desired.Project {
	v.Key, v.Name = "data", "shop_data"
	mount := volume.Mount{Type: volume.Volume, Key: "data", Source: "shop_data", Target: "/data"}
	db := desired.Service{Name: "db", Replicas: 1, Image: image.Spec{Ref: ref}}
	db.Container.Mounts = []volume.Mount{mount, {Type: volume.Volume, Target: "/anonymous"}}
	backup := desired.Service{Name: "backup", Replicas: 1, Image: image.Spec{Ref: "plain"},
		Depends: []desired.Dependency{{Service: "db", Condition: desired.Started, Required: true}}}
	backup.Container.Mounts = []volume.Mount{mount}
	return desired.Project{Name: "shop", Services: []desired.Service{backup, db}, Volumes: []volume.Spec{v}}
}

var (
	labelled  = volume.Spec{Labels: map[string]string{"tier": "two"}}
	elsewhere = volume.Spec{DriverOpts: map[string]string{"device": "share"}}
	broken    = volume.Spec{DriverOpts: map[string]string{"device": "broken"}}
)

var anew = compose.UpOptions{RecreateVolumes: true}

// kept engine on which the project runs, with a file in the volume.
func kept(t failing, f *enginetest.Fake) {
	must(fataler{}, f, keeping("plain", volume.Spec{}), compose.UpOptions{})
	f.Keep("shop_data", "/file", "precious")
}

func precious(f *enginetest.Fake, name string) bool { return f.Holds(name)["/file"] == "precious" }

// anonymousOf the database.
func anonymousOf(f *enginetest.Fake) string {
	for _, l := range containersOf(fataler{}, f) {
		for _, m := range l.Mounts {
			if m.Anonymous() && l.Service() == "db" {
				return m.Name
			}
		}
	}
	return ""
}

func TestAVolumeIsMadeAnewWithWhatItHolds(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		kept(t, f)
		before, own := ids(t, f), anonymousOf(f)
		tool := compose.Tool{Engine: f}
		r := up(t, tool, keeping("plain", labelled), anew, compose.RunOptions{})
		if r.Failed() || len(r.Snapshots) != 1 || r.Snapshots[0].Snapshot != "shop_data.snapshot-1" {
			t.Fatalf("%+v", r)
		}
		for name, id := range ids(t, f) {
			if before[name] == id {
				t.Errorf("%s is the same container", name)
			}
		}
		if !precious(f, "shop_data") || !precious(f, "shop_data.snapshot-1") || f.LabelsOf("shop_data")["tier"] != "two" {
			t.Errorf("volume %v with %v, snapshot %v", f.Holds("shop_data"), f.LabelsOf("shop_data"), f.Holds("shop_data.snapshot-1"))
		}
		if f.LabelsOf("shop_data.snapshot-1")[container.LabelProject] != "" {
			t.Error("the snapshot goes with its project")
		}
		if anonymousOf(f) != own || f.Holds("shop_data"+container.MoveSuffix) != nil {
			t.Errorf("anonymous volume %s, was %s; mark %v", anonymousOf(f), own, f.Holds("shop_data"+container.MoveSuffix))
		}
		settled(fataler{}, f, keeping("plain", labelled))
		if r := up(t, tool, keeping("plain", elsewhere), anew, compose.RunOptions{}); r.Failed() || r.Snapshots[0].Snapshot != "shop_data.snapshot-2" {
			t.Fatalf("%+v", r)
		}
	})
}

// TestAVolumeThatCannotBeMountedStopsNothing: it is tried under another name.
func TestAVolumeThatCannotBeMountedStopsNothing(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		kept(t, f)
		before := world(f)
		r := up(t, compose.Tool{Engine: f}, keeping("plain", broken), anew, compose.RunOptions{})
		if !r.Failed() || !strings.Contains(fmt.Sprint(r.Failures[0].Err), "no such device") {
			t.Errorf("%+v", r.Failures)
		}
		if after := world(f); after != before || f.Holds("shop_data.try") != nil {
			t.Errorf("%s\nwas\n%s", after, before)
		}
	})
}

// TestAVolumeComesBackWithWhatServed: the new version is not well on the new volume.
func TestAVolumeComesBackWithWhatServed(t *testing.T) {
	for _, ref := range []string{"crash", "broken"} {
		inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
			kept(t, f)
			own := anonymousOf(f)
			r := up(t, compose.Tool{Engine: f}, keeping(ref, labelled), anew, compose.RunOptions{})
			if !r.Failed() || len(r.Undone) != 1 || len(r.Undone[0].Failures) > 0 {
				t.Fatalf("%+v", r)
			}
			if !precious(f, "shop_data") || !precious(f, "shop_data.snapshot-1") || f.LabelsOf("shop_data")["tier"] != "" || anonymousOf(f) != own {
				t.Errorf("volume %v with %v, snapshot %v", f.Holds("shop_data"), f.LabelsOf("shop_data"), f.Holds("shop_data.snapshot-1"))
			}
			for _, l := range containersOf(fataler{}, f) {
				if !l.Up() || l.Image != "plain" {
					t.Errorf("%s of %s is %s", l.Name, l.Image, l.State)
				}
			}
			settled(fataler{}, f, keeping("plain", volume.Spec{}))
		})
	}
}

// TestAVolumeThatHoldsSomethingIsNotFilled: it may be newer.
func TestAVolumeThatHoldsSomethingIsNotFilled(t *testing.T) {
	inBubbleWith(t, func(t *testing.T, f *enginetest.Fake) {
		kept(t, f)
		f.Fail = func(c enginetest.Call) error {
			if c.Method == "VolumeEmpty" && c.On == "shop_data" {
				f.Keep("shop_data", "/file", "on the share")
			}
			return nil
		}
		if r := up(t, compose.Tool{Engine: f}, keeping("plain", elsewhere), anew, compose.RunOptions{}); r.Failed() {
			t.Fatalf("%+v", r.Failures)
		}
		if got := f.Holds("shop_data")["/file"]; got != "on the share" || !precious(f, "shop_data.snapshot-1") {
			t.Errorf("the volume holds %q", got)
		}
	})
}

// TestWhatAVolumeHoldsIsNeverLost: whatever single call fails, done or not, or is the last; the new version may be no good, too. The next up finds
// what was in the volume, on the new one or the old.
func TestWhatAVolumeHoldsIsNeverLost(t *testing.T) {
	inBubble(t, func(rt *rapid.T) func(fataler) {
		ref := rapid.SampledFrom([]string{"plain", "plain:2", "crash"}).Draw(rt, "new version")
		want := rapid.SampledFrom([]volume.Spec{labelled, elsewhere}).Draw(rt, "volume")
		bad, done, cut := rapid.IntRange(0, 50).Draw(rt, "fault at"), rapid.Bool().Draw(rt, "after its work"), rapid.Bool().Draw(rt, "crash")
		again := rapid.SampledFrom([]compose.UpOptions{{}, anew}).Draw(rt, "next up")
		atomic := rapid.Bool().Draw(rt, "atomic")
		return func(t fataler) {
			f := versions()
			defer f.Close()
			kept(t, f)
			own, failed := anonymousOf(f), ""
			if cut {
				f.CutAfter(bad)
			} else {
				f.Fail = failNth(bad, done, &failed)
			}
			tool, o := compose.Tool{Engine: f}, anew
			o.Atomic = atomic
			if pl, err := tool.Plan(context.Background(), keeping(ref, want), o); err == nil {
				tool.Run(context.Background(), pl, compose.RunOptions{})
			}
			f.Mend()
			f.Fail = nil
			time.Sleep(time.Minute)
			if pl, r := must(t, f, keeping("plain", want), again); r.Failed() {
				t.Fatalf("%+v\n%s", r.Failures, pl.Steps())
			}
			journal := strings.Join(f.Journal(), "\n")
			if !precious(f, "shop_data") {
				t.Fatalf("the volume holds %v\n%s", f.Holds("shop_data"), journal)
			}
			if anonymousOf(f) != own {
				t.Fatalf("the anonymous volume is %s, was %s\n%s", anonymousOf(f), own, journal)
			}
			if holds := f.Holds("shop_data.snapshot-1"); holds != nil && !precious(f, "shop_data.snapshot-1") && !cut && !(done && strings.HasPrefix(failed, "CreateVolume")) {
				t.Fatalf("the snapshot holds %v\n%s", holds, journal)
			}
			if f.Holds("shop_data"+container.MoveSuffix) != nil {
				t.Fatalf("the mark is still there\n%s", journal)
			}
			settled(t, f, keeping("plain", want))
			for _, l := range containersOf(t, f) {
				if !l.Up() || slices.ContainsFunc(l.Mounts, func(m volume.Mounted) bool { return m.Name == "shop_data.snapshot-1" }) {
					t.Fatalf("%s is %s, with %v", l.Name, l.State, l.Mounts)
				}
			}
		}
	})
}
