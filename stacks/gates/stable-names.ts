import { setCommand } from "../messages/edits";
import type { ListedModel } from "../answers/list";
import { listOf, unreachablePrefix, type Way } from "./asking";
import { wordsOf, type AskingRound } from "./asking-round";
import type { ClusterReader } from "../state/cluster-reader";
import { poolsPath } from "../state/paths";
import { rewrittenNames } from "../state/rewrites";
import { isReady, isSelected, selectorOf } from "../state/selectors";

/*
 * Names that clients use today, also those that nobody declared: names that the stable pool's servers were
 * started with, adapters that were loaded while they ran, names that its picker rewrites. The program asks the pool itself,
 * through a rule of the preview route that leads only to it: what the service lists may be the candidate's list.
 */

export interface StableTask {
  pool: { name: string; namespace: string };
  /** Leads to the stable pool, whatever the weight is. */
  header: { name: string; value: string };
  /** Versions of this stack's adapters, as they are loaded: clients ask by the adapter's name. */
  versions: readonly string[];
  /** The commands that go on without the stable pool's list. */
  without: string;
  /** How the candidate can be made to answer for one more name. */
  remedy: Remedy;
}

/**
 * aliases: by the picker that this stack makes for it; `next` is the place of the next alias in the config, and `model`
 * says whether the config knows what the candidate's servers call their model. theirs: somebody else has to.
 */
export type Remedy = { by: "aliases"; next: number; model: boolean } | { by: "theirs" };

/** A name that clients may use on the stable pool. */
type StableName = ListedModel;

/** The pool picks one of its servers for each request by chance. */
const batch = 10;

/**
 * How many times to request a pool's list: three requests a server miss a name that only one server has (an adapter
 * that somebody loaded there by hand) with a probability of 5 %, and a bound keeps a large pool quick.
 */
export function asksFor(servers: number): number {
  return Math.min(60, Math.max(4, 3 * servers));
}

/** Seconds for which a list counts: adapters come and go while the gate waits. */
const listLives = 10;

/** The stable pool's names in the course of one gate. */
export class StableNames {
  private known: { at: number; names: readonly StableName[] } | undefined;

  constructor(
    private readonly reader: ClusterReader,
    private readonly task: StableTask,
  ) {}

  /**
   * @param declared names that the candidate is asked for anyway.
   * @param round in which the candidate is asked.
   * @returns what the candidate lacks, or why the stable pool could not be asked.
   */
  async missing(candidate: Way, declared: readonly string[], round: AskingRound): Promise<string[]> {
    const names = await this.names(candidate);
    if (typeof names === "string") {
      return names.startsWith(unreachablePrefix)
        ? [names]
        : [`${names}; to continue without this check: ${this.task.without}`];
    }
    if (names.length === 0 && declared.length === 0) {
      const { name } = this.task.pool;
      return [
        `${name} lists no models; set the model that it serves: ${setCommand(`pools.${name}.model`, "MODEL")}`,
      ];
    }
    const asked = names.filter(({ name }) => !declared.includes(name) && !this.task.versions.includes(name));
    if (asked.length === 0) return [];
    const [answers, listed] = await Promise.all([
      round.ask(
        candidate,
        asked.map(({ name }) => name),
      ),
      // Some engines answer a name that they do not know with their base model: of an adapter their list has to tell.
      asked.some(({ parent }) => parent !== undefined) ? listOf(candidate) : [],
    ]);
    if (typeof listed === "string") return [listed];
    const words = wordsOf(candidate, answers);
    const first = words.find((text) => text.startsWith(unreachablePrefix));
    if (first !== undefined) return [first];
    const unlisted = asked.filter(
      ({ name, parent }, i) =>
        answers[i]?.came === "answer" && parent !== undefined && !listed.some((model) => model.name === name),
    );
    const lacks = asked.filter((model, i) => "text" in (answers[i] ?? {}) || unlisted.includes(model));
    return [
      ...words,
      ...unlisted.map(({ name }) => `${candidate.who} does not list ${name} as loaded`),
      ...(lacks.length === 0 ? [] : [await this.remedies(candidate, lacks)]),
    ];
  }

  private async names(candidate: Way): Promise<readonly StableName[] | string> {
    if (this.known !== undefined && performance.now() - this.known.at < listLives * 1000)
      return this.known.names;
    const names = await this.ask(candidate);
    if (typeof names !== "string") this.known = { at: performance.now(), names };
    return names;
  }

  private async ask(candidate: Way): Promise<readonly StableName[] | string> {
    const { pool, header } = this.task;
    const [live, pods, rewritten] = await Promise.all([
      this.reader.get(`${poolsPath(pool.namespace)}/${pool.name}`),
      this.reader.list(`/api/v1/namespaces/${pool.namespace}/pods`),
      rewrittenNames(this.reader, pool),
    ]);
    const unknown = `cannot read the model names that ${pool.name} serves`;
    if (live === undefined)
      return `there is no InferencePool ${pool.name} in namespace ${pool.namespace}: ${unknown}`;
    const selector = selectorOf(live);
    const servers = pods.filter((pod) => isSelected(pod, selector) && isReady(pod)).length;
    if (servers === 0) return `no model server of ${pool.name} is ready: ${unknown}`;
    const stable: Way = { ...candidate, who: pool.name, header };
    const names = new Map<string, StableName>(rewritten.map((name) => [name, { name }]));
    for (let left = asksFor(servers); left > 0; left -= batch) {
      const lists = await Promise.all(Array.from({ length: Math.min(batch, left) }, () => listOf(stable)));
      for (const list of lists) {
        if (typeof list === "string") return list;
        for (const model of list) names.set(model.name, model);
      }
    }
    return [...names.values()];
  }

  private async remedies(candidate: Way, lacks: readonly StableName[]): Promise<string> {
    const { pool, remedy, without } = this.task;
    const bases = lacks.filter(({ parent }) => parent === undefined).map(({ name }) => name);
    const adapters = lacks.filter(({ parent }) => parent !== undefined).map(({ name }) => name);
    const listed =
      remedy.by === "aliases" && !remedy.model && bases.length > 0 ? await listOf(candidate) : [];
    const own =
      typeof listed === "string" ? undefined : listed.find(({ parent }) => parent === undefined)?.name;
    const ways = [
      ...(bases.length === 0 ? [] : [keepCommand(candidate.who, bases, remedy, own)]),
      ...(adapters.length === 0
        ? []
        : [
            `load the adapter ${adapters.join(", ")} in every server of ${candidate.who}, as in ${pool.name}`,
          ]),
    ];
    return `${pool.name} serves ${lacks.map(({ name }) => name).join(", ")}, and clients may use it: ${ways.join("; ")}; to drop it: ${without}`;
  }
}

/** How the candidate is made to answer for names of the base model. @param own what its servers call their model. */
export function keepCommand(
  candidate: string,
  names: readonly string[],
  remedy: Remedy,
  own: string | undefined,
): string {
  if (remedy.by === "theirs") {
    return `restart the servers of ${candidate} with these names in --served-model-name too`;
  }
  const model = remedy.model ? [] : [setCommand(`pools.${candidate}.model`, own ?? "MODEL")];
  const aliases = names.map((name, i) => setCommand(`aliases[${remedy.next + i}]`, name));
  return `to make ${candidate} answer for it with its base model: ${[...model, ...aliases].join(" && ")} && pulumi up`;
}
