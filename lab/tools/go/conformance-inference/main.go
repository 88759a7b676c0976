// The official conformance suite of the Gateway API Inference Extension as a program, for the lab's test of its gateway.
//
// It takes the suite's own flags (-gateway-class, -supported-features, -report-output and so on) and two more.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"testing"
	"testing/fstest"
	"time"

	"sigs.k8s.io/gateway-api-inference-extension/conformance"
)

const (
	baseManifests    = "resources/base.yaml"
	changedManifests = "changed.yaml"
)

var (
	printBase = flag.Bool("print-base", false, "print the suite's base manifests and end")
	base      = flag.String("base", "", "file to use in place of the suite's base manifests")
)

func main() {
	testing.Init()
	flag.Parse()
	if *printBase {
		text, err := conformance.Manifests.ReadFile(baseManifests)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Stdout.Write(text)
		return
	}
	all := func(string, string) (bool, error) { return true, nil }
	testing.Main(all, []testing.InternalTest{{Name: "Conformance", F: run}}, nil, nil)
}

func run(t *testing.T) {
	options := conformance.DefaultOptions(t)
	if *base != "" {
		text, err := os.ReadFile(*base)
		if err != nil {
			t.Fatal(err)
		}
		// Under a name of its own: of two files with one name the suite applies both.
		options.BaseManifests = changedManifests
		changed := fstest.MapFS{changedManifests: &fstest.MapFile{Data: text}}
		options.ManifestFS = []fs.FS{changed, &conformance.Manifests}
	}
	// A load balancer needs minutes, the lab's gateway a tenth of a second.
	options.TimeoutConfig.MaxTimeToConsistency = 60 * time.Second
	// The weighted test asks for one pod of a pool that gets 30 % of the requests, once a second: three right answers
	// in a row would take a minute a pod.
	options.TimeoutConfig.RequiredConsecutiveSuccesses = 1
	options.TimeoutConfig.NamespacesMustBeReady = 180 * time.Second
	options.TimeoutConfig.GatewayMustHaveAddress = 60 * time.Second
	options.TimeoutConfig.GatewayMustHaveCondition = 60 * time.Second
	options.TimeoutConfig.HTTPRouteMustHaveCondition = 60 * time.Second
	options.TimeoutConfig.RouteMustHaveParents = 60 * time.Second
	conformance.RunConformanceWithOptions(t, options)
}
