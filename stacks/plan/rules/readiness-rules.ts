import { defaultEngine, engines, pickerNameOf } from "../../../components/engines/catalogue";
import type { ModelServerEngine } from "../../../components/engines/engine";
import { fix, joinFixes, pulumiUp, set, type Fix } from "../config-edits";
import type { Draft, RisingPool, Rule } from "../model";
import type { Observed, ObservedPool } from "../observed";
import type { ServiceConfig } from "../service-config";
import { counted, growFix, largestShare, sizedOutside } from "../other-sizes";
import { asksStable } from "../rising";
import { liveShares, shareIn } from "../shares";
import { fullSize } from "../sizing";

/* Whether a pool is ready for what it gets: refused at once where waiting cannot help, else held by the gate. */

/** A pool created outside this stack would get more traffic than its replicas can carry. */
const existingPoolTooSmall: Rule = {
  id: "existing-pool-too-small",
  summary: `A pool created outside this stack, or one of this stack whose replicas are set from outside it
(\`pools.<name>.replicasOwner\`), would get more traffic than its replicas can serve. Its owner sets its size: an
autoscaler may have scaled it down while the candidate had the traffic. The number needed to serve all of the
traffic is the pool's \`replicas\`, or, without that key, the number it had when it last served all of it. The
customers' route (annotation \`inference-rollout/carried\`) and the stack's outputs store that number. The update is
refused at once, because waiting would not scale the pool up.`,
  fix: `Scale the pool up, or raise its autoscaler's minimum, and run \`pulumi up\` again. To go back before it has scaled
up, take the step that the message names: it moves as much as the ready replicas can serve, even if the candidate is
rolled back.`,
  waiver: {
    name: "unready-stable",
    use: `For the stable pool: all of the traffic goes back at once, whatever the pool can carry. Use it when the candidate is
worse than a stable pool that is too small.`,
  },
  check: (config, observed, draft) =>
    draft.rising.flatMap((rising) => {
      const pool = sizedOutside(draft, observed).find(({ name }) => name === rising.pool);
      const { needs } = rising;
      if (pool?.replicas === undefined || needs === undefined || pool.replicas >= needs) return [];
      return [
        {
          found: `${foundText(config, observed, pool, rising)}: ${rising.share} % of the traffic needs ${needs}, and ${pool.owned ? `${rising.scaledBy ?? "its owner"} sets its replicas` : "this stack does not scale pools created outside it"}`,
          fix: joinFixes(
            [
              fix`scale it up, then continue: ${growFix(pool, needs, [pulumiUp])}`,
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
      ? `it last served ${share === 100 ? "the" : "all of the"} traffic with ${full}`
      : `pools.${name}.replicas says that it needs ${full} to serve all of the traffic`;
  return `pool ${name} is scaled to ${counted(replicas)} (${readyReplicas} ready), but ${why}`;
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
      ? fix`go back as far as its ready replicas can serve (${share} %): ${step}`
      : fix`go as far as its ready replicas can serve: ${step}`,
  ];
}

/**
 * Going back waits for the stable pool to be ready for what it gets: not refused by the plan, but held by the gate.
 * When it cannot be ready (its nodes are gone, say), only the user can decide that it is still the better pool.
 */
const unreadyStable: Rule = {
  id: "unready-stable",
  summary: `The weight falls, and the stable pool is not ready for the share that it gets back: its model servers do not exist
or are still loading. The plan does not refuse this. Instead, the gate waits until the API server reports as many
ready model servers as the share needs, and then the route moves. It checks nothing else: going back depends on
nothing that a candidate must prove.`,
  fix: "Wait, or make room for the stable pool's model servers.",
  waiver: {
    name: "unready-stable",
    use: `The route then moves at once, ready or not. Use it when the candidate is worse than a stable pool that is not ready.`,
  },
  heldBy: "gate",
  example: `The route was not changed: stable pool llm is not ready for 100 % of the traffic after 600 s.
  - 4 of 6 model servers of llm are ready
Fix this and run pulumi up again, or move the traffic without waiting: pulumi config set --path 'allow[0]' unready-stable && pulumi up`,
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
 * Going back needs no answer.
 */
const stableNames: Rule = {
  id: "stable-names",
  summary: `The candidate would get more traffic, but it does not answer for every model name that the stable pool serves: names
that its servers were started with, adapters that were loaded at run time, and names that its picker rewrites,
whether the config declares them or not. The plan does not refuse this. Instead, the gate requests the list from the
stable pool itself (\`GET /v1/models\`, through a rule of the preview route that leads only to that pool) and then
asks the candidate for every name on it. Going back requires none of this.`,
  remark: `The gate also stays closed if it cannot get the list from the stable pool, and prints the reason: none of its
servers is ready, they have no such list, or they require an API key (\`gate.apiKey\`).`,
  fix: "Make the candidate answer for the name, with the command in the message, or load the adapter in its servers.",
  waiver: {
    name: "stable-names",
    use: `For one update the gate does not request the stable pool's list; it still checks the names in the config. For servers
without such a list, set \`gate.names: declared\`.`,
  },
  heldBy: "gate",
  example: `The route was not changed: candidate llm-new is not ready for more traffic after 600 s.
  - llm-new answered 404 for model chat: The model \`chat\` does not exist.
  - llm serves chat, and clients may use it: to make llm-new answer for it with its base model: pulumi config set --path 'aliases[0]' chat && pulumi up; to drop it: pulumi config set --path 'allow[0]' stable-names (for one update), or pulumi config set --path 'gate.names' declared (permanently: only the names in the config count)
Fix this and run pulumi up again, or go back: pulumi config set weight 0 && pulumi up`,
  check: (config, _observed, { candidate, candidateRises, stable }) => {
    if (candidate === undefined || !candidateRises || !asksStable(config)) return [];
    return [
      {
        found: `${candidate.name} would get ${config.weight} % of the traffic, and whether it answers for every model name that ${stable.name} lists is not checked`,
        fix: fix`wait for the gate's check`,
      },
    ];
  },
};

/** Two engines, for an example. */
const [read = defaultEngine, run = defaultEngine] = engines;
const metricsOf = ({ pickerMetrics = [] }: ModelServerEngine): string => pickerMetrics.join(", ");

/** A picker that finds no metrics takes every pod for idle, without an error. */
const blindPicker: Rule = {
  id: "blind-picker",
  summary: `The candidate's share rises, and its model servers do not report the metrics that tell its picker how busy they are: the
picker reads those of another engine (the pods' label \`inference.networking.k8s.io/engine-type\`, else the
engine of the pool), or the servers report none. Such a picker spreads requests without regard to load and cache, and does
not report it. The plan does not refuse this. Instead, the gate requests \`/metrics\` from the candidate's servers through
the preview route, three times for each ready pod; the picker sends each request to a random pod. The gate does not check
this with \`gate.via\` other than \`gateway\`, for a candidate created outside this stack, and if the gateway or the servers
answer 401 or 403.`,
  fix: "Correct the label or `server.engine`, or start the servers with their metrics.",
  waiver: { name: "blind-picker", use: "For one update the gate does not check the metrics." },
  heldBy: "gate",
  example: `The route was not changed: candidate llm-new is not ready for more traffic after 600 s.
  - llm-new does not report ${metricsOf(read)}, which its picker reads (engine ${pickerNameOf(read)}); its servers report ${metricsOf(run)}. Requests would be spread without regard to load: set the label inference.networking.k8s.io/engine-type of its pods, or server.engine, to the engine that they run; to continue without this check: pulumi config set --path 'allow[0]' blind-picker (for one update)
Fix this and run pulumi up again, or go back: pulumi config set weight 0 && pulumi up`,
  check: ({ gate }, _observed, { candidate, candidateRises, pools }) => {
    if (candidate === undefined || !candidateRises || gate.via !== "gateway") return [];
    if (!pools.some(({ pool }) => pool.name === candidate.name)) return [];
    return [
      {
        found: `whether the picker of ${candidate.name} finds the metrics of its pods is not checked`,
        fix: fix`wait for the gate's check`,
      },
    ];
  },
};

export const readinessRules: readonly Rule[] = [
  existingPoolTooSmall,
  unreadyStable,
  stableNames,
  blindPicker,
];
