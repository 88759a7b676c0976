import * as fs from "node:fs";
import { labEnvironment } from "./protocol/guard";

/**
 * Stand-in for gke-gcloud-auth-plugin: prints a credential for the lab's API server, as client-go's exec plugins
 * do. The kubeconfig of a rehearsal is therefore the production one.
 * Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins
 */
try {
  const { tokenFile } = labEnvironment("gke-gcloud-auth-plugin");
  const credential = {
    kind: "ExecCredential",
    apiVersion: "client.authentication.k8s.io/v1beta1",
    spec: { interactive: false },
    status: {
      expirationTimestamp: new Date(new Date().getTime() + 3_600_000).toISOString(),
      token: fs.readFileSync(tokenFile, "utf8").trim(),
    },
  };
  process.stdout.write(`${JSON.stringify(credential)}\n`);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
