import type { Server } from "../../components/engines/engine";
import { randomBytes, scryptSync, timingSafeEqual } from "node:crypto";

/*
 * A server's arguments in a pool's identity. Without secrets they are the list itself. A secret is not written down:
 * its place says where the pods have it from, and one digest stands for all of them, so that another value is known to
 * be another. Everybody who may read InferencePools reads the digest; scrypt with a salt of its own makes guessing
 * expensive, and nothing but the annotation is needed to compare, whatever became of state and backend.
 */

/** env: from a Secret. args: in the pods in clear, as the pool was made before there were Secrets for them. */
type Word = string | { secret: "env" | "args" };

/** Fields of a PoolIdentity. */
const fields = { args: "server.args", digest: "server.args.secrets" } as const;

type Identity = Readonly<Record<string, string>>;

/**
 * The server as the pool's pods have it: where its words are the same, they stay where they are, in a Secret or in
 * clear. A different command line is a different pool, and keeps all of its secrets in a Secret.
 */
export function serverAsMade(server: Server, deployed: Identity | undefined): Server {
  const words = wordsOf(deployed);
  if (words === undefined || !saysTheSame(server, words, deployed?.[fields.digest])) return server;
  const { secretArgs = [], secretArgsGuessed, ...rest } = server;
  // When the pool was made, it was known exactly which words were secret; a guess does not override that.
  const known = secretArgsGuessed === true && deployed?.[fields.digest] !== undefined;
  const fromSecret = placesOf(words, (word) => typeof word !== "string" && word.secret === "env");
  const inClear = placesOf(words, (word, i) =>
    typeof word === "string" ? !known && secretArgs.includes(i) : word.secret === "args",
  );
  Reflect.deleteProperty(rest, "clearSecrets");
  return {
    ...rest,
    ...(fromSecret.length === 0 ? {} : { secretArgs: fromSecret }),
    ...(inClear.length === 0 ? {} : { clearSecrets: inClear }),
  };
}

/** What identity holds of a server's arguments. @param deployed what it holds now: its salt is used again. */
export function argsIdentity(server: Server, deployed?: Identity): Record<string, string> {
  const { args, secretArgs = [], clearSecrets = [] } = server;
  const words = args.map((word, i): Word => {
    if (secretArgs.includes(i)) return { secret: "env" };
    return clearSecrets.includes(i) ? { secret: "args" } : word;
  });
  const secrets = args.filter((_, i) => typeof words[i] !== "string");
  const text = JSON.stringify(words);
  if (secrets.length === 0) return { [fields.args]: text };
  const before = deployed?.[fields.digest];
  // Without the values, a change cannot be seen.
  const digest = secrets.includes(hiddenText) ? (before ?? "unknown") : digestOf(secrets, before);
  return { [fields.args]: text, [fields.digest]: digest };
}

/** Whether two identities have other arguments, each as it is shown; undefined: they are the same. */
export function argsChange(
  deployed: Identity,
  configured: Identity,
): { field: string; deployed: string; configured: string } | undefined {
  const [before, after] = [deployed[fields.args], configured[fields.args]];
  const [oldDigest, newDigest] = [deployed[fields.digest], configured[fields.digest]];
  if (before === after && oldDigest === newDigest) return undefined;
  const words = wordsOf(configured) ?? [];
  // Words that stay in clear are there only where the pool has the very same ones: serverAsMade.
  if (words.some((word) => typeof word !== "string" && word.secret === "args")) return undefined;
  return {
    field: fields.args,
    // What was deployed in clear may be the secret that is one now.
    deployed: oldDigest === undefined && newDigest !== undefined ? hiddenText : shown(before, hiddenText),
    configured: shown(after, before === after ? "(another secret)" : hiddenText),
  };
}

export const isArgsField = (field: string): boolean => field === fields.args || field === fields.digest;

/** Changes with every secret among a server's arguments and variables, and says nothing of them. */
export function secretsRevision(identity: Identity): string | undefined {
  const parts = [identity[fields.digest], identity["server.env.secrets"]].flatMap((digest) =>
    digest === undefined
      ? []
      : [
          digest
            .split(":")
            .at(-1)
            ?.replace(/[^A-Za-z0-9]/g, "")
            .slice(0, 12) ?? "",
        ],
  );
  return parts.length === 0 ? undefined : parts.join("-");
}

function shown(text: string | undefined, secret: string): string {
  if (text === undefined) return "nothing";
  const words = wordsOf({ [fields.args]: text });
  return JSON.stringify(words?.map((word) => (typeof word === "string" ? word : secret)) ?? hiddenText);
}

function wordsOf(identity: Identity | undefined): Word[] | undefined {
  try {
    const parsed = JSON.parse(identity?.[fields.args] ?? "null") as unknown;
    return Array.isArray(parsed) ? (parsed as Word[]) : undefined;
  } catch {
    return undefined;
  }
}

const placesOf = (words: readonly Word[], is: (word: Word, i: number) => boolean): number[] =>
  words.flatMap((word, i) => (is(word, i) ? [i] : []));

function saysTheSame({ args, secretArgs = [] }: Server, words: readonly Word[], digest?: string): boolean {
  if (args.length !== words.length) return false;
  const isUnknown = (i: number): boolean => args[i] === hiddenText && secretArgs.includes(i);
  if (!words.every((word, i) => typeof word !== "string" || word === args[i] || isUnknown(i))) return false;
  const secret = placesOf(words, (word) => typeof word !== "string");
  if (secret.length === 0 || secret.some(isUnknown)) return true;
  const values = secret.map((i) => args[i] ?? "");
  const [a, b] = [digestOf(values, digest), digest ?? ""].map((text) => Buffer.from(text)) as [
    Buffer,
    Buffer,
  ];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** N = 2^15, r = 8: 32 MB and some 60 ms for each guess. */
const cost = 15;

/** @param like a digest whose cost and salt are used again; absent: a new salt. */
export function digestOf(values: readonly string[], like?: string): string {
  const [, power, salt] = /^scrypt:(\d{1,2}):([\w-]+):/.exec(like ?? "") ?? [];
  const exponent = Math.min(Number(power ?? cost), 20);
  const used = salt ?? randomBytes(16).toString("base64url");
  const key = JSON.stringify([exponent, used, values]);
  const known = digests.get(key);
  if (known !== undefined) return known;
  const options = { N: 2 ** exponent, r: 8, p: 1, maxmem: 2 ** exponent * 8 * 128 * 2 };
  const hash = scryptSync(JSON.stringify(values), used, 32, options).toString("base64url");
  const digest = `scrypt:${exponent}:${used}:${hash}`;
  digests.set(key, digest);
  return digest;
}

/** One plan asks for the same digest more than once. */
const digests = new Map<string, string>();

/** What stands in the place of a secret wherever people or programs read. */
export const hiddenText = "(a secret)";
