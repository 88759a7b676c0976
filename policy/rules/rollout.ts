import type { Asked } from "./pod-specs";

/** The type that components/route/rollout-plan.ts registers; repeated here because the pack is published separately. */
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

/** A step up that is larger than allowed, in percentage points of the traffic. Steps down have no limit. */
export function tooLargeStep(asked: Asked, largest: number): string[] {
  const plan = planOf(asked);
  if (plan === undefined) return [];
  const { candidate = "the candidate", weight = 0, previousWeight = 0 } = plan;
  const step = weight - previousWeight;
  if (step <= largest) return [];
  return [
    `${candidate} would go from ${previousWeight} to ${weight} % of the traffic in one update; at most ${largest} percentage points are allowed: npm run rollout -- next --to ${previousWeight + largest}`,
  ];
}

/** Pools that would be removed while they get traffic. */
export function removedUnderTraffic(asked: Asked): string[] {
  return (planOf(asked)?.removed ?? [])
    .filter(({ share = 0 }) => share > 0)
    .map(
      ({ pool, share = 0 }) =>
        `pool ${pool ?? "(unnamed)"} would be removed while it gets ${share} % of the traffic; move its traffic away in an earlier update: npm run rollout -- rollback`,
    );
}
