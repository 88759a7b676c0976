package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	lumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/structpb"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
)

// The provider creates an object that exists as an error since April 2026 (pulumi-kubernetes pull request 4278,
// option upsertExistingObjects). The newest source that there is as a module is older and updates it silently, and a
// rehearsal that passes where the real provider fails is worth nothing: so the guard looks first.
type existing struct {
	objects   dynamic.Interface
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	namespace string
}

func newExisting(config *rest.Config, namespace string) (*existing, error) {
	// A guard has no business with the provider's rate of requests.
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 100, 200
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kinds))
	return &existing{objects, mapper, namespace}, nil
}

// Refuses to create what is there. What cannot be looked up, because its definition is not there yet, is not there.
func (e *existing) refuse(ctx context.Context, request *lumirpc.CreateRequest) error {
	if request.GetPreview() || isPatch(request.GetUrn()) {
		return nil
	}
	fields := request.GetProperties().GetFields()
	metadata := plain(fields["metadata"]).GetStructValue().GetFields()
	name := plain(metadata["name"]).GetStringValue()
	kind := schema.FromAPIVersionAndKind(plain(fields["apiVersion"]).GetStringValue(), plain(fields["kind"]).GetStringValue())
	if name == "" || kind.Kind == "" {
		return nil
	}
	mapping, err := e.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		e.mapper.Reset()
		return nil
	}
	resource := dynamic.ResourceInterface(e.objects.Resource(mapping.Resource))
	if mapping.Scope.Name() == "namespace" {
		namespace := plain(metadata["namespace"]).GetStringValue()
		if namespace == "" {
			namespace = e.namespace
		}
		resource = e.objects.Resource(mapping.Resource).Namespace(namespace)
	}
	if _, err := resource.Get(ctx, name, metav1.GetOptions{}); err != nil {
		return nil
	}
	described := mapping.Resource.GroupResource().String()
	return status.Error(codes.AlreadyExists, fmt.Sprintf("resource %q was not successfully created by the Kubernetes API server: %s %q already exists\n"+
		"The resource already exists in the cluster. If another stack or tool made it, this program must not overwrite it; "+
		"`pulumi import` brings it into this stack.", name, described, name))
}

// Whether the provider is asked to update what exists, as its own option says it.
func upserts(setting func(string) string) bool {
	if value := setting("upsertExistingObjects"); value != "" {
		return value == "true"
	}
	return os.Getenv("PULUMI_K8S_UPSERT_EXISTING_OBJECTS") == "true"
}

// urn:pulumi:STACK::PROJECT::PARENT$kubernetes:core/v1:NamespacePatch::NAME: a patch is of what exists.
func isPatch(urn string) bool {
	parts := strings.Split(urn, "::")
	return len(parts) > 2 && strings.HasSuffix(parts[2], "Patch")
}

// A value without what says that it is secret.
func plain(value *structpb.Value) *structpb.Value {
	if fields := value.GetStructValue().GetFields(); fields["4dabf18193072939515e22adb298388d"] != nil {
		return plain(fields["value"])
	}
	return value
}
