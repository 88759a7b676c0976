import * as pulumi from "@pulumi/pulumi";
import { clusterReader, ClusterUnreadable, type ClusterReader } from "./cluster-reader";
import { UserError } from "../messages/user-error";

/** A cluster that cannot be read is told as what it is, not as an empty one. */
export async function readable<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof ClusterUnreadable)) throw error;
    const fixes = {
      unreachable:
        "Check the network between here and the cluster (VPN, authorised networks), then run it again.",
      unauthorized:
        "Check who you are to the cluster: gcloud auth login, or the credentials in the kubeconfig.",
      forbidden:
        "The program reads routes, pools, deployments and namespaces: docs/permissions.md has the roles.",
      conflict: "Run it again.",
      failed: "Run it again; if it stays, kubectl get httproute,inferencepool -A shows the same error.",
    };
    throw new UserError(
      `What is deployed is not known, so nothing was changed: ${error.message}\n${fixes[error.reason]}`,
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
