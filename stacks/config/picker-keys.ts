import { z } from "zod";
import { defaultEngine, engineNamed } from "../../components/engines/catalogue";
import {
  flowControl,
  pickerFeatureGates,
  pickerFlags,
  pickerImage,
  pickerRepository,
  pickerResources,
  pickerScorers,
  reservedFlags,
  type PickerSettings,
} from "../../components/pool/picker-settings";
import { keyText } from "../messages/edits";
import { nearest, shown, type Mistake } from "../messages/mistakes";
import { edits, remove, set } from "../plan/config-edits";
import { integer, list, matching, object, optional, text } from "./fields";
import { pickerDocument } from "./picker-document";
import { fixedImage } from "./server-keys";

/* The picker of a pool. Its names are checked, unless its image is one that may know others. */

const scorerNames = Object.keys(pickerScorers);

export const pickerSchema = object({
  version: optional(
    matching(
      /^v1\.5\.\d+(-rc\.\d+)?$/,
      "a version v1.5.N: from v1.6.0 on the inference extension has no picker (docs/pickers.md)",
    ),
    {
      description: "Version of the inference extension's own picker.",
      default: `\`${pickerImage.split(":").at(-1) ?? ""}\``,
      example: "v1.5.0",
      change: "new-pool",
    },
  ),
  image: optional(fixedImage, {
    description:
      "Container image to use instead of the extension's own. It must take the flags and the config of v1.5.",
    default: "the extension's own image",
    example: pickerImage,
    change: "new-pool",
  }),
  replicas: optional(integer(1, 5, "pickers"), {
    description:
      "Pickers of the pool. One of them gets all requests, the others take over when it fails. From 1 to more, or back, is another pool; any other change applies in place.",
    default: "`1`",
    example: 2,
  }),
  resources: optional(
    object({
      cpu: optional(matching(/^(\d+(\.\d+)?|\d+m)$/, "processors, for example 2 or 500m"), {
        description: "Processors that each picker requests. There is no limit.",
        default: `\`${pickerResources.cpu}\``,
        example: "2",
        change: "new-pool",
      }),
      memory: optional(matching(/^[1-9]\d*[MG]i$/, "memory in Mi or Gi, for example 4Gi"), {
        description: "Memory that each picker requests. The limit is twice as much.",
        default: `\`${pickerResources.memory}\``,
        example: "4Gi",
        change: "new-pool",
      }),
    }),
    {
      description: "What each picker requests of its node.",
      default: "what the extension's chart requests",
      example: { cpu: "2", memory: "4Gi" },
    },
  ),
  config: optional(
    z.record(z.string(), z.unknown(), {
      error: `an object: weights of scorers (${scorerNames.join(", ")}), or an EndpointPickerConfig`,
    }),
    {
      description: `How pods are chosen: weights of scorers by name (${scorerNames.join(", ")}), or a whole EndpointPickerConfig.`,
      default: '`{"queue":2,"kv-cache-utilization":2,"prefix-cache":3}`',
      example: { "prefix-cache": 3, queue: 2, "lora-affinity": 1 },
      change: "new-pool",
    },
  ),
  flags: optional(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]), {
      error: "an object: flags by name, without dashes",
    }),
    {
      description: `Flags of the picker's program by name: ${Object.keys(pickerFlags).join(", ")}.`,
      default: "none",
      example: { v: 2 },
      change: "new-pool",
    },
  ),
  featureGates: optional(list(text("a feature gate"), `feature gates: ${pickerFeatureGates.join(", ")}`), {
    description:
      "Experimental features of the picker to switch on. With `flowControl` requests wait in the picker while the pool is full, and are served by priority (docs/pickers.md).",
    default: "none",
    example: [flowControl],
    change: "new-pool",
  }),
});

export type PickerInput = z.infer<typeof pickerSchema>;

/** What a pool has of the picker of the one that it is like: each setting by itself. An image is a version too. */
export function inheritPicker(
  base: { picker?: PickerInput | undefined },
  own: { picker?: PickerInput | undefined },
): { picker?: PickerInput } {
  if (base.picker === undefined || own.picker === undefined) {
    const picker = own.picker ?? base.picker;
    return picker === undefined ? {} : { picker };
  }
  const namesImage = own.picker.image !== undefined || own.picker.version !== undefined;
  const { image, version, ...rest } = base.picker;
  const kept = namesImage ? {} : { ...(image && { image }), ...(version && { version }) };
  return { picker: { ...rest, ...kept, ...own.picker } };
}

interface PickerOfPool {
  /** Config key of the pool. */
  key: string;
  /** What the pool itself sets. */
  own: { picker?: PickerInput | undefined };
  /** With the settings of the pools that it is like. */
  input: { picker?: PickerInput | undefined };
}

/** A pool's picker with its settings as the component takes them; undefined: nothing is set. */
export function resolvePicker(
  { key, own, input }: PickerOfPool,
  engine: string,
  mistakes: Mistake[],
): PickerSettings | undefined {
  if (input.picker === undefined) return undefined;
  const at = `${key}.picker`;
  const { version, replicas, resources, config, flags, featureGates } = input.picker;
  const image = input.picker.image ?? (version === undefined ? undefined : `${pickerRepository}:${version}`);
  const known = isKnown(image);
  const resolved = config === undefined ? undefined : resolvedConfig(`${at}.config`, config, known);
  // What is taken over is reported where it is set.
  if (own.picker?.config !== undefined) mistakes.push(...(resolved?.mistakes ?? []));
  if (own.picker?.flags !== undefined) mistakes.push(...flagMistakes(`${at}.flags`, own.picker.flags, known));
  const inherited = [
    ...(own.picker?.config === undefined ? (resolved?.mistakes ?? []) : []),
    ...(flags !== undefined && own.picker?.flags === undefined
      ? flagMistakes(`${at}.flags`, flags, known)
      : []),
  ];
  mistakes.push(
    ...imageMistakes(at, own.picker),
    ...inheritedMistakes(at, own.picker, inherited),
    ...gateMistakes(at, input.picker, engine, known, own.picker),
  );
  return {
    ...(image === undefined ? {} : { image }),
    ...(replicas === undefined ? {} : { replicas }),
    ...(resources === undefined ? {} : { resources: compact(resources) }),
    ...(resolved === undefined ? {} : { config: resolved.config }),
    ...(flags === undefined
      ? {}
      : { flags: Object.fromEntries(Object.entries(flags).map(([name, value]) => [name, String(value)])) }),
    ...(featureGates === undefined ? {} : { featureGates }),
  };
}

/** The extension's own picker, also from another registry: every name that it knows is known here. */
const isKnown = (image: string = pickerImage): boolean => /(^|\/)epp:v1\.5\.\d+$/.test(image);

function imageMistakes(at: string, own: PickerInput | undefined): Mistake[] {
  if (own?.image === undefined || own.version === undefined) return [];
  return [
    {
      key: `${at}.version`,
      found: `${own.version}, beside image ${own.image}`,
      allowed: "image or version, not both",
      fix: edits(remove(`${at}.version`)),
    },
  ];
}

/** What another image took may be nothing to the one that this pool names. */
function inheritedMistakes(
  at: string,
  own: PickerInput | undefined,
  inherited: readonly Mistake[],
): Mistake[] {
  const field = own?.image !== undefined ? "image" : "version";
  const image = own?.image ?? own?.version;
  if (image === undefined || inherited.length === 0) return [];
  const unknown = inherited.map(({ key, found }) => `${key.slice(at.length + 1)} (${found})`).join(", ");
  return [
    {
      key: `${at}.${field}`,
      found: image,
      allowed: `a picker that has what this pool takes over from the one that it is like: ${unknown}`,
      fix: edits(remove(`${at}.${field}`)),
    },
  ];
}

function resolvedConfig(
  at: string,
  config: Readonly<Record<string, unknown>>,
  known: boolean,
): { config: NonNullable<PickerSettings["config"]>; mistakes: Mistake[] } {
  const document = pickerDocument(at, config, known);
  if (document !== undefined) {
    return { config: { by: "document", document: document.value }, mistakes: document.mistakes };
  }
  const mistakes: Mistake[] = [];
  const weights: Record<string, number> = {};
  for (const [name, value] of Object.entries(config)) {
    const key = keyText([...at.split("."), name]);
    const weight = typeof value === "string" && /^\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    if (!scorerNames.includes(name)) {
      const meant = nearest(name, scorerNames);
      const away = remove([...at.split("."), name]);
      mistakes.push({
        key,
        found: shown(value),
        allowed: `a scorer: ${scorerNames.join(", ")}; or an EndpointPickerConfig, which has plugins`,
        fix:
          meant === undefined || typeof weight !== "number"
            ? edits(away)
            : edits(away, set([...at.split("."), meant], weight)),
      });
    } else if (typeof weight !== "number" || weight < 0 || weight > 1000) {
      mistakes.push({
        key,
        found: shown(value),
        allowed: "a weight from 0 to 1000; 0: the scorer is not used",
        fix: edits(set([...at.split("."), name], 1)),
      });
    } else weights[name] = weight;
  }
  if (mistakes.length === 0 && !Object.values(weights).some((weight) => weight > 0)) {
    mistakes.push({
      key: at,
      found: shown(config),
      allowed: "at least one scorer with a weight above 0",
      fix: edits(remove(at)),
    });
  }
  return { config: { by: "weights", weights }, mistakes };
}

function flagMistakes(at: string, flags: NonNullable<PickerInput["flags"]>, known: boolean): Mistake[] {
  return Object.entries(flags).flatMap(([name, value]): Mistake[] => {
    const path = [...at.split("."), name];
    const key = keyText(path);
    const bare = name.replace(/^-+/, "");
    const reason = reservedFlags[bare];
    if (reason !== undefined) {
      return [{ key, found: shown(value), allowed: `nothing: ${reason}`, fix: edits(remove(path)) }];
    }
    const flag = pickerFlags[bare];
    if (flag === undefined || bare !== name) {
      if (!known && /^[a-z][\w-]*$/.test(name)) return [];
      const meant = flag === undefined ? nearest(bare, Object.keys(pickerFlags)) : bare;
      const again = meant === undefined ? [] : [set([...at.split("."), meant], value)];
      return [
        {
          key,
          found: shown(value),
          allowed: `a flag of the picker: ${Object.keys(pickerFlags).join(", ")}`,
          fix: edits(remove(path), ...again),
        },
      ];
    }
    return flag.pattern.test(String(value))
      ? []
      : [{ key, found: shown(value), allowed: flag.expected, fix: edits(set(path, flag.example)) }];
  });
}

function unknownGates(at: string, gates: readonly string[], known: boolean): Mistake[] {
  return gates.flatMap((gate, i): Mistake[] => {
    if (!known || pickerFeatureGates.includes(gate)) return [];
    const path = [...at.split("."), "featureGates", i];
    const meant = nearest(gate, pickerFeatureGates);
    return [
      {
        key: keyText(path),
        found: gate,
        allowed: `one of ${pickerFeatureGates.join(", ")}`,
        fix: edits(meant === undefined ? remove(path) : set(path, meant)),
      },
    ];
  });
}

/** @param own what the pool itself sets: what it takes over is reported where it is set. */
function gateMistakes(
  at: string,
  { config, featureGates = [] }: PickerInput,
  engine: string,
  known: boolean,
  own: PickerInput | undefined,
): Mistake[] {
  const key = `${at}.featureGates`;
  const sets = own?.config !== undefined || own?.featureGates !== undefined;
  const twice: Mistake[] =
    sets && featureGates.length > 0 && config !== undefined && pickerDocument(at, config, known) !== undefined
      ? [
          {
            key,
            found: featureGates.join(", "),
            allowed: `nothing beside a whole EndpointPickerConfig: ${at}.config.featureGates has them`,
            fix: edits(remove(key)),
          },
        ]
      : [];
  const { pickerEngine, title } = engineNamed(engine);
  const legacy: Mistake[] =
    featureGates.includes("enableLegacyMetrics") && pickerEngine !== undefined
      ? [
          {
            key,
            found: `enableLegacyMetrics, with ${title}`,
            allowed: `nothing: with it the picker reads the metrics of ${defaultEngine.title} only`,
            fix: edits(remove(key)),
          },
        ]
      : [];
  return [...unknownGates(at, own?.featureGates ?? [], known), ...twice, ...legacy];
}

const compact = <T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } =>
  Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined)) as never;
