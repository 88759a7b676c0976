/* Patches of a pod template, and what Kubernetes makes of them. */

interface Spec {
  [field: string]: unknown;
  containers: { [field: string]: unknown; env?: object[]; ports?: object[]; volumeMounts?: object[] }[];
  volumes: object[];
}

export interface Template {
  metadata: { labels: Record<string, string>; annotations?: Record<string, string> };
  spec: Spec;
}

export interface MergeCase {
  name: string;
  patch: Record<string, unknown>;
  expected: (base: Template) => Template;
}

export const patchBase: Template = {
  metadata: { labels: { app: "llm" } },
  spec: {
    containers: [
      {
        name: "server",
        image: "example.com/server:v1",
        args: ["--port", "8000"],
        env: [
          { name: "A", value: "1" },
          { name: "B", value: "2" },
        ],
        ports: [{ name: "http", containerPort: 8000, protocol: "TCP" }],
        resources: { limits: { "example.com/gpu": "1" }, requests: { "example.com/gpu": "1" } },
        volumeMounts: [
          { name: "cache", mountPath: "/cache" },
          { name: "shm", mountPath: "/dev/shm" },
        ],
      },
    ],
    volumes: [
      { name: "cache", emptyDir: {} },
      { name: "shm", emptyDir: { medium: "Memory" } },
    ],
    tolerations: [{ key: "example.com/gpu", operator: "Exists", effect: "NoSchedule" }],
    topologySpreadConstraints: [
      {
        topologyKey: "topology.kubernetes.io/zone",
        maxSkew: 1,
        whenUnsatisfiable: "ScheduleAnyway",
        labelSelector: { matchLabels: { app: "llm" } },
      },
    ],
  },
};

const spec = (change: (spec: Spec) => void): MergeCase["expected"] => {
  return (base) => {
    change(base.spec);
    return base;
  };
};

const server = (change: (container: Spec["containers"][number]) => void): MergeCase["expected"] =>
  spec(({ containers }) => containers.slice(0, 1).forEach(change));

const ofServer = (fields: object): Record<string, unknown> => ({
  spec: { containers: [{ name: "server", ...fields }] },
});

export const mergeCases: readonly MergeCase[] = [
  {
    name: "adds labels to those that are there",
    patch: { metadata: { labels: { team: "search" } } },
    expected: (base) => ({ ...base, metadata: { labels: { ...base.metadata.labels, team: "search" } } }),
  },
  {
    name: "adds a container, and leaves the others",
    patch: { spec: { containers: [{ name: "sidecar", image: "example.com/sidecar:v1" }] } },
    expected: spec(({ containers }) => containers.push({ name: "sidecar", image: "example.com/sidecar:v1" })),
  },
  {
    name: "finds a container by its name",
    patch: ofServer({ workingDir: "/work", securityContext: { capabilities: { add: ["IPC_LOCK"] } } }),
    expected: server((container) => {
      container["workingDir"] = "/work";
      container["securityContext"] = { capabilities: { add: ["IPC_LOCK"] } };
    }),
  },
  {
    name: "merges variables by name",
    patch: ofServer({
      env: [
        { name: "B", value: "3" },
        { name: "C", value: "4" },
      ],
    }),
    expected: server((container) => {
      container.env = [
        { name: "A", value: "1" },
        { name: "B", value: "3" },
        { name: "C", value: "4" },
      ];
    }),
  },
  {
    name: "removes a variable, and its value with null",
    patch: ofServer({
      env: [
        { name: "A", $patch: "delete" },
        { name: "B", value: null, valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      ],
    }),
    expected: server((container) => {
      container.env = [
        { name: "B", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } },
      ];
    }),
  },
  {
    name: "merges ports by number and mounts by path",
    patch: ofServer({
      ports: [{ name: "debug", containerPort: 5678, protocol: "TCP" }],
      volumeMounts: [
        { name: "cache", mountPath: "/cache", readOnly: true },
        { name: "cache", mountPath: "/other", subPath: "other" },
      ],
    }),
    expected: server((container) => {
      container.ports?.push({ name: "debug", containerPort: 5678, protocol: "TCP" });
      container.volumeMounts = [
        { name: "cache", mountPath: "/cache", readOnly: true },
        { name: "shm", mountPath: "/dev/shm" },
        { name: "cache", mountPath: "/other", subPath: "other" },
      ];
    }),
  },
  {
    name: "merges objects, and adds quantities to those that are there",
    patch: ofServer({ resources: { requests: { memory: "32Gi" }, limits: { memory: "64Gi" } } }),
    expected: server((container) => {
      container["resources"] = {
        limits: { "example.com/gpu": "1", memory: "64Gi" },
        requests: { "example.com/gpu": "1", memory: "32Gi" },
      };
    }),
  },
  {
    name: "replaces lists without a merge key",
    patch: ofServer({ args: ["--other"] }),
    expected: server((container) => {
      container["args"] = ["--other"];
    }),
  },
  {
    name: "replaces tolerations, as Kubernetes does",
    patch: { spec: { tolerations: [{ key: "team", operator: "Exists" }] } },
    expected: spec((own) => {
      own["tolerations"] = [{ key: "team", operator: "Exists" }];
    }),
  },
  {
    name: "removes an element of a list by its key",
    patch: {
      spec: { topologySpreadConstraints: [{ topologyKey: "topology.kubernetes.io/zone", $patch: "delete" }] },
    },
    expected: spec((own) => {
      own["topologySpreadConstraints"] = [];
    }),
  },
  {
    name: "exchanges the kind of a volume with null",
    patch: { spec: { volumes: [{ name: "cache", emptyDir: null, hostPath: { path: "/mnt", type: "" } }] } },
    expected: spec((own) => {
      own.volumes = [
        { name: "cache", hostPath: { path: "/mnt", type: "" } },
        { name: "shm", emptyDir: { medium: "Memory" } },
      ];
    }),
  },
  {
    name: "exchanges the kind of a volume by the keys that it keeps",
    patch: {
      spec: {
        volumes: [{ name: "cache", $retainKeys: ["name", "hostPath"], hostPath: { path: "/mnt", type: "" } }],
      },
    },
    expected: spec((own) => {
      own.volumes = [
        { name: "cache", hostPath: { path: "/mnt", type: "" } },
        { name: "shm", emptyDir: { medium: "Memory" } },
      ];
    }),
  },
  {
    name: "replaces a list as a whole where it says so",
    patch: ofServer({ env: [{ $patch: "replace" }, { name: "ONLY", value: "x" }] }),
    expected: server((container) => {
      container.env = [{ name: "ONLY", value: "x" }];
    }),
  },
  {
    name: "replaces an object as a whole where it says so",
    patch: ofServer({
      resources: {
        $patch: "replace",
        limits: { "example.com/gpu": "2" },
        requests: { "example.com/gpu": "2" },
      },
    }),
    expected: server((container) => {
      container["resources"] = {
        limits: { "example.com/gpu": "2" },
        requests: { "example.com/gpu": "2" },
      };
    }),
  },
  {
    name: "removes a field with null",
    patch: { spec: { topologySpreadConstraints: null } },
    expected: spec((own) => {
      Reflect.deleteProperty(own, "topologySpreadConstraints");
    }),
  },
  {
    name: "adds host names, secrets for images and scheduling gates by their keys",
    patch: {
      spec: {
        hostAliases: [{ ip: "10.0.0.1", hostnames: ["hub"] }],
        imagePullSecrets: [{ name: "registry" }],
        dnsPolicy: "ClusterFirstWithHostNet",
      },
    },
    expected: spec((own) => {
      own["hostAliases"] = [{ ip: "10.0.0.1", hostnames: ["hub"] }];
      own["imagePullSecrets"] = [{ name: "registry" }];
      own["dnsPolicy"] = "ClusterFirstWithHostNet";
    }),
  },
];
