/*
 * Names of images that come through a remote repository of Artifact Registry, and back: under both names it is the same
 * image, and so the same server or picker.
 */

/** Registries that can be mirrored, by the host in an image's name. */
export const mirrorHosts = ["docker.io", "registry.k8s.io", "ghcr.io", "quay.io", "nvcr.io"] as const;

export type MirrorSource = (typeof mirrorHosts)[number];

/** How their repositories end, and what people call them. */
export const mirrorSources: Readonly<Record<MirrorSource, { repository: string; title: string }>> = {
  "docker.io": { repository: "docker-hub", title: "Docker Hub" },
  "registry.k8s.io": { repository: "registry-k8s-io", title: "registry.k8s.io" },
  "ghcr.io": { repository: "ghcr-io", title: "GitHub Container Registry" },
  "quay.io": { repository: "quay-io", title: "Quay" },
  "nvcr.io": { repository: "nvcr-io", title: "NVIDIA NGC" },
};

/** Where the images of a registry are to be had: `us-central1-docker.pkg.dev/acme-ml/inference-docker-hub`, by its host. */
export type ImageMirrors = Readonly<Partial<Record<MirrorSource, string>>>;

/** Where a cluster's mirrors are. */
export interface MirrorPlace {
  /** Name of the cluster: several clusters of a project each have their own. */
  cluster: string;
  project: string;
  /** Region of the repositories. */
  region: string;
}

export const mirrorRepository = ({ cluster }: Pick<MirrorPlace, "cluster">, source: MirrorSource): string =>
  `${cluster}-${mirrorSources[source].repository}`;

export function imageMirrors(place: MirrorPlace, sources: readonly MirrorSource[]): ImageMirrors {
  const { project, region } = place;
  return Object.fromEntries(
    sources.map((source) => [
      source,
      `${region}-docker.pkg.dev/${project}/${mirrorRepository(place, source)}`,
    ]),
  );
}

/** The image's name in the mirror of its registry; the name itself where there is no such mirror. */
export function mirrored(image: string, mirrors: ImageMirrors = {}): string {
  const { host, path } = parse(image);
  const mirror = isSource(host) ? mirrors[host] : undefined;
  return mirror === undefined ? image : `${mirror}/${path}`;
}

/** Whether two names are the same image, read from its registry or from a mirror. */
export const isSameImage = (a: string, b: string, mirrors: ImageMirrors = {}): boolean =>
  upstreamImage(a, mirrors) === upstreamImage(b, mirrors);

/** Where an image comes from in the end, in full: `docker.io/library/busybox:1.36`. */
export function upstreamImage(image: string, mirrors: ImageMirrors = {}): string {
  const source = mirrorSourceOf(image, mirrors);
  const mirror = source === undefined ? undefined : mirrors[source];
  if (source !== undefined && mirror !== undefined) return `${source}${image.slice(mirror.length)}`;
  const { host, path } = parse(image);
  return `${host}/${path}`;
}

/** The registry that an image in a mirror comes from; undefined for every other image. */
export const mirrorSourceOf = (image: string, mirrors: ImageMirrors): MirrorSource | undefined =>
  mirrorHosts.find((source) => {
    const mirror = mirrors[source];
    return mirror !== undefined && image.startsWith(`${mirror}/`);
  });

const isSource = (host: string): host is MirrorSource => (mirrorHosts as readonly string[]).includes(host);

/** As container runtimes read a name: the first part is a host if it looks like one, and Docker Hub is the default. */
function parse(image: string): { host: string; path: string } {
  const [first = "", ...rest] = image.split("/");
  if (rest.length === 0) return { host: "docker.io", path: `library/${image}` };
  if (!/[.:]/.test(first) && first !== "localhost") return { host: "docker.io", path: image };
  const host = first === "index.docker.io" ? "docker.io" : first;
  return {
    host,
    path: host === "docker.io" && rest.length === 1 ? `library/${rest[0] ?? ""}` : rest.join("/"),
  };
}
