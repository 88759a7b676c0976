import { engineNamed, newestRendering } from "../../components/engines/catalogue";
import type { PickerResources, PickerSettings } from "../../components/pool/picker-settings";
import type { PoolIdentity } from "./observed";
import type { OwnedPool } from "./service-config";
import { argsChange, argsIdentity, isArgsField } from "./secret-args";
import {
  changesInPlace,
  envChange,
  isSettingWithSecrets,
  patchChange,
  settingsIdentity,
} from "./server-settings";

/** @param deployed what the pool was made as, where it is there: a digest of the same secrets stays as it is. */
export function identityOf(pool: OwnedPool, deployed?: PoolIdentity): PoolIdentity {
  const { hardware, server } = pool;
  const fields: Record<string, string> = {
    accelerator: hardware.accelerator,
    acceleratorsPerReplica: String(hardware.acceleratorsPerReplica),
    provisioning: hardware.provisioning,
    driver: hardware.driver,
    // Of copied pods the template says what runs; a later default of this program's must not look like a change.
    ...(pool.copied === true
      ? { "server.engine": server.engine }
      : {
          "server.image": server.image,
          ...argsIdentity(server, deployed),
          ...settingsIdentity(server, deployed),
        }),
    "server.port": String(server.port),
  };
  // A pod template that was taken over runs what it runs; the config's model then only says which name to ask for.
  if (pool.templateOf === undefined) fields["model"] = pool.model;
  // Also where the program chose it: a later version of the catalogue that would choose another must not exchange
  // nodes under customers. Naming the old one in the config keeps it.
  fields["machineType"] = pool.placement.machine.type;
  // Only where they are: a pool that was made before there were adapters has no such field.
  if (pool.adapters) fields["adapters"] = adaptersLoaded;
  for (const key of ["zones", "nodeLabels"] as const) {
    const values = hardware[key];
    if (values !== undefined) fields[key] = values.join(",");
  }
  for (const key of ["reservation", "fallback", "nodeVersion", "imageCache", "acceleratorNetwork"] as const) {
    const value = hardware[key];
    if (value !== undefined) fields[key] = value;
  }
  const { rendering = newestRendering } = pool;
  if (rendering > 1 && dependsOnRendering(pool, rendering)) fields[renderingField] = String(rendering);
  if (hardware.diskGb !== undefined) fields["diskGb"] = String(hardware.diskGb);
  if (hardware.nodeImage !== "cos") fields["nodeImage"] = hardware.nodeImage;
  Object.assign(fields, pickerIdentity(pool.picker));
  if (pool.weights.from !== "hugging-face") fields["weights"] = JSON.stringify(pool.weights);
  if (pool.templateOf !== undefined) fields["like"] = `${pool.templateOf.namespace}/${pool.templateOf.name}`;
  if (pool.templateOf?.workload !== undefined) fields["workload"] = pool.templateOf.workload;
  // Only its own: what a pool between changes is in what that one keeps.
  if (pool.templateOf?.overrides !== undefined) fields[overridesField] = inOrder(pool.templateOf.overrides);
  return fields;
}

/**
 * What is set of a picker. To replace it cuts the streams that run through it, so nothing of it changes in place but
 * how many stand by: to elect a leader at all is another command line.
 */
export function pickerIdentity(picker: PickerSettings = {}): Record<string, string> {
  const { image, replicas = 1, resources, config, flags, featureGates } = picker;
  const settled = config?.by === "document" ? config.document : config?.weights;
  return {
    ...(image === undefined ? {} : { "picker.image": image }),
    ...(replicas > 1 ? { [pickerReplicas]: severalPickers } : {}),
    ...(resources === undefined ? {} : { "picker.resources": inOrder(resources) }),
    ...(settled === undefined ? {} : { "picker.config": inOrder(settled) }),
    ...(flags === undefined ? {} : { "picker.flags": inOrder(flags) }),
    ...(featureGates === undefined || featureGates.length === 0
      ? {}
      : { "picker.featureGates": JSON.stringify([...featureGates].sort()) }),
  };
}

export const pickerReplicas = "picker.replicas";
export const severalPickers = "more than 1";

/** The settings that a pool's picker was made with. How many stand by is not part of it: one does. */
export function pickerIn(identity: PoolIdentity): PickerSettings {
  const parsed = (field: string): unknown => {
    try {
      return JSON.parse(identity[`picker.${field}`] ?? "") as unknown;
    } catch {
      // Nothing, or an annotation that somebody edited: the plan then says that the field differs.
      return undefined;
    }
  };
  const { "picker.image": image } = identity;
  const config = parsed("config") as Record<string, unknown> | undefined;
  const [resources, flags, featureGates] = [parsed("resources"), parsed("flags"), parsed("featureGates")];
  return {
    ...(image === undefined ? {} : { image }),
    ...(identity[pickerReplicas] === undefined ? {} : { replicas: 2 }),
    ...(resources === undefined ? {} : { resources: resources as Partial<PickerResources> }),
    ...(config === undefined
      ? {}
      : {
          config:
            "plugins" in config || "kind" in config
              ? { by: "document", document: config }
              : { by: "weights", weights: config as Record<string, number> },
        }),
    ...(flags === undefined ? {} : { flags: flags as Record<string, string> }),
    ...(featureGates === undefined ? {} : { featureGates: featureGates as string[] }),
  };
}

/** JSON in which the order of keys says nothing. */
export const inOrder = (value: object): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

/** What is changed of copied pods. */
export const overridesField = "like.overrides";

/** No config key: the program alone decides it, when it makes the pool. */
export const renderingField = "rendering";

/** Whether newer templates differ from the first ones; those of copied pods never do. */
function dependsOnRendering({ placement, server, templateOf }: OwnedPool, rendering: number): boolean {
  const { family } = placement.accelerator;
  if (templateOf !== undefined) return false;
  if (rendering >= 3) return true;
  return family === "tpu" || engineNamed(server.engine).environment(family, server.image).length > 0;
}

/** A model server is started so that it can load adapters, or it never can. */
export const adaptersLoaded = "loaded";

export interface IdentityChange {
  field: string;
  deployed: string;
  configured: string;
  /** Whether the pool stays the same one, and its pods restart one by one. */
  inPlace: boolean;
}

/** Fields that differ. A field only one side knows differs too: a default that was not there then is a change now. */
export function identityChanges(deployed: PoolIdentity, configured: PoolIdentity): IdentityChange[] {
  const fields = [...new Set([...Object.keys(deployed), ...Object.keys(configured)])].sort();
  const changed = [argsChange, envChange, patchChange].map((change) => change(deployed, configured));
  // Of those with secrets, one field stands for the digest too, whichever of the two differs.
  const special = changed.flatMap((change) => (change === undefined ? [] : [{ ...change, inPlace: false }]));
  const plain = fields.filter((field) => !isArgsField(field) && !isSettingWithSecrets(field));
  const changes = [
    ...plain.flatMap((field) => {
      const [before, after] = [deployed[field] ?? "nothing", configured[field] ?? "nothing"];
      if (before === after) return [];
      return [{ field, deployed: before, configured: after, inPlace: changesInPlace(field) }];
    }),
    ...special,
  ].sort((a, b) => (a.field < b.field ? -1 : 1));
  // Another accelerator comes on another machine: that is one change, not two.
  const chosen = changes.some(({ field }) => choosesMachine.has(field));
  return chosen ? changes.filter(({ field }) => field !== "machineType") : changes;
}

const choosesMachine: ReadonlySet<string> = new Set([
  "accelerator",
  "acceleratorsPerReplica",
  "provisioning",
]);
