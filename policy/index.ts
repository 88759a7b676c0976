import { PolicyPack, type ReportViolation, type ResourceValidationArgs } from "@pulumi/policy";
import { unpinnedImages } from "./rules/images";
import { clearTextListeners } from "./rules/listeners";
import { removedUnderTraffic, tooLargeStep } from "./rules/rollout";
import { plainSecrets } from "./rules/secrets";

// Reports what the rules find to the engine; the rules decide.

type Find = (args: ResourceValidationArgs) => string[];

const validate =
  (find: Find) =>
  (args: ResourceValidationArgs, report: ReportViolation): void => {
    for (const violation of find(args)) report(violation);
  };

new PolicyPack("inference-rollout", {
  policies: [
    {
      name: "largest-step",
      description:
        "One update raises the candidate's share of the traffic by at most this many percentage points.",
      enforcementLevel: "mandatory",
      configSchema: {
        properties: {
          percent: {
            type: "integer",
            minimum: 1,
            maximum: 100,
            default: 40,
            description:
              "Percentage points of all traffic. The default is the largest step of the default ladder.",
          },
        },
      },
      validateResource: validate((args) => tooLargeStep(args, args.getConfig<{ percent: number }>().percent)),
    },
    {
      name: "no-removal-under-traffic",
      description: "No update removes a pool that gets traffic.",
      enforcementLevel: "mandatory",
      validateResource: validate(removedUnderTraffic),
    },
    {
      name: "no-clear-text-public-listener",
      description: "No public listener or Service accepts traffic in clear text.",
      enforcementLevel: "mandatory",
      validateResource: validate(clearTextListeners),
    },
    {
      name: "images-pinned",
      description: "Every image has a version or a digest, so that all pods of a pool run the same image.",
      enforcementLevel: "mandatory",
      configSchema: {
        properties: {
          requireDigest: {
            type: "boolean",
            default: false,
            description: "Require a digest; a version tag is not enough.",
          },
        },
      },
      validateResource: validate((args) =>
        unpinnedImages(args, args.getConfig<{ requireDigest: boolean }>()),
      ),
    },
    {
      name: "no-plain-secrets",
      description: "No pod spec contains a secret in clear text.",
      enforcementLevel: "mandatory",
      validateResource: validate(plainSecrets),
    },
  ],
});
