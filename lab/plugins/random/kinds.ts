import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { isProperties, Secret, type Properties, type Value } from "../protocol/values";

export interface Made {
  id: string;
  outputs: Properties;
}

/** One kind of random value: how it is made, and what an id given to `pulumi import` says. */
export interface Kind {
  required: readonly string[];
  make(inputs: Properties): Made;
  /** Inputs and outputs of an existing value. @throws Error where the id cannot be one. */
  read(id: string): Made & { inputs: Properties };
}

const number = (value: Value | undefined, otherwise: number): number =>
  typeof value === "number" ? value : otherwise;
const flag = (value: Value | undefined, otherwise = true): boolean =>
  typeof value === "boolean" ? value : otherwise;
const text = (value: Value | undefined, otherwise = ""): string =>
  typeof value === "string" ? value : otherwise;

function bytesOutputs(bytes: Buffer, prefix: string): Made {
  const b64Url = bytes.toString("base64url");
  const hex = bytes.toString("hex");
  return {
    id: b64Url,
    outputs: {
      b64Std: prefix + bytes.toString("base64"),
      b64Url: prefix + b64Url,
      dec: prefix + BigInt(`0x${hex === "" ? "0" : hex}`).toString(),
      hex: prefix + hex,
      byteLength: bytes.length,
    },
  };
}

const classes = {
  lower: "abcdefghijklmnopqrstuvwxyz",
  upper: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
  numeric: "0123456789",
} as const;
const specials = "!@#$%&*()-_=+[]{}<>:?";

/** A string with at least the desired number of characters of each class, in random order. */
function randomText(inputs: Properties): string {
  const length = number(inputs["length"], 0);
  const groups = [
    { characters: classes.lower, on: flag(inputs["lower"]), min: number(inputs["minLower"], 0) },
    { characters: classes.upper, on: flag(inputs["upper"]), min: number(inputs["minUpper"], 0) },
    {
      characters: classes.numeric,
      on: flag(inputs["numeric"], flag(inputs["number"])),
      min: number(inputs["minNumeric"], 0),
    },
    {
      characters: text(inputs["overrideSpecial"]) || specials,
      on: flag(inputs["special"]),
      min: number(inputs["minSpecial"], 0),
    },
  ].filter(({ on }) => on);
  const all = groups.map(({ characters }) => characters).join("");
  if (all === "") throw new Error("the character set specified is empty");
  const pick = (from: string): string => from.charAt(randomInt(from.length));
  const picked = groups.flatMap(({ characters, min }) => Array.from({ length: min }, () => pick(characters)));
  while (picked.length < length) picked.push(pick(all));
  for (let i = picked.length - 1; i > 0; i--) {
    const j = randomInt(i + 1);
    [picked[i], picked[j]] = [picked[j] ?? "", picked[i] ?? ""];
  }
  return picked.join("");
}

const textDefaults = (inputs: Properties): Properties => ({
  lower: flag(inputs["lower"]),
  upper: flag(inputs["upper"]),
  number: flag(inputs["numeric"], flag(inputs["number"])),
  numeric: flag(inputs["numeric"], flag(inputs["number"])),
  special: flag(inputs["special"]),
  minLower: number(inputs["minLower"], 0),
  minUpper: number(inputs["minUpper"], 0),
  minNumeric: number(inputs["minNumeric"], 0),
  minSpecial: number(inputs["minSpecial"], 0),
});

function existingText(id: string): Properties {
  return { length: id.length };
}

/** Kinds by the last part of their type. A password's bcryptHash is left out: Node has no bcrypt. */
export const kinds: Readonly<Record<string, Kind>> = {
  RandomId: {
    required: ["byteLength"],
    make: (inputs) => bytesOutputs(randomBytes(number(inputs["byteLength"], 1)), text(inputs["prefix"])),
    read: (id) => {
      const [prefix, encoded] = id.includes(",") ? id.split(",") : ["", id];
      const made = bytesOutputs(Buffer.from(encoded ?? "", "base64url"), prefix ?? "");
      const byteLength = made.outputs["byteLength"] ?? 0;
      return { ...made, inputs: prefix === "" ? { byteLength } : { byteLength, prefix: prefix ?? "" } };
    },
  },
  RandomString: {
    required: ["length"],
    make: (inputs) => {
      const result = randomText(inputs);
      return { id: result, outputs: { ...textDefaults(inputs), result } };
    },
    read: (id) => ({
      id,
      inputs: existingText(id),
      outputs: { ...textDefaults({}), ...existingText(id), result: id },
    }),
  },
  RandomPassword: {
    required: ["length"],
    make: (inputs) => ({
      id: "none",
      outputs: { ...textDefaults(inputs), result: new Secret(randomText(inputs)) },
    }),
    read: (id) => ({
      id: "none",
      inputs: existingText(id),
      outputs: { ...textDefaults({}), ...existingText(id), result: new Secret(id) },
    }),
  },
  RandomPet: {
    required: [],
    make: (inputs) => {
      const words = number(inputs["length"], 2);
      const pick = (from: readonly string[]): string => from[randomInt(from.length)] ?? "";
      const name = Array.from({ length: words }, (_, i) =>
        pick(i === words - 1 ? animals : i === words - 2 ? adjectives : adverbs),
      );
      const separator = text(inputs["separator"], "-");
      const prefix = text(inputs["prefix"]);
      return {
        id: [...(prefix === "" ? [] : [prefix]), ...name].join(separator),
        outputs: { length: words, separator },
      };
    },
    read: (id) => ({ id, inputs: {}, outputs: { separator: "-" } }),
  },
  RandomInteger: {
    required: ["min", "max"],
    make: (inputs) => {
      const min = number(inputs["min"], 0);
      const max = number(inputs["max"], 0);
      if (min > max)
        throw new Error(`the minimum (min) value needs to be smaller than or equal to maximum (max) value`);
      const result = randomInt(min, max + 1);
      return { id: String(result), outputs: { result } };
    },
    read: (id) => {
      const [result, min, max] = id.split(",").map(Number);
      if (result === undefined || min === undefined || max === undefined)
        throw new Error(`import id "${id}" should be RESULT,MIN,MAX[,SEED]`);
      return { id: String(result), inputs: { min, max }, outputs: { result, min, max } };
    },
  },
  RandomUuid: {
    required: [],
    make: () => {
      const result = randomUUID();
      return { id: result, outputs: { result } };
    },
    read: (id) => ({ id, inputs: {}, outputs: { result: id } }),
  },
  RandomShuffle: {
    required: ["inputs"],
    make: (inputs) => {
      const from = Array.isArray(inputs["inputs"]) ? inputs["inputs"] : [];
      const count = number(inputs["resultCount"], from.length);
      const results: Value[] = [];
      let rest: Value[] = [];
      while (results.length < count && from.length > 0) {
        if (rest.length === 0) rest = [...from];
        results.push(...rest.splice(randomInt(rest.length), 1));
      }
      return { id: "-", outputs: { results } };
    },
    read: () => {
      throw new Error("RandomShuffle cannot be imported");
    },
  },
};

/** The names of inputs that differ, with the path of a changed keeper. */
export function changedInputs(
  olds: Properties,
  news: Properties,
  equal: (a: Value | undefined, b: Value | undefined) => boolean,
): string[] {
  return [...new Set([...Object.keys(olds), ...Object.keys(news)])]
    .filter((key) => !key.startsWith("__") && !equal(olds[key], news[key]))
    .flatMap((key) => {
      const [a, b] = [olds[key], news[key]];
      if (!isProperties(a) || !isProperties(b)) return [key];
      return changedInputs(a, b, equal).map((inner) => `${key}.${inner}`);
    });
}

/** A few words for RandomPet; the real provider knows more. */
const adverbs = ["boldly", "calmly", "deeply", "fairly", "gently", "mostly", "nicely", "quietly"];

const adjectives = ["able", "brave", "clever", "eager", "fresh", "happy", "keen", "lively", "proud", "sunny"];

const animals = ["badger", "crane", "dolphin", "falcon", "gecko", "heron", "lynx", "otter", "panda", "wren"];
