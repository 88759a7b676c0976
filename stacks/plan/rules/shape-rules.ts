import { engines } from "../../../components/engines/catalogue";
import { fix, pulumiUp, run, set, type Fix } from "../config-edits";
import { factorFor, keptBackends, matchesOf, rulesWith, type KeptRoute, type LiveRule } from "../kept-route";
import type { Draft, Finding, Rule } from "../model";
import type { Observed } from "../observed";
import { hostnameKey } from "../adoption";
import type { ServiceConfig } from "../service-config";
import { shareText } from "../shares";

/* What a route that keeps its owner's shape cannot do. */

const edit = ({ namespace, route }: ServiceConfig): string =>
  `kubectl edit httproute -n ${namespace} ${route}`;

/** The owner's rules leave nothing, or too little, for this stack to write. */
const routeShape: Rule = {
  id: "route-shape",
  summary: `The customers' route was created outside this stack and keeps its shape: this stack writes only the weights of its
pools. As the route is now, it cannot say the split: no rule names the pools any more; or a rule has other backends
beside the pools, whose weights stay, and the pools' part in it is not a number that splits into whole weights; or it
has more matches than the candidate's preview route can repeat; or the route no longer attaches to the Gateway or hostname that the config names. Going back and leaving are not refused
for the last reason, and wait for no Gateway.`,
  fix: "Change the route as the message says. To go back to weight 0 is always possible while a rule names the pools.",
  check: (config, observed, draft) => {
    const { kept, foreign, differences } = observed.route ?? {};
    // What stands against taking a route over is another rule's to say.
    if (kept === undefined || foreign === true || config.allow.includes("destroy")) return [];
    if (keptBackends(kept).length === 0)
      return config.allow.includes("release") ? [] : [withoutPools(config, draft)];
    const leaves = draft.candidateFalls || config.allow.includes("release");
    const outside = leaves ? [] : (differences?.attachment ?? []);
    return [
      ...(draft.candidate === undefined || draft.candidateFalls ? [] : tooManyMatches(config, kept)),
      ...rulesWith(kept, draft.backends).coarse.map(({ at, factor }) =>
        tooCoarse(config, kept, draft, { at, factor }),
      ),
      ...outside.map((found) => ({
        found: `${found}: the owner of HTTPRoute ${config.namespace}/${config.route} decides where it attaches`,
        fix: otherPlace(config, observed.others?.gateway.configurable ?? true),
      })),
    ];
  },
};

function withoutPools(config: ServiceConfig, { stable, candidate }: Draft): Finding {
  const names = [stable, ...(candidate === undefined ? [] : [candidate])];
  return {
    found: `no rule of HTTPRoute ${config.namespace}/${config.route} sends requests to ${names.map(({ namespace, name }) => `${namespace}/${name}`).join(" or ")} any more, and this stack adds no rules to a route that was created outside it`,
    fix: fix`put a backendRef for ${stable.name} back into the rules that the customers use (${edit(config)}), then ${pulumiUp}`,
  };
}

/** Gateway API: matches of a rule, and headers of a match. */
const most = { matches: 64 - 3, headers: 16 };

/** The preview route repeats the matches beside its own three, each with one header more: else the longer path would win. */
function tooManyMatches(config: ServiceConfig, kept: KeptRoute): Finding[] {
  const matches = matchesOf(kept);
  const fits =
    matches.length <= most.matches && matches.every(({ headers = [] }) => headers.length < most.headers);
  return fits
    ? []
    : [
        {
          found: `the rules of HTTPRoute ${config.namespace}/${config.route} that name the pools have ${matches.length} matches; the candidate's preview route, which repeats each of them with a header more, can have ${most.matches}, with ${most.headers - 1} headers each`,
          fix: fix`put some of the matches into rules of another route, or join them (${edit(config)})`,
        },
      ];
}

function tooCoarse(
  config: ServiceConfig,
  kept: KeptRoute,
  { shares }: Draft,
  { at, factor }: { at: number; factor: number },
): Finding {
  const weights = (kept.rules[at]?.rule.backendRefs ?? []).map(({ weight }) => weight ?? 1);
  const patch = weights.map((weight, i) => ({
    op: "add",
    path: `/spec/rules/${at}/backendRefs/${i}/weight`,
    value: weight * factor,
  }));
  return {
    found: `rules[${at}] of HTTPRoute ${config.namespace}/${config.route} has other backends beside the pools, and its weights (${weights.join(", ")}) cannot be split into ${shareText(shares)}`,
    fix: fix`multiply all weights of the rule by ${factor}, which changes nobody's share: ${run(`kubectl patch httproute -n ${config.namespace} ${config.route} --type json -p '${JSON.stringify(patch)}'`)}`,
  };
}

const otherPlace = (config: ServiceConfig, hasOwnGateway: boolean): Fix =>
  fix`set the Gateway and hostname by which the route is reached (${[...(hasOwnGateway ? [set("gateway.name", "NAME")] : []), set(hostnameKey(config, hasOwnGateway), "HOSTNAME")]}), or attach the route there (${edit(config)})`;

/** A path behind which adapters would be loaded by whoever asks. */
const openAdapterPaths: Rule = {
  id: "open-adapter-paths",
  summary: `A pool loads adapters, and the customers' route, which keeps its owner's shape, has a rule that leads to the
model servers' paths for loading and unloading adapters: it rewrites paths, matches them by regular expression, or names
such a path itself. This stack closes those paths by a route of its own, and such a rule takes precedence over it.`,
  fix: "Take that rule out of the route, or roll out adapters through a route that this stack creates.",
  check: (config, { route }, { pools, candidateFalls }) => {
    const loading = pools.find(({ pool }) => pool.adapters)?.pool.name;
    if (route?.kept === undefined || loading === undefined || candidateFalls) return [];
    return route.kept.rules.flatMap(({ rule, ours }, at) => {
      const why = ours.length === 0 ? undefined : opens(rule);
      return why === undefined
        ? []
        : [
            {
              found: `pool ${loading} loads adapters, and rules[${at}] of HTTPRoute ${config.namespace}/${config.route} ${why}: customers could load and unload adapters`,
              fix: fix`take it out of the route (${edit(config)}), or roll out adapters by a service whose route its stack creates`,
            },
          ];
    });
  },
};

/** Why a rule takes requests before those paths are closed; undefined: it does not. */
function opens(rule: LiveRule): string | undefined {
  const filters = [
    ...((rule["filters"] ?? []) as { urlRewrite?: { path?: object } }[]),
    ...(rule.backendRefs ?? []).flatMap(
      (ref) => (ref["filters"] ?? []) as { urlRewrite?: { path?: object } }[],
    ),
  ];
  if (filters.some(({ urlRewrite }) => urlRewrite?.path !== undefined)) return "rewrites the path";
  const closed = engines.flatMap(({ adminPaths }) => adminPaths.filter((path) => path.includes("adapter")));
  const { matches = [] } = rule;
  if (matches.some(({ path }) => path?.type !== undefined && !["Exact", "PathPrefix"].includes(path.type)))
    return "matches paths by a regular expression";
  const named = matches.find(({ path }) => closed.some((prefix) => (path?.value ?? "/").startsWith(prefix)));
  return named === undefined ? undefined : `matches ${named.path?.value ?? ""}`;
}

export const shapeRules: readonly Rule[] = [routeShape, openAdapterPaths];

/** What a person should know of the route that keeps its shape. */
export function shapeNotes(config: ServiceConfig, { route }: Observed): string[] {
  const kept = route?.kept;
  if (kept === undefined) return [];
  const name = `HTTPRoute ${config.namespace}/${config.route}`;
  const edited = kept.digestBefore !== undefined && kept.digestBefore !== kept.digest;
  return [
    ...(edited
      ? [
          `${name} was changed by its owner since the last update: this update keeps the change, and writes only the weights of this stack's pools`,
        ]
      : []),
    ...[...beside(kept), ...sticky(kept)].map((text) => `${name}: ${text}`),
  ];
}

/** Which steps the pools' part of a rule allows, where it does not allow all. */
function stepsOf(total: number): string {
  const factor = factorFor(total);
  return factor === 1 || total === 0
    ? ""
    : `, in steps of ${factor} % (of 1 % once all weights of the rule are multiplied by ${factor})`;
}

/** Sessions that a rule keeps together stay where they began. */
const sticky = ({ rules }: KeptRoute): string[] =>
  rules.flatMap(({ rule, ours }, at) =>
    ours.length === 0 || rule["sessionPersistence"] === undefined
      ? []
      : [
          `rules[${at}] has sessionPersistence: a new weight counts for new sessions only, also on the way back`,
        ],
  );

/** What its split does not reach. */
function beside(kept: KeptRoute): string[] {
  return kept.rules.flatMap(({ rule, ours }, at) => {
    const refs = rule.backendRefs ?? [];
    const others = refs.filter((ref, i) => !ours.includes(i) && (ref.weight ?? 1) > 0);
    if (others.length === 0) return [];
    const names = others.map(({ kind, name }) => `${kind ?? "Service"} ${name}`).join(", ");
    const all = refs.reduce((sum, { weight }) => sum + (weight ?? 1), 0);
    const own = refs.filter((_, i) => ours.includes(i)).reduce((sum, { weight }) => sum + (weight ?? 1), 0);
    return ours.length === 0
      ? [`rules[${at}] sends its requests to ${names}: they are not part of the split`]
      : [
          `rules[${at}] also sends to ${names}: this stack's pools split the ${Number(((100 * own) / all).toFixed(2))} % that they have there together${stepsOf(own)}`,
        ];
  });
}
