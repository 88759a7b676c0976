import { fix, joinFixes, pulumiUp, set, type Fix } from "../config-edits";
import type { Draft, RisingPool, Rule } from "../model";
import type { Observed, ObservedPool } from "../observed";
import type { ServiceConfig } from "../service-config";
import { counted, growCommands, largestShare } from "../other-sizes";
import { asksStable } from "../rising";
import { liveShares, shareIn } from "../shares";
import { fullSize } from "../sizing";

/* Whether a pool is ready for what it gets: refused at once where waiting cannot help, else held by the gate. */

/** A pool of others would get more traffic than the replicas it is asked to have can carry. */
const existingPoolTooSmall: Rule = {
  id: "existing-pool-too-small",
  summary: `A pool created outside this stack would get more traffic than the replicas it is scaled to can carry. Its owner sets its
size: an autoscaler may have shrunk it while the candidate had the traffic. What carries all of the traffic is \`replicas\`
of the pool, or, where the config does not say it, the replicas it had when it last carried all of it. That number is on
the customers' route (annotation \`inference-rollout/carried\`) and in the stack's outputs. The update is refused at once,
because waiting would not grow the pool.`,
  fix: `Scale the pool, or its autoscaler's minimum, and run \`pulumi up\` again. To go back before it has grown, take the step
that the message names: it moves as much as the ready replicas carry, also where the candidate is rolled back.`,
  waiver: {
    name: "unready-stable",
    use: `For the stable pool: all of the traffic goes back at once, whatever the pool can carry. Use it when the candidate is
worse than a stable pool that is too small.`,
  },
  check: (config, observed, draft) =>
    draft.rising.flatMap((rising) => {
      const pool = draft.others.find(({ name }) => name === rising.pool);
      const { needs } = rising;
      if (pool?.replicas === undefined || needs === undefined || pool.replicas >= needs) return [];
      return [
        {
          found: `${foundText(config, observed, pool, rising)}: ${rising.share} % of the traffic needs ${needs}, and this stack does not scale a pool that was created outside it`,
          fix: joinFixes(
            [
              fix`grow it, then go on: ${growCommands(pool, needs)} && ${pulumiUp}`,
              ...steps(config, observed, draft, pool),
            ],
            "; or ",
          ),
          waivable: pool.name === draft.stable.name,
        },
      ];
    }),
};

function foundText(
  config: ServiceConfig,
  observed: Observed,
  pool: ObservedPool,
  { share }: RisingPool,
): string {
  const { name, replicas = 0, readyReplicas = 0, namespace } = pool;
  const full = fullSize(config, observed, name, namespace) ?? 0;
  const why =
    config.pools[name]?.replicas === undefined
      ? `it carried ${share === 100 ? "the" : "all of the"} traffic with ${full}`
      : `pools.${name}.replicas says that ${full} carry all of the traffic`;
  return `pool ${name} is scaled to ${counted(replicas)} (${readyReplicas} ready), and ${why}`;
}

/** The largest step that the ready replicas carry now; none where that is no step. */
function steps(config: ServiceConfig, observed: Observed, draft: Draft, pool: ObservedPool): Fix[] {
  if (draft.candidate === undefined) return [];
  const live = shareIn(liveShares(observed), pool.name);
  const share = largestShare(config, observed, pool, draft.shares[pool.name] ?? 0);
  if (share <= live) return [];
  const stable = pool.name === draft.stable.name;
  const weight = stable ? 100 - share : share;
  const step = [set("weight", weight), pulumiUp];
  return [
    stable
      ? fix`go back as far as its ready replicas carry, at once: ${step} gives it ${share} %`
      : fix`go as far as its ready replicas carry: ${step}`,
  ];
}

/**
 * Going back waits for the stable pool to be ready for what it gets: not refused by the plan, but held by the gate.
 * When it cannot be ready (its nodes are gone, say), only the user can decide that it is still the better pool.
 */
const unreadyStable: Rule = {
  id: "unready-stable",
  summary: `The weight falls, and the stable pool is not ready for the share that it gets back: its model servers are not there, or
still load. The plan does not refuse this; the gate waits for the API server to say that as many are ready as the share
needs, before the route moves. It asks nothing else: going back depends on nothing that a candidate has to prove.`,
  fix: "Wait, or make room for the stable pool's model servers.",
  waiver: {
    name: "unready-stable",
    use: `The route then moves at once, whatever the stable pool is; use it when the candidate is still the worse of the two.`,
  },
  heldBy: "gate",
  example: `The route was not changed: stable pool llm is not ready for 100 % of the traffic after 600 s.
  - 4 of 6 model servers of llm are ready
Fix it and run pulumi up again; or send the traffic there all the same: pulumi config set --path 'allow[0]' unready-stable && pulumi up`,
  check: (_config, _observed, draft) => {
    const rising = draft.rising.find(({ pool }) => pool === draft.stable.name);
    if (rising === undefined) return [];
    return [
      {
        found: `stable pool ${rising.pool} would get ${rising.share} % of the traffic before it is known to be ready`,
        fix: fix`wait until it is ready`,
      },
    ];
  },
};

/**
 * A candidate gets more traffic only where it answers for every name that the stable pool lists. The plan does not
 * refuse this: the gate asks. Only where the stable pool cannot be asked, or a name is to be given up, the user decides.
 * Going back asks nobody.
 */
const stableNames: Rule = {
  id: "stable-names",
  summary: `The candidate would get more traffic, and it does not answer for every model name that the stable pool serves: names
that its servers were started with, adapters that were loaded while they run, names that its picker rewrites, whether the
config declares them or not. The plan does not refuse this; the gate asks the stable pool itself for its list
(\`GET /v1/models\`, through a rule of the preview route that leads to it alone) and the candidate for every name on it.
Going back asks for nothing of this.`,
  remark: `The gate stays closed too where the stable pool cannot be asked, with the reason: none of its servers is ready, they have
no such list, they want an API key (\`gate.apiKey\`).`,
  fix: "Have the candidate answer for the name, with the command in the message; load the adapter in its servers.",
  waiver: {
    name: "stable-names",
    use: `For one update the stable pool is not asked; the names in the config are still. For servers that have no list:
\`gate.names: declared\`.`,
  },
  heldBy: "gate",
  example: `The route was not changed: candidate llm-new is not ready for more traffic after 600 s.
  - llm-new answered 404 for model chat: The model \`chat\` does not exist.
  - llm serves chat, and clients may ask for it: to have llm-new answer for it with its base model: pulumi config set --path 'aliases[0]' chat && pulumi up; to give it up: pulumi config set --path 'allow[0]' stable-names (for one update), or pulumi config set --path 'gate.names' declared (for good: only the names in the config count)
Fix it and run pulumi up again; or go back: pulumi config set weight 0 && pulumi up`,
  check: (config, _observed, { candidate, candidateRises, stable }) => {
    if (candidate === undefined || !candidateRises || !asksStable(config)) return [];
    return [
      {
        found: `${candidate.name} would get ${config.weight} % of the traffic, and whether it answers for every model name that ${stable.name} lists is not checked`,
        fix: fix`wait until the gate has asked`,
      },
    ];
  },
};

export const readinessRules: readonly Rule[] = [existingPoolTooSmall, unreadyStable, stableNames];
