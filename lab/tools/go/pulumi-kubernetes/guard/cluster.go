package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"

	lumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"
)

// What the guard knows of a provider that it stands before.
type guard struct {
	lab      string
	existing *existing
}

// Looks into the calls that say which cluster, and what is created in it.
func (g *guard) check(ctx context.Context, method string, message []byte) error {
	switch method {
	case "/pulumirpc.ResourceProvider/Configure":
		var request lumirpc.ConfigureRequest
		if err := proto.Unmarshal(message, &request); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return g.configure(&request)
	case "/pulumirpc.ResourceProvider/Create":
		if g.existing == nil {
			return nil
		}
		var request lumirpc.CreateRequest
		if err := proto.Unmarshal(message, &request); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
		return g.existing.refuse(ctx, &request)
	}
	return nil
}

// Refuses to configure a provider for another API server than the lab's. An unknown kubeconfig (a preview of a cluster
// that is not there yet) passes: the provider calls nothing then.
func (g *guard) configure(request *lumirpc.ConfigureRequest) error {
	setting := func(name string) string {
		if field := plain(request.GetArgs().GetFields()[name]); field != nil {
			if on, isBool := field.GetKind().(*structpb.Value_BoolValue); isBool {
				return strconv.FormatBool(on.BoolValue)
			}
			return field.GetStringValue()
		}
		return request.GetVariables()["kubernetes:config:"+name]
	}
	if isUnknown(setting("kubeconfig")) {
		return nil
	}
	config, err := load(setting("kubeconfig"))
	if err != nil {
		return status.Error(codes.InvalidArgument, fmt.Sprintf("the kubeconfig cannot be read: %v", err))
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: setting("context"), Context: api.Context{Cluster: setting("cluster")}}
	client := clientcmd.NewDefaultClientConfig(*config, overrides)
	server, err := client.ClientConfig()
	if err != nil {
		return status.Error(codes.InvalidArgument, fmt.Sprintf("the kubeconfig has no current cluster: %v", err))
	}
	if origin(server.Host) != origin(g.lab) {
		return status.Error(codes.FailedPrecondition, fmt.Sprintf("the lab's Kubernetes provider connects only to the lab's API server %s, not to %s. "+
			"Rehearsals never touch a real cluster; run `pulumi` outside the lab for that.", g.lab, server.Host))
	}
	if upserts(setting) {
		return nil
	}
	namespace := setting("namespace")
	if namespace == "" {
		namespace, _, _ = client.Namespace()
	}
	g.existing, err = newExisting(server, namespace)
	return err
}

// The text of a kubeconfig, or the path of one; without either, what KUBECONFIG names.
func load(kubeconfig string) (*api.Config, error) {
	if kubeconfig == "" {
		return clientcmd.NewDefaultClientConfigLoadingRules().Load()
	}
	if info, err := os.Stat(kubeconfig); err == nil && !info.IsDir() {
		return clientcmd.LoadFromFile(kubeconfig)
	}
	return clientcmd.Load([]byte(kubeconfig))
}

// What the engine sends for a value that is not known yet (the SDK's plugin.UnknownStringValue).
func isUnknown(value string) bool { return value == "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }

func origin(server string) string {
	parsed, err := url.Parse(server)
	if err != nil || parsed.Host == "" {
		return server
	}
	return strings.ToLower(parsed.Scheme + "://" + parsed.Host)
}
