// Command simulated is an engine in memory behind a real socket, whose calls take as long as an engine's do: for measuring what many containers cost.
package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/tutti-run/tutti/engine/enginetest"
	"github.com/tutti-run/tutti/engine/enginetest/served"
)

// latencies of an Engine 20.10 with eight calls in flight, about. What is not here takes none.
var latencies = map[string]time.Duration{
	"CreateContainer": 20 * time.Millisecond, "StartContainer": 60 * time.Millisecond, "StopContainer": 60 * time.Millisecond, "RemoveContainer": 20 * time.Millisecond,
	"CreateNetwork": 50 * time.Millisecond, "RemoveNetwork": 50 * time.Millisecond, "CreateVolume": time.Millisecond, "RemoveVolume": time.Millisecond,
	"ImportArchive": 20 * time.Millisecond,
}

func main() {
	socket := flag.String("socket", "", "where to listen")
	images := flag.String("image", "", "references of images that it has, with commas between")
	speed := flag.Float64("speed", 1, "how many times faster than an engine it is; 0: nothing takes time")
	flag.Parse()
	f := enginetest.New()
	f.AddImages(enginetest.Behaviour{}, strings.Split(*images, ",")...)
	if *speed > 0 {
		f.Latency = func(c enginetest.Call) time.Duration { return time.Duration(float64(latencies[c.Method]) / *speed) }
	}
	l, err := net.Listen("unix", *socket)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("ready")
	log.Fatal(http.Serve(l, served.New(f)))
}
