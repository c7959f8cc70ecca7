package load

import (
	"context"
	"fmt"
	"os"
	"testing"
)

func TestTry(t *testing.T) {
	d := os.Getenv("TRY")
	if d == "" {
		t.Skip()
	}
	r, err := Load(context.Background(), Options{Dir: d, Profiles: []string{"dev"}})
	fmt.Println(err)
	for _, x := range r.Diags {
		fmt.Println(x.Severity, x.Error())
	}
	for _, s := range r.Project.Services {
		fmt.Println(s.Name, s.ConfigHash)
	}
}
