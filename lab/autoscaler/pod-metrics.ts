import type { ContainerPort, Pod } from "../pods/objects";

/*
 * A gauge of every pod that managed Prometheus would have scraped, under the name that Cloud Monitoring gives it. Without
 * a PodMonitoring that selects the pod, there is no value of it, as on GKE. Values are those of this moment: on GKE they
 * are up to two minutes old.
 */

/** What a PodMonitoring says, as far as gauges of pods are concerned. */
export interface Monitoring {
  spec?: {
    selector?: { matchLabels?: Readonly<Record<string, string>> };
    endpoints?: readonly { port: string | number; path?: string }[];
  };
}

export interface ScrapedPod {
  name: string;
  url: string;
}

/** The gauge's name in Prometheus; undefined: Cloud Monitoring would call no gauge that. */
export function gaugeName(metric: string): string | undefined {
  return /^prometheus\.googleapis\.com\|([A-Za-z_:][\w:]*)\|gauge$/.exec(metric)?.[1];
}

/** Where the metrics of those pods are that run and are monitored. */
export function scraped(pods: readonly Pod[], monitorings: readonly Monitoring[]): ScrapedPod[] {
  return pods.flatMap((pod) => {
    const { status } = pod;
    if (status?.podIP === undefined || status.phase !== "Running") return [];
    const endpoint = monitorings.find(({ spec }) => selects(spec?.selector?.matchLabels, pod))?.spec
      ?.endpoints?.[0];
    const port = endpoint === undefined ? undefined : portOf(pod, endpoint.port);
    return port === undefined
      ? []
      : [
          {
            name: pod.metadata?.name ?? "",
            url: `http://${status.podIP}:${port}${endpoint?.path ?? "/metrics"}`,
          },
        ];
  });
}

const selects = (labels: Readonly<Record<string, string>> = {}, { metadata }: Pod): boolean =>
  Object.keys(labels).length > 0 &&
  Object.entries(labels).every(([key, value]) => metadata?.labels?.[key] === value);

function portOf({ spec }: Pod, port: string | number): number | undefined {
  if (typeof port === "number") return port;
  const ports: readonly ContainerPort[] = [
    ...(spec?.containers ?? []),
    ...(spec?.initContainers ?? []),
  ].flatMap((container) => container.ports ?? []);
  return ports.find(({ name }) => name === port)?.containerPort;
}

/** The sum of a metric's series; undefined where the text has none. */
export function valueOf(text: string, name: string): number | undefined {
  const values = text
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map((line) => Number(line.split(" ").at(-1)))
    .filter((value) => Number.isFinite(value));
  return values.length === 0 ? undefined : values.reduce((sum, value) => sum + value, 0);
}
