import { version } from "@pulumi/kubernetes/package.json";
import { labEnvironment } from "../protocol/guard";
import { runPlugin } from "../protocol/provider-service";
import { KubernetesProvider } from "./provider";

runPlugin((engine) => new KubernetesProvider(version, labEnvironment("pulumi-resource-kubernetes"), engine));
