import type { Asked } from "./pod-specs";

/** As components/rollout-plan.ts registers it. The pack is published by itself, so it has the name itself. */
export const rolloutPlanType = "inference-rollout:index:RolloutPlan";

interface RolloutPlan {
  stable?: string;
  candidate?: string;
  weight?: number;
  previousWeight?: number;
  removed?: readonly { pool?: string; share?: number }[];
}

const planOf = ({ type, props }: Asked): RolloutPlan | undefined =>
  type === rolloutPlanType ? props : undefined;

/** A step up that is larger than allowed, in percent of the traffic. Going back may be as quick as it can. */
export function tooLargeStep(asked: Asked, largest: number): string[] {
  const plan = planOf(asked);
  if (plan === undefined) return [];
  const { candidate = "the candidate", weight = 0, previousWeight = 0 } = plan;
  const step = weight - previousWeight;
  if (step <= largest) return [];
  return [
    `${candidate} would go from ${previousWeight} to ${weight} % of the traffic at once; ${largest} percent a step are allowed: npm run rollout -- next --to ${previousWeight + largest}`,
  ];
}

/** Pools that would be removed while customers are connected to them. */
export function removedUnderTraffic(asked: Asked): string[] {
  return (planOf(asked)?.removed ?? [])
    .filter(({ share = 0 }) => share > 0)
    .map(
      ({ pool, share = 0 }) =>
        `pool ${pool ?? "(unnamed)"} would be removed and has ${share} % of the traffic; take the weight off it in an update before: npm run rollout -- rollback`,
    );
}
