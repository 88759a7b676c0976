import { PolicyPack, type ReportViolation, type ResourceValidationArgs } from "@pulumi/policy";
import { unpinnedImages } from "./rules/images";
import { clearTextListeners } from "./rules/listeners";
import { removedUnderTraffic, tooLargeStep } from "./rules/rollout";
import { plainSecrets } from "./rules/secrets";

// What the rules find becomes what the engine is told; nothing is decided here.

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
      description: "A candidate's share of the traffic rises by no more than this in one update.",
      enforcementLevel: "mandatory",
      configSchema: {
        properties: {
          percent: {
            type: "integer",
            minimum: 1,
            maximum: 100,
            default: 40,
            description: "Percent of all traffic. The default is the largest step of the default ladder.",
          },
        },
      },
      validateResource: validate((args) => tooLargeStep(args, args.getConfig<{ percent: number }>().percent)),
    },
    {
      name: "no-removal-under-traffic",
      description: "No pool is removed that customers are connected to.",
      enforcementLevel: "mandatory",
      validateResource: validate(removedUnderTraffic),
    },
    {
      name: "no-clear-text-public-listener",
      description: "Nothing is opened to the world in clear text.",
      enforcementLevel: "mandatory",
      validateResource: validate(clearTextListeners),
    },
    {
      name: "images-pinned",
      description: "Every image has a version or a digest, so that pods of one pool are the same.",
      enforcementLevel: "mandatory",
      configSchema: {
        properties: {
          requireDigest: { type: "boolean", default: false, description: "Whether a version is not enough." },
        },
      },
      validateResource: validate((args) =>
        unpinnedImages(args, args.getConfig<{ requireDigest: boolean }>()),
      ),
    },
    {
      name: "no-plain-secrets",
      description: "No secret stands in a pod spec as it is.",
      enforcementLevel: "mandatory",
      validateResource: validate(plainSecrets),
    },
  ],
});
