import type { Server } from "../../components/engines/engine";
import type { EnvValue, ServerVolume } from "../../components/model-server/pod-settings";
import { digestOf, hiddenText } from "./secret-args";

/*
 * What a user sets on the model servers' pods, in a pool's identity. Whatever can change answers, or keep a pod from
 * starting, is part of what a pool is made as: a rollback needs the old pool. What can do neither changes in place, and
 * the pods restart one by one. It is in the identity too, so that a plan knows of the restart.
 */

type Identity = Readonly<Record<string, string>>;

const env = "server.env";
const envDigest = "server.env.secrets";

/** Fields whose change restarts the pods of the pool, which stays the same one. */
const inPlace: ReadonlySet<string> = new Set([
  "server.priorityClassName",
  "server.labels",
  "server.annotations",
]);

export const changesInPlace = (field: string): boolean => inPlace.has(field);

const patch = "server.podPatch";
const patchDigest = "server.podPatch.secrets";

export const isSettingWithSecrets = (field: string): boolean =>
  [env, envDigest, patch, patchDigest].includes(field);

/** What stands for a patch in which anything may be secret. No patch is this: one has metadata or spec. */
const hiddenPatch = JSON.stringify({ secret: true });

/** Fields that hold JSON; `server.env` and `weights` do too, in ways of their own. */
export const jsonFields: ReadonlySet<string> = new Set([
  ...["server.resources", "server.volumes", "server.podPatch"],
  ...["server.labels", "server.annotations"],
]);

/** What stands for a variable: its value, that the pool's Secret has it, or which other Secret. */
type Word = string | { secret: true } | { secret: string; key: string };

/** Nothing for a pool without settings: its identity is the text that it always was. */
export function settingsIdentity(server: Server, deployed?: Identity): Record<string, string> {
  const { resources, shmGb, drainSeconds, volumes, priorityClassName, labels, annotations } = server;
  const json = Object.entries({
    resources,
    volumes: volumes?.map(asWritten),
    labels,
    annotations,
  }).filter(([, value]) => value !== undefined);
  return {
    ...envIdentity(server.env, deployed),
    ...patchIdentity(server, deployed),
    ...Object.fromEntries(json.map(([name, value]) => [`server.${name}`, canonical(value)])),
    ...(shmGb === undefined ? {} : { "server.shmGb": String(shmGb) }),
    ...(drainSeconds === undefined ? {} : { "server.drainSeconds": String(drainSeconds) }),
    ...(priorityClassName === undefined ? {} : { "server.priorityClassName": priorityClassName }),
  };
}

/** A volume as the config has it, so that it can be put back. */
const asWritten = ({ source, ...volume }: ServerVolume): object => ({ ...volume, ...source });

function patchIdentity({ podPatch, patchIsSecret }: Server, deployed?: Identity): Record<string, string> {
  if (podPatch === undefined) return {};
  const text = canonical(podPatch);
  if (patchIsSecret === undefined) return { [patch]: text };
  const before = deployed?.[patchDigest];
  const digest = text.includes(hiddenText) ? (before ?? "unknown") : digestOf([text], before);
  return { [patch]: hiddenPatch, [patchDigest]: digest };
}

/** The same patch stays what it is in the pool: whether there is a secret in it is only a guess. */
function patchAsMade(server: Server, deployed: Identity | undefined): Server {
  const { podPatch, patchIsSecret, ...rest } = server;
  const made = deployed?.[patch];
  if (podPatch === undefined || made === undefined) return server;
  const text = canonical(podPatch);
  if (patchIsSecret === true && made === text) return { ...rest, podPatch };
  const before = deployed?.[patchDigest];
  const isSame = made === hiddenPatch && before !== undefined && digestOf([text], before) === before;
  return isSame ? { ...server, patchIsSecret: true } : server;
}

/** Whether two identities have other patches; undefined: they are the same. */
export function patchChange(
  deployed: Identity,
  configured: Identity,
): { field: string; deployed: string; configured: string } | undefined {
  const [before, after] = [deployed[patch] ?? "nothing", configured[patch] ?? "nothing"];
  if (before === after && deployed[patchDigest] === configured[patchDigest]) return undefined;
  const text = (value: string, hidden: string): string => (value === hiddenPatch ? hidden : value);
  return {
    field: patch,
    deployed: text(before, hiddenText),
    configured: text(after, before === after ? "(another secret)" : hiddenText),
  };
}

function envIdentity(values: Server["env"] = {}, deployed?: Identity): Record<string, string> {
  const names = Object.keys(values).sort();
  if (names.length === 0) return {};
  const words = Object.fromEntries(names.map((name) => [name, wordOf(values[name])]));
  const secrets = secretsOf(values, names);
  const text = JSON.stringify(words);
  if (secrets.length === 0) return { [env]: text };
  const before = deployed?.[envDigest];
  // Without the values, a change cannot be seen.
  const digest = secrets.includes(hiddenText) ? (before ?? "unknown") : digestOf(secrets, before);
  return { [env]: text, [envDigest]: digest };
}

function wordOf(value: EnvValue | undefined): Word {
  if (value === undefined) return "";
  if (value.from === "secret") return { secret: value.name, key: value.key };
  return value.secret ? { secret: true } : value.value;
}

const secretsOf = (values: NonNullable<Server["env"]>, names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const value = values[name];
    return value?.from === "config" && value.secret ? [value.value] : [];
  });

/** The server with its settings as the pods have them. */
export const settingsAsMade = (server: Server, deployed: Identity | undefined): Server =>
  patchAsMade(envAsMade(server, deployed), deployed);

/**
 * The server's variables as the pods have them, where it is only a guess which of them are secret, now or when the pool
 * was made: those that are the same stay where they are.
 */
function envAsMade(server: Server, deployed: Identity | undefined): Server {
  const words = wordsOf(deployed);
  const { env: values } = server;
  if (words === undefined || values === undefined) return server;
  const names = Object.keys(words);
  const kept = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, likeBefore(value, words[name])]),
  );
  const same =
    names.length === Object.keys(values).length &&
    names.every((name) => JSON.stringify(wordOf(kept[name])) === JSON.stringify(words[name]));
  if (!same) return server;
  const secrets = secretsOf(kept, [...names].sort());
  const before = deployed?.[envDigest];
  const unchanged =
    secrets.length === 0 || secrets.includes(hiddenText) || digestOf(secrets, before) === before;
  return unchanged ? { ...server, env: kept } : server;
}

/** A value that is marked exactly is where its mark says; a guess follows what is deployed. */
function likeBefore(value: EnvValue, word: Word | undefined): EnvValue {
  if (value.from !== "config" || word === undefined) return value;
  const isKept = typeof word === "object" && word.secret === true;
  if (value.secret && value.guessed === true && word === value.value) return { ...value, secret: false };
  return !value.secret && isKept ? { ...value, secret: true } : value;
}

/** Whether two identities have other variables, each as it is shown; undefined: they are the same. */
export function envChange(
  deployed: Identity,
  configured: Identity,
): { field: string; deployed: string; configured: string } | undefined {
  const [before, after] = [deployed[env], configured[env]];
  if (before === after && deployed[envDigest] === configured[envDigest]) return undefined;
  return {
    field: env,
    deployed: shown(deployed, hiddenText),
    configured: shown(configured, before === after ? "(another secret)" : hiddenText),
  };
}

function shown(identity: Identity, secret: string): string {
  const words = wordsOf(identity);
  if (words === undefined) return "nothing";
  const entries = Object.entries(words).map(([name, word]) => [
    name,
    typeof word === "object" && word.secret === true ? secret : word,
  ]);
  return JSON.stringify(Object.fromEntries(entries));
}

/** Variables by name; undefined where the pool has none, or nobody can read them. */
function wordsOf(identity: Identity | undefined): Readonly<Record<string, Word>> | undefined {
  const text = identity?.[env];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as Readonly<Record<string, Word>>;
  } catch {
    return undefined;
  }
}

/** Variables that a config can say again; undefined where one is a secret, which only the user knows. */
export function plainVariables(text: string): Readonly<Record<string, string | object>> | undefined {
  const words = wordsOf({ [env]: text });
  if (words === undefined) return undefined;
  const hides = (word: string | { secret?: unknown }): boolean =>
    typeof word === "string" ? word === hiddenText : word.secret === true;
  return Object.values(words).some((word) => hides(word)) ? undefined : words;
}

/** Settings that make another server of it: what is left differs with the nodes. */
export const serverSettings = ({ env: values, volumes, podPatch }: Server): string =>
  canonical({ env: values ?? {}, volumes: volumes ?? [], podPatch: podPatch ?? {} });

/** JSON whose keys have one order, whatever order the config has. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
