import { identify, type Pod } from "./objects";

/**
 * The value of a downward-API field.
 * @throws Error naming a field that there is not.
 */
export function fieldValue(pod: Pod, { fieldPath }: { fieldPath: string }): string {
  const { metadata, spec, status } = pod;
  const subscript = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(fieldPath);
  if (subscript !== null) {
    const map = subscript[1] === "labels" ? metadata?.labels : metadata?.annotations;
    return map?.[subscript[2] ?? ""] ?? "";
  }
  switch (fieldPath) {
    case "metadata.name":
      return identify(pod).name;
    case "metadata.namespace":
      return identify(pod).namespace;
    case "metadata.uid":
      return identify(pod).uid;
    case "metadata.labels":
      return keyValues(metadata?.labels);
    case "metadata.annotations":
      return keyValues(metadata?.annotations);
    case "spec.nodeName":
      return spec?.nodeName ?? "";
    case "spec.serviceAccountName":
      return spec?.serviceAccountName ?? "default";
    case "status.podIP":
      return status?.podIP ?? "";
    case "status.podIPs":
      return (status?.podIPs ?? []).map(({ ip }) => ip).join(",");
    case "status.hostIP":
      return status?.hostIP ?? "";
    case "status.hostIPs":
      return (status?.hostIPs ?? []).map(({ ip }) => ip).join(",");
    default:
      throw new Error(`unsupported fieldPath: ${fieldPath}`);
  }
}

/** Lines of key="value", sorted, as a downwardAPI volume has them. */
function keyValues(map: Readonly<Record<string, string>> | undefined): string {
  return Object.entries(map ?? {})
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join("\n");
}
