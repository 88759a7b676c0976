// Pulumi's own Kubernetes provider, built from its Go module: the lab uses it where no installed one of the version
// that package.json pins is found.
package main

import (
	_ "embed"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

// The build lays the module's own schema here. Without it everything but an import works.
//
//go:embed schema.json
var schema []byte

func main() {
	provider.Serve("kubernetes", version.Version, schema, nil)
}
