import { allow, fix, pulumiUp, remove, run, set, type Fix } from "../config-edits";
import { trafficEvidence } from "../drift";
import type { Draft, Finding, RoutedPool, Rule } from "../model";
import type { DeploymentRecord, Observed } from "../observed";
import { offOtherRoutes, otherTraffic } from "../rival-routes";
import { readRoutes } from "./other-route-rules";
import type { ServiceConfig } from "../service-config";
import { liveShares, sameShares, shareText } from "../shares";
import { waivedBy } from "../waivers";

/*
 * How a stack leaves: it hands back what it took over (`allow: [release]`), or is taken down (`allow: [destroy]`). Only
 * what serves no customers is removed.
 */

const releaseCommand = run("npm run rollout -- release");

/** The word in `allow` that lets such a route be deleted. */
export const deletion = "delete-taken-over-route";

/** A route that was here before the stack stays when the stack goes. */
const takenOverRoute: Rule = {
  id: "taken-over-route",
  summary: `\`allow: [destroy]\` lets a stack delete the customers' route, but this route existed before the stack did. Without
it, every request to the service fails.`,
  fix: "Leave with `npm run rollout -- release`: it hands the route back as it was, still serving, and removes the rest.",
  waiver: {
    name: deletion,
    use: "The route is deleted with the stack: for a service that is shut down for good.",
  },
  check: (config, { route, record }) =>
    route?.takenOver === true && config.allow.includes("destroy") && !isDeletedOnPurpose(config, record)
      ? [
          {
            found: `the config allows HTTPRoute ${config.namespace}/${config.route} to be deleted, but it existed before this stack, which took it over: every request would fail`,
            fix: fix`leave and hand it back: ${releaseCommand}; to shut the service down for good, allow that too: ${allow(deletion, config.allow.length)}`,
          },
        ]
      : [],
};

/** `pulumi destroy --run-program` plans again after the update that waived it. */
const isDeletedOnPurpose = ({ allow: words }: ServiceConfig, record: DeploymentRecord | undefined): boolean =>
  words.includes(deletion) && record?.waived.some((word) => waivedBy(word) === deletion) === true;

const releaseServing: Rule = {
  id: "release-serving",
  summary: `\`allow: [release]\` (written by \`npm run rollout -- release\`) prepares a stack to leave: what it took over stays, and
everything else is removed. That is possible only while nothing that the stack created serves customers: none of its
pools has a share or is named by another route, and the stack did not create the cluster. The update that prepares it moves no
traffic.`,
  fix: "Send the traffic to a pool that was created outside the stack first; the message has the commands.",
  check: (config, observed, draft) =>
    config.allow.includes("release") ? obstacles(config, observed, draft) : [],
};

function obstacles(config: ServiceConfig, observed: Observed, draft: Draft): Finding[] {
  const own = observed.pools.filter(({ owned }) => owned);
  // Going back all the way is never held up: afterwards nothing of this stack serves.
  const goesBack = draft.candidateFalls && own.every(({ name }) => (draft.shares[name] ?? 0) === 0);
  const serving = (goesBack ? [] : own).flatMap((pool) => {
    const evidence = trafficEvidence(pool.name, observed);
    return evidence === undefined
      ? []
      : [
          {
            found: `pool ${pool.name} was created by this stack, and ${evidence}`,
            fix: wayOff(pool, config, observed),
          },
        ];
  });
  const sent = own.flatMap((pool) => {
    const senders = otherTraffic(pool, observed);
    return senders === undefined
      ? []
      : [
          {
            found: `pool ${pool.name} was created by this stack, and ${senders}`,
            fix: offOtherRoutes(pool, observed),
          },
        ];
  });
  const isWaived = config.allow.includes("routes-unknown");
  const unseen = (isWaived ? [] : (observed.others?.unseen ?? [])).map((text) => ({
    found: `${text}: a route that the program cannot see may send requests to pools that would be removed`,
    fix: fix`${readRoutes}; or allow it: ${allow("routes-unknown", config.allow.length)}`,
  }));
  return [
    ...cluster(observed),
    ...waivers(config),
    ...serving,
    ...sent,
    ...unseen,
    ...(goesBack ? [] : moves(observed, draft)),
  ];
}

function cluster({ cluster: found }: Observed): Finding[] {
  return found?.created === true
    ? [
        {
          found: "the cluster was created by this stack: everything that serves runs in it",
          fix: fix`to take everything down: ${run("npm run rollout -- destroy")}; to leave only the service, split the stack first (role: platform and role: service, docs/teams.md)`,
        },
      ]
    : [];
}

const waivers = ({ allow: words }: ServiceConfig): Finding[] =>
  words.includes("destroy")
    ? [
        {
          found: "the config allows both release and destroy",
          fix: fix`${remove(["allow", words.indexOf("destroy")])}`,
        },
      ]
    : [];

/** How a pool of this stack loses its customers to one that was created outside it. */
function wayOff({ name }: RoutedPool, config: ServiceConfig, observed: Observed): Fix {
  const { candidate, stable } = config;
  const back = stable === name ? undefined : config.pools[stable];
  if (back?.existing === true && (candidate === name || observed.record?.candidate === name)) {
    return fix`move its traffic back to ${stable}: ${run("npm run rollout -- rollback")} (or ${[set("weight", 0), pulumiUp]})`;
  }
  return fix`roll out to a pool that was created outside this stack (${set(["pools", "NAME", "existing"], true)}, ${set("candidate", "NAME")}), or keep the stack: it is the one that serves`;
}

function moves(observed: Observed, { shares }: Draft): Finding[] {
  const live = liveShares(observed);
  // An owner who has taken the pools out of the route has ended what there was to release.
  const isOut = observed.route?.kept !== undefined && Object.keys(live).length === 0;
  if (observed.route === undefined || isOut || sameShares(live, shares)) return [];
  return [
    {
      found: `the live route sends ${shareText(live)}, but the config says ${shareText(shares)}: a release moves no traffic`,
      fix: fix`make them agree first: run ${pulumiUp} without release`,
    },
  ];
}

export const releaseRules: readonly Rule[] = [takenOverRoute, releaseServing];
