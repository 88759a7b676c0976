// Package v2 is what the provider's component resources call to make their children.
package v2

import (
	"errors"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// RegisterResource refuses: see package kubernetes.
func RegisterResource(*pulumi.Context, string, string, string, pulumi.Input, ...pulumi.ResourceOption) (pulumi.CustomResource, error) {
	return nil, errors.New("the lab's Kubernetes provider is built without component resources (ConfigGroup, ConfigFile, Chart, Directory); " +
		"with an installed Pulumi the lab uses the whole provider")
}
