import { configKind } from "../../components/pool/picker-config";
import {
  mismatched,
  pickerFeatureGates,
  pickerPlugins,
  unusablePlugins,
} from "../../components/pool/picker-settings";
import { keyText } from "../messages/edits";
import { nearest, shown, type Mistake } from "../messages/mistakes";
import { edits, remove, set } from "../plan/config-edits";

/*
 * A whole EndpointPickerConfig in the config. The picker reads it when it starts, and ends where it has a mistake: what
 * can be found before is found here.
 */

type Document = Readonly<Record<string, unknown>>;

const fields = [
  "apiVersion",
  "kind",
  "featureGates",
  "plugins",
  "schedulingProfiles",
  "saturationDetector",
  "dataLayer",
  "flowControl",
  "parser",
];

/** Instances that the picker makes by itself where the config refers to them. */
const madeByItself: ReadonlySet<string> = new Set([
  "utilization-detector",
  "openai-parser",
  "fcfs-ordering-policy",
  "global-strict-fairness-policy",
  "static-usage-limit-policy",
]);

/**
 * @param known whether the picker is one whose names are known.
 * @returns the document as the picker takes it, and what is wrong with it; undefined: the value is no document.
 */
export function pickerDocument(
  at: string,
  config: Document,
  known: boolean,
): { value: Document; mistakes: Mistake[] } | undefined {
  if (!Object.keys(config).some((key) => fields.includes(key))) return undefined;
  const value = typed({ ...configKind, ...config }) as Document;
  const mistakes = [
    ...(known ? nameMistakes(at, config) : []),
    ...pluginMistakes(at, value, known),
    ...referenceMistakes(at, value),
  ];
  return { value, mistakes };
}

function nameMistakes(at: string, config: Document): Mistake[] {
  const path = at.split(".");
  const unknown = Object.keys(config)
    .filter((key) => !fields.includes(key))
    .map((key): Mistake => ({
      key: keyText([...path, key]),
      found: shown(config[key]),
      allowed: `a field of an EndpointPickerConfig: ${fields.join(", ")}`,
      fix: edits(remove([...path, key])),
    }));
  const kinds = (["apiVersion", "kind"] as const)
    .filter((key) => config[key] !== undefined && config[key] !== configKind[key])
    .map((key): Mistake => ({
      key: `${at}.${key}`,
      found: shown(config[key]),
      allowed: configKind[key],
      fix: edits(remove(`${at}.${key}`)),
    }));
  const gates = Array.isArray(config["featureGates"]) ? (config["featureGates"] as unknown[]) : [];
  const wrongGates = gates.flatMap((gate, i): Mistake[] => {
    if (pickerFeatureGates.includes(String(gate))) return [];
    const place = [...path, "featureGates", i];
    return [
      {
        key: keyText(place),
        found: shown(gate),
        allowed: `one of ${pickerFeatureGates.join(", ")}`,
        fix: edits(remove(place)),
      },
    ];
  });
  return [...unknown, ...kinds, ...wrongGates];
}

const entriesOf = (value: unknown): Document[] =>
  Array.isArray(value) ? (value as unknown[]).filter(isObject) : [];

function pluginMistakes(at: string, document: Document, known: boolean): Mistake[] {
  const path = at.split(".");
  const plugins = entriesOf(document["plugins"]);
  if (plugins.length === 0) {
    return [
      {
        key: `${at}.plugins`,
        found: shown(document["plugins"]),
        allowed: "a list of plugins, each with a type",
        fix: edits(remove(at)),
      },
    ];
  }
  const names = plugins.map(nameOf);
  return plugins.flatMap((plugin, i): Mistake[] => {
    const place = [...path, "plugins", i, "type"];
    const key = keyText(place);
    const type = plugin["type"];
    const found = shown(type);
    if (typeof type !== "string" || type === "") {
      return [{ key, found, allowed: "a type of plugin", fix: edits(set(place, "queue-scorer")) }];
    }
    if (names.indexOf(nameOf(plugin)) < i) {
      const again = [...path, "plugins", i, "name"];
      return [
        {
          key: keyText(again),
          found: `${nameOf(plugin)}, for the second time`,
          allowed: "each name once; without a name it is the type",
          fix: edits(set(again, `${nameOf(plugin)}-${i}`)),
        },
      ];
    }
    const needs = unusablePlugins[type];
    const [scorer, producer] = mismatched;
    if (known && type === producer && plugins.some((one) => one["type"] === scorer)) {
      return [
        {
          key,
          found,
          allowed: `a config without ${scorer}: in this version of the picker it reads another type than ${producer} produces`,
          fix: edits(remove([...path, "plugins", i])),
        },
      ];
    }
    if (!known || pickerPlugins.includes(type)) return [];
    const meant = nearest(type, pickerPlugins);
    return [
      {
        key,
        found,
        allowed:
          needs === undefined
            ? `a plugin of the picker: ${pickerPlugins.join(", ")}`
            : `another plugin: this one takes ${needs}`,
        fix:
          meant === undefined || needs !== undefined
            ? edits(remove([...path, "plugins", i]))
            : edits(set(place, meant)),
      },
    ];
  });
}

const nameOf = ({ name, type }: Document): string =>
  typeof name === "string" ? name : typeof type === "string" ? type : "";

/** References to plugins that there are not. */
function referenceMistakes(at: string, document: Document): Mistake[] {
  const names = new Set(entriesOf(document["plugins"]).map(nameOf));
  return [...references(at.split("."), document)]
    .filter(({ name, path }) => {
      // In a profile everything is declared; elsewhere the picker has defaults.
      const isDefault = madeByItself.has(name) && !path.includes("schedulingProfiles");
      return !names.has(name) && !isDefault;
    })
    .map(({ name, path }) => {
      const meant = nearest(name, [...names]);
      return {
        key: keyText(path),
        found: name,
        allowed: `the name of one of the plugins: ${[...names].join(", ")}`,
        fix: edits(meant === undefined ? remove(path) : set(path, meant)),
      };
    });
}

function* references(
  path: readonly (string | number)[],
  value: unknown,
): Generator<{ path: readonly (string | number)[]; name: string }> {
  if (Array.isArray(value)) {
    for (const [i, inner] of (value as unknown[]).entries()) yield* references([...path, i], inner);
  } else if (isObject(value)) {
    for (const [key, inner] of Object.entries(value)) {
      // Parameters are the plugin's own.
      if (key === "parameters") continue;
      if (/(^p|P)luginRef$|PolicyRef$/.test(key) && typeof inner === "string")
        yield { path: [...path, key], name: inner };
      else yield* references([...path, key], inner);
    }
  }
}

/** `pulumi config set` keeps fractions as text, and the picker wants numbers. Names are texts, whatever they look like. */
function typed(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) return (value as unknown[]).map((inner) => typed(inner, key));
  if (isObject(value))
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, typed(inner, name)]));
  if (typeof value !== "string" || ["name", "type", "pluginRef"].includes(key)) return value;
  if (/^-?\d+(\.\d+)?$/.test(value)) return Number(value);
  return value === "true" ? true : value === "false" ? false : value;
}

function isObject(value: unknown): value is Document {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
