/** What a policy gets to see of a resource: its type and the inputs that the program declares. */
export interface Asked {
  type: string;
  props: Readonly<Record<string, unknown>>;
}

export interface Container {
  name?: string;
  image?: string;
  command?: readonly unknown[];
  args?: readonly unknown[];
  env?: readonly { name?: string; value?: unknown; valueFrom?: unknown }[];
}

interface PodSpec {
  containers?: readonly Container[];
  initContainers?: readonly Container[];
  ephemeralContainers?: readonly Container[];
}

/**
 * Every container of the pods that a resource creates: of a Pod, or of a pod template anywhere in the resource
 * (Deployment, Job, CronJob, LeaderWorkerSet, future kinds).
 */
export function containersOf({ type, props }: Asked): readonly Container[] {
  if (!type.startsWith("kubernetes:")) return [];
  return podSpecs(props).flatMap((spec) => [
    ...(spec.containers ?? []),
    ...(spec.initContainers ?? []),
    ...(spec.ephemeralContainers ?? []),
  ]);
}

/** Objects with a list of containers, down to the depth that a CronJob needs. */
function podSpecs(value: unknown, depth = 0): PodSpec[] {
  if (typeof value !== "object" || value === null || depth > 8) return [];
  if (Array.isArray(value)) return value.flatMap((item) => podSpecs(item, depth + 1));
  const own = Array.isArray((value as PodSpec).containers) ? [value as PodSpec] : [];
  return [...own, ...Object.values(value).flatMap((inner) => podSpecs(inner, depth + 1))];
}
