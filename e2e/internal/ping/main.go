// Command ping exits with 0 if a container engine answers at DOCKER_HOST or at the default socket.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/tutti-run/tutti/e2e/internal/dock"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if _, err := dock.Find(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
