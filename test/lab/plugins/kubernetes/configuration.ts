import { messageOf } from "../protocol/errors";
import type { Mutability } from "./diff/force-new";
import {
  activeConfig,
  ambientKubeconfig,
  parseKubeconfig,
  type ActiveConfig,
  type Overrides,
} from "./api/kubeconfig";

/** The provider's arguments, as far as the lab honours them. */
export interface Configuration {
  /** Absent where there is no usable cluster: then `unreachable` says why. */
  cluster?: ActiveConfig;
  unreachable?: string;
  /** Namespace of objects that name none. */
  namespace: string;
  serverSideApply: boolean;
  patchForce: boolean;
  upsert: boolean;
  deleteUnreachable: boolean;
  skipUpdateUnreachable: boolean;
  mutable: Mutability;
}

/** Reads the arguments; environment variables stand in for what is not given, as in the real provider. */
export function readConfiguration(
  variables: ReadonlyMap<string, string>,
  env: NodeJS.ProcessEnv = process.env,
): Configuration {
  const variable = (name: string): string | undefined => variables.get(`kubernetes:config:${name}`);
  const flag = (name: string, envName: string, otherwise = false): boolean => {
    const value = variable(name) ?? env[envName];
    return value === undefined ? otherwise : value === "true";
  };
  const text = (name: string): string | undefined => {
    const value = variable(name);
    return value === "" ? undefined : value;
  };
  if (text("renderYamlToDirectory") !== undefined)
    throw new Error("the lab's kubernetes provider does not render YAML: take renderYamlToDirectory out");
  const overrides = kubeconfigOverrides({
    context: text("context"),
    cluster: text("cluster"),
    namespace: text("namespace"),
  });
  const options = {
    serverSideApply: flag("enableServerSideApply", "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY", true),
    patchForce: flag("enablePatchForce", "PULUMI_K8S_ENABLE_PATCH_FORCE"),
    upsert: flag("upsertExistingObjects", "PULUMI_K8S_UPSERT_EXISTING_OBJECTS"),
    deleteUnreachable: flag("deleteUnreachable", "PULUMI_K8S_DELETE_UNREACHABLE"),
    skipUpdateUnreachable: flag("skipUpdateUnreachable", "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE"),
    mutable: {
      configMaps: flag("enableConfigMapMutable", "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE"),
      secrets: flag("enableSecretMutable", "PULUMI_K8S_ENABLE_SECRET_MUTABLE"),
    },
  };
  const given = text("kubeconfig");
  let config;
  try {
    config = given === undefined ? ambientKubeconfig() : parseKubeconfig(given);
  } catch (error) {
    const unreachable = `failed to parse kubeconfig data in \`kubernetes:config:kubeconfig\`- ${messageOf(error)}`;
    return { ...options, unreachable, namespace: overrides.namespace ?? "default" };
  }
  try {
    const cluster = activeConfig(config, overrides);
    return { ...options, cluster, namespace: cluster.namespace };
  } catch (error) {
    const unreachable =
      "unable to load Kubernetes client configuration from kubeconfig file. Make sure you have: \n\n" +
      " \t • set up the provider as per " +
      `https://www.pulumi.com/registry/packages/kubernetes/installation-configuration/ \n\n ${messageOf(error)}`;
    return { ...options, unreachable, namespace: overrides.namespace ?? "default" };
  }
}

/** Only what is given, so that absent stays absent. */
export function kubeconfigOverrides(given: Readonly<Record<keyof Overrides, string | undefined>>): Overrides {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}
