import * as https from "node:https";
import { writeKubeconfig } from "./objects";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import * as fs from "node:fs";
import * as path from "node:path";
import { accepts, freePort, type AddressRange } from "../processes/addresses";
import type { Supervisor } from "../processes/supervisor";
import type { ToolName } from "../tools/catalogue";

export interface ControlPlane {
  /** https://address:port of the API server. */
  server: string;
  caFile: string;
  /** Key of that certificate, which the API server has made for itself. */
  keyFile: string;
  /** Token of a cluster administrator. */
  adminToken: string;
  /** Kubeconfig of the administrator. */
  kubeconfig: string;
}

export interface ControlPlaneOptions {
  folder: string;
  range: AddressRange;
  supervisor: Supervisor;
  tools: Readonly<Record<ToolName, string>>;
  report?: (what: string) => void;
}

/** Who may ask the API server for what: user name and group of each part of the lab. */
const identities = {
  admin: ["lab-admin", "system:masters"],
  "controller-manager": ["system:kube-controller-manager", ""],
  scheduler: ["system:kube-scheduler", ""],
} as const;

/**
 * Starts etcd, the API server, the controller manager and the scheduler, each real, on addresses of this lab.
 * EndpointSlices of loopback addresses are refused by the API server, so the controllers that write them are off;
 * the garbage collector stays, because foreground deletion waits for it.
 */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const { folder, range, supervisor, tools } = options;
  const report = options.report ?? (() => undefined);
  const host = range.control;
  fs.mkdirSync(folder, { recursive: true, mode: 0o700 });

  report("etcd");
  const etcd = `http://${host}:${await freePort(host, 2379)}`;
  const peer = `http://${host}:${await freePort(host, 2380)}`;
  await supervisor.start({
    name: "etcd",
    command: tools.etcd,
    args: [
      ...["--data-dir", path.join(folder, "etcd")],
      ...["--listen-client-urls", etcd, "--advertise-client-urls", etcd],
      ...["--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer],
      ...["--initial-cluster", `default=${peer}`],
      // A lab's data is worth nothing after its end; waiting for the disk would only make it slow.
      ...["--unsafe-no-fsync", "--log-level", "warn"],
    ],
    ready: async () => (await fetch(`${etcd}/health`)).ok,
  });

  report("API server");
  const tokens = Object.fromEntries(
    Object.keys(identities).map((name) => [name, randomBytes(16).toString("hex")]),
  );
  const tokenFile = path.join(folder, "tokens.csv");
  const lines = Object.entries(identities).map(
    ([name, [user, group]]) => `${tokens[name]},${user},${name},${group}`,
  );
  fs.writeFileSync(tokenFile, `${lines.join("\n")}\n`, { mode: 0o600 });
  const keyFile = path.join(folder, "service-accounts.key");
  if (!fs.existsSync(keyFile)) {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    fs.writeFileSync(keyFile, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  }
  const certificates = path.join(folder, "certificates");
  const port = await freePort(host, 6443);
  const server = `https://${host}:${port}`;
  const caFile = path.join(certificates, "apiserver.crt");
  await supervisor.start({
    name: "kube-apiserver",
    command: tools["kube-apiserver"],
    // Its start is most of a lab's: less often collected, it takes a fifth less processor time and 150 MB more.
    env: { GOGC: "400" },
    args: [
      ...["--etcd-servers", etcd],
      ...["--bind-address", host, "--secure-port", String(port), "--cert-dir", certificates],
      // Without an advertised address the server looks for a default route, which not every machine has.
      ...["--advertise-address", host, "--endpoint-reconciler-type", "none"],
      ...["--token-auth-file", tokenFile, "--authorization-mode", "RBAC"],
      ...["--service-account-issuer", "https://kubernetes.default.svc"],
      ...["--service-account-signing-key-file", keyFile, "--service-account-key-file", keyFile],
      ...["--service-cluster-ip-range", "10.96.0.0/16"],
      // Names of nodes that are fake lead nowhere.
      ...["--kubelet-preferred-address-types", "InternalIP"],
      ...["--enable-priority-and-fairness=false"],
    ],
    ready: async () => (await httpsStatus(`${server}/readyz`, caFile, tokens["admin"] ?? "")) === 200,
  });

  const kubeconfig = (name: keyof typeof identities): string =>
    writeKubeconfig(path.join(folder, `${name}.kubeconfig`), { server, caFile, token: tokens[name] ?? "" });

  report("controllers and scheduler");
  const controllerPort = await freePort(host, 10257);
  await supervisor.start({
    name: "kube-controller-manager",
    command: tools["kube-controller-manager"],
    args: [
      ...["--kubeconfig", kubeconfig("controller-manager"), "--leader-elect=false"],
      // Each controller acts with its own built-in role, as it does in a real cluster.
      "--use-service-account-credentials",
      ...["--service-account-private-key-file", keyFile, "--root-ca-file", caFile],
      ...["--controllers", `*,${switchedOff.map((name) => `-${name}`).join(",")}`],
      // A third of the default, so that tests need not wait for it.
      "--horizontal-pod-autoscaler-sync-period=5s",
      // Nodes here do not fall silent: one that is late shares a machine that stood still for a while, and with the
      // default of 50 s all of its pods would be unready.
      "--node-monitor-grace-period=10m",
      ...["--bind-address", host, "--secure-port", String(controllerPort)],
      ...["--cert-dir", path.join(folder, "controller-manager")],
    ],
    // Its port opens before it works; until the account is there, the API server refuses every pod of the namespace.
    ready: async () =>
      (await httpsStatus(`${server}${defaultAccount}`, caFile, tokens["admin"] ?? "")) === 200,
  });
  const schedulerPort = await freePort(host, 10259);
  await supervisor.start({
    name: "kube-scheduler",
    command: tools["kube-scheduler"],
    args: [
      ...["--kubeconfig", kubeconfig("scheduler"), "--leader-elect=false"],
      ...["--bind-address", host, "--secure-port", String(schedulerPort)],
      ...["--cert-dir", path.join(folder, "scheduler")],
    ],
    ready: () => accepts(host, schedulerPort),
  });
  const keyOfServer = path.join(certificates, "apiserver.key");
  return {
    ...{ server, caFile, keyFile: keyOfServer },
    ...{ adminToken: tokens["admin"] ?? "", kubeconfig: kubeconfig("admin") },
  };
}

const defaultAccount = "/api/v1/namespaces/default/serviceaccounts/default";

const switchedOff = [
  "endpoints-controller",
  "endpointslice-controller",
  "endpointslice-mirroring-controller",
  "bootstrap-signer-controller",
  "token-cleaner-controller",
  "node-ipam-controller",
  "node-route-controller",
  "service-lb-controller",
  "cloud-node-lifecycle-controller",
];

/** HTTP status of a GET with a bearer token; rejects where nobody answers within two seconds. */
function httpsStatus(url: string, caFile: string, token: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = https.get(
      url,
      {
        ca: fs.readFileSync(caFile),
        headers: { authorization: `Bearer ${token}` },
        timeout: 2000,
        agent: false,
      },
      (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      },
    );
    request.once("timeout", () => request.destroy(new Error("no answer within 2 s")));
    request.once("error", reject);
  });
}
