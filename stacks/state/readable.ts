import * as pulumi from "@pulumi/pulumi";
import { clusterReader, ClusterUnreadable, type ClusterReader } from "./cluster-reader";
import { UserError } from "../messages/user-error";

/** A cluster that cannot be read is an error, and never taken for an empty one. */
export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ClusterUnreadable)) throw error;
    const fixes = {
      unreachable:
        "Check the network between here and the cluster (VPN, authorized networks), then run the update again.",
      unauthorized: "Check your credentials for the cluster: gcloud auth login, or those in the kubeconfig.",
      forbidden:
        "The program needs to read routes, pools, deployments and namespaces: see docs/permissions.md.",
      conflict: "Run the update again.",
      failed:
        "Run the update again. If the error persists, kubectl get httproute,inferencepool -A shows it too.",
    };
    throw new UserError(
      `Cannot read what is deployed; nothing was changed: ${error.message}\n${fixes[error.reason]}`,
    );
  }
}

/** Reads with the cluster's own credentials, once they are known. */
export function lazyReader(kubeconfig: pulumi.Output<string>): () => Promise<ClusterReader> {
  let reader: Promise<ClusterReader> | undefined;
  return () =>
    (reader ??= new Promise<string>((resolve) => kubeconfig.apply(resolve)).then((text) =>
      clusterReader(text),
    ));
}
