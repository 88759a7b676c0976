import type * as k8s from "@pulumi/kubernetes";
import { adapterListName, adaptersCondition } from "../names";

type Container = k8s.types.input.core.v1.Container;
type Volume = k8s.types.input.core.v1.Volume;

/** Files of the two ConfigMaps: what is to be loaded, and the program that loads it. */
export const listFile = "adapters.json";
export const loaderFile = "adapter-loader.py";
/** ConfigMap of the program: beside the list, which changes often. */
export const loaderName = (pool: string): string => `${pool}-adapter-loader`;

const paths = {
  list: "/adapter-list",
  loader: "/adapter-loader",
  adapters: "/adapters",
  account: "/loader-account",
};

/** The folder for adapters that are downloaded for the server. */
export const adapterMount = { name: "adapters", mountPath: paths.adapters };

export interface AdapterLoadingArgs {
  /** Name of the InferencePool. */
  pool: string;
  /** The model server's own image: it has Python, and every node that needs it has it already. */
  image: string;
  /** Port of the model server. */
  serverPort: number;
  /** How the pool's pods are rendered; see newestRendering. */
  rendering: number;
}

/**
 * What a pod needs so that its server has every adapter before the pod is ready: a sidecar that loads them, and
 * whose readiness probe is answered only while all of them are there. Nothing here follows the list: a list that
 * changes must not restart a model server.
 *
 * The token for the pod's own status is mounted into the sidecar alone; the model server gets none.
 */
export function adapterLoading({ pool, image, serverPort, rendering }: AdapterLoadingArgs): {
  sidecar: Container;
  volumes: Volume[];
  serviceAccountName: string;
} {
  // Any port that the server does not use.
  const port = serverPort === 8001 ? 8002 : 8001;
  const field = (name: string, fieldPath: string): object => ({
    name,
    valueFrom: { fieldRef: { fieldPath } },
  });
  return {
    sidecar: {
      name: "adapter-loader",
      image,
      // An init container that goes on running: it is there before the server, and goes after it.
      restartPolicy: "Always",
      command: ["python3", `${paths.loader}/${loaderFile}`],
      env: [
        field("POD_IP", "status.podIP"),
        field("POD_NAME", "metadata.name"),
        field("POD_NAMESPACE", "metadata.namespace"),
        { name: "SERVER_PORT", value: String(serverPort) },
        { name: "LOADER_PORT", value: String(port) },
        { name: "ADAPTER_LIST", value: `${paths.list}/${listFile}` },
        { name: "ADAPTER_FOLDER", value: paths.adapters },
        { name: "LOADER_ACCOUNT", value: paths.account },
        { name: "ADAPTERS_CONDITION", value: adaptersCondition },
      ],
      ports: [{ name: "adapters", containerPort: port, protocol: "TCP" }],
      // Every second, and one failure is enough: a pod whose server was restarted has lost its adapters, and loading a
      // model takes longer than a second. The loader never fails the probe for a slow server; the timeout allows for
      // a node that is short of CPU.
      readinessProbe: {
        httpGet: { path: "/ready", port: "adapters" },
        periodSeconds: 1,
        failureThreshold: 1,
        timeoutSeconds: rendering >= 4 ? 10 : 2,
      },
      resources: { requests: { cpu: "50m", memory: "64Mi" }, limits: { memory: "512Mi" } },
      securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      volumeMounts: [
        // No subPath: such a mount would never see a change of the list.
        { name: "adapter-list", mountPath: paths.list, readOnly: true },
        { name: "adapter-loader", mountPath: paths.loader, readOnly: true },
        { name: "loader-account", mountPath: paths.account, readOnly: true },
        adapterMount,
      ],
    } as Container,
    volumes: [
      { name: "adapter-list", configMap: { name: adapterListName(pool) } },
      { name: "adapter-loader", configMap: { name: loaderName(pool) } },
      { name: "adapters", emptyDir: {} },
      {
        name: "loader-account",
        projected: {
          sources: [
            { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
            { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
          ],
        },
      },
    ],
    serviceAccountName: adapterListName(pool),
  };
}
