// Package kubernetes stands in for Pulumi's Go SDK of Kubernetes while the provider is built. The provider's own work,
// on single objects, does not use that SDK; its component resources (ConfigGroup, Chart) do, for six names. The SDK
// has a Go type for every field of every kind: with it the build takes more than twice the processor time and the
// program twice the space. The lab's programs have no component resources of this provider.
package kubernetes

import "reflect"

// UntypedArgs is the content of an object of any kind.
type UntypedArgs map[string]any

// ElementType is what the SDK of Pulumi wants of an input.
func (UntypedArgs) ElementType() reflect.Type { return reflect.TypeFor[map[string]any]() }
