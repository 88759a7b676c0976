import type { Allowance } from "../service-config";
import type { Rule } from "../model";
import { adapterRules } from "./adapter-rules";
import { addressRules } from "./address-rules";
import { copyRules } from "./copy-rules";
import { nodeRules } from "./node-rules";
import { otherRouteRules } from "./other-route-rules";
import { ownershipRules } from "./ownership-rules";
import { platformRules } from "./platform-rules";
import { poolRules } from "./pool-rules";
import { readinessRules } from "./readiness-rules";
import { releaseRules } from "./release-rules";
import { rightsRules } from "./rights-rules";
import { rolloutRules } from "./rollout-rules";
import { routeRules } from "./route-rules";
import { serverRules } from "./server-rules";
import { shapeRules } from "./shape-rules";
import { leaving } from "../waivers";

/** Every rule that can refuse an update, in the order in which a person needs to hear of them. */
export const rules: readonly Rule[] = [
  ...platformRules,
  ...ownershipRules,
  ...otherRouteRules,
  ...routeRules,
  ...addressRules,
  ...shapeRules,
  ...releaseRules,
  ...poolRules,
  ...copyRules,
  ...serverRules,
  ...nodeRules,
  ...rightsRules,
  ...rolloutRules,
  ...readinessRules,
  ...adapterRules,
];

/** The words that `allow` takes: each waives a rule for one update, but for those of a stack that leaves. */
export const allowances: readonly Allowance[] = [
  ...new Set(rules.flatMap(({ waiver }) => (waiver === undefined ? [] : [waiver.name]))),
  ...leaving,
];
