import type { ServiceConfig, Observed, Draft, Refusal } from "./model";
import { setCommand } from "../messages/mistakes";
import { sameShares, shareText, sharesOf } from "./shares";
import { adoptionOf } from "./adoption";

/**
 * A route that somebody else made is taken over in one step that changes nothing for its customers: same shares,
 * same rules, same gateway. Weights move in the update after it.
 */
export function routeNotOurs(config: ServiceConfig, observed: Observed, draft: Draft): Refusal[] {
  const { route } = observed;
  if (route?.foreign !== true) return [];
  const changes = [...differences(observed, draft)];
  const found = "the customers' route was made by somebody else (nothing on it says that this stack did)";
  if (changes.length > 0) {
    return [
      {
        rule: "route-not-ours",
        found: `${found}, and taking it over would change ${changes.join("; ")}`,
        fix: wayToTakeOver(config, observed, draft),
      },
    ];
  }
  return [
    {
      rule: "route-not-ours",
      found: `${found}; it sends ${shareText(sharesOf(route.backends))}, as the config does`,
      fix: `make sure that nobody else writes it any more (helm, a GitOps controller), then take it over: ${setCommand("allow[0]", "take-over-route")} && pulumi up; if another HTTPRoute serves the customers, name that one instead: ${setCommand("route", "NAME")}, then take it over`,
      waiver: "take-over-route",
    },
  ];
}

/** Commands that make config and route say the same, where that is possible; else why it is not. */
function wayToTakeOver(config: ServiceConfig, observed: Observed, draft: Draft): string {
  const { others } = observed;
  if (others?.customers === undefined) {
    return `make the config say what the route does now (${setCommand("weight", shareNow(observed, draft))}), then take it over; change it afterwards`;
  }
  const adoption = adoptionOf(others.customers, config, observed, others, draft);
  if ("commands" in adoption) {
    return `make the config say what the route does now and take it over: ${adoption.commands.join(" && ")}; change it afterwards`;
  }
  return `it cannot be taken over as it is: ${adoption.obstacles.join("; ")}. Change the route first (kubectl edit httproute -n ${config.namespace} ${config.route})`;
}

function* differences({ route }: Observed, draft: Draft): Generator<string> {
  const live = sharesOf(route?.backends ?? []);
  const wanted = new Map(Object.entries(draft.shares));
  if (!sameShares(live, wanted)) yield `the shares from ${shareText(live)} to ${shareText(wanted)}`;
  for (const { name, namespace } of [draft.stable, draft.candidate].filter((pool) => pool !== undefined)) {
    const elsewhere = route?.backends.find((one) => one.pool === name && one.namespace !== namespace);
    if (elsewhere !== undefined)
      yield `backend ${name} from namespace ${elsewhere.namespace} to ${namespace}`;
  }
  yield* route?.differences?.rules ?? [];
  yield* route?.differences?.attachment ?? [];
}

function shareNow({ route }: Observed, { candidate }: Draft): string {
  const share = candidate === undefined ? 0 : (sharesOf(route?.backends ?? []).get(candidate.name) ?? 0);
  return String(Math.round(share));
}
