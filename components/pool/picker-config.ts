import type { ModelServerEngine } from "../engines/engine";
import {
  defaultWeights,
  flowControl,
  pickerScorers,
  type PickerConfig,
  type PickerSettings,
} from "./picker-settings";

/* The picker's own config file: an EndpointPickerConfig, which it reads once when it starts. */

/** What the picker of v1.5.0 takes. */
export const configKind = {
  apiVersion: "inference.networking.x-k8s.io/v1alpha1",
  kind: "EndpointPickerConfig",
} as const;

type Document = Readonly<Record<string, unknown>>;

/** Collects the metrics of pods; it has to be told which engine's. */
const extractor = "core-metrics-extractor";

/** The text of the picker's config file. */
export function pickerConfig(
  { pickerEngine }: Pick<ModelServerEngine, "pickerEngine">,
  { config, featureGates = [] }: Pick<PickerSettings, "config" | "featureGates"> = {},
): string {
  const document =
    config?.by === "document"
      ? withEngine(config.document, pickerEngine)
      : byWeights(config?.weights ?? defaultWeights, pickerEngine, featureGates);
  return `${yaml(document).join("\n")}\n`;
}

function byWeights(
  weights: Extract<PickerConfig, { by: "weights" }>["weights"],
  engine: string | undefined,
  featureGates: readonly string[],
): Document {
  const used = Object.entries(weights)
    .filter(([, weight]) => weight > 0)
    .map(([name, weight]) => ({ type: pickerScorers[name] ?? name, weight }));
  const isFlowControlled = featureGates.includes(flowControl);
  return {
    ...configKind,
    ...(featureGates.length === 0 ? {} : { featureGates }),
    plugins: [
      ...used.map(({ type }) => ({ type })),
      {
        type: "metrics-data-source",
        parameters: { scheme: "http", path: "/metrics", insecureSkipVerify: true },
      },
      { type: extractor, ...(engine === undefined ? {} : { parameters: { defaultEngine: engine } }) },
      ...(isFlowControlled ? [{ type: fairness }] : []),
    ],
    ...(isFlowControlled
      ? { flowControl: { defaultPriorityBand: { priority: 0, fairnessPolicyRef: fairness } } }
      : {}),
    schedulingProfiles: [
      { name: "default", plugins: used.map(({ type, weight }) => ({ pluginRef: type, weight })) },
    ],
  };
}

/** The picker's own default serves requests in order of arrival, so the busiest client gets most. */
const fairness = "round-robin-fairness-policy";

/**
 * A document that a pool takes over from one with another engine must not read metrics that its servers do not have:
 * where it does not say which engine's, it is told.
 */
function withEngine(document: Document, engine: string | undefined): Document {
  if (engine === undefined) return document;
  const plugins = (document["plugins"] ?? []) as readonly Record<string, unknown>[];
  const own = plugins.find(({ type }) => type === extractor);
  if (own === undefined && document["dataLayer"] !== undefined) return document;
  const parameters = (own?.["parameters"] ?? {}) as Record<string, unknown>;
  const told = { ...own, type: extractor, parameters: { defaultEngine: engine, ...parameters } };
  const others = plugins.map((plugin) => (plugin === own ? told : plugin));
  return { ...document, plugins: own === undefined ? [...others, told] : others };
}

/** Lines of a value as block YAML: an operator reads it in the ConfigMap. */
function yaml(value: unknown): string[] {
  if (Array.isArray(value) && value.length > 0) {
    return (value as readonly unknown[]).flatMap((item) => {
      const [first = "", ...rest] = yaml(item);
      return [`- ${first}`, ...rest.map((line) => `  ${line}`)];
    });
  }
  if (isObject(value) && Object.keys(value).length > 0) {
    return Object.entries(value).flatMap(([key, inner]) => {
      const lines = yaml(inner);
      if (!isContainer(inner)) return [`${scalar(key)}: ${lines[0] ?? ""}`];
      return [`${scalar(key)}:`, ...lines.map((line) => (Array.isArray(inner) ? line : `  ${line}`))];
    });
  }
  return [typeof value === "string" ? scalar(value) : JSON.stringify(value)];
}

const isObject = (value: unknown): value is Document =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isContainer = (value: unknown): boolean =>
  (Array.isArray(value) && value.length > 0) || (isObject(value) && Object.keys(value).length > 0);

/** JSON's strings are YAML's; a plain word needs no quotes. */
function scalar(text: string): string {
  const isPlain =
    /^[A-Za-z/][A-Za-z0-9./_-]*$/.test(text) && !/^(true|false|null|yes|no|on|off|y|n|nan|inf)$/i.test(text);
  return isPlain ? text : JSON.stringify(text);
}
