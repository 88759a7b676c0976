import type { z } from "zod";
import { endpointNames } from "../answers/endpoints";
import type { GateConfig } from "../plan/service-config";
import { integer, matching, object, oneOf, optional, section, withDefault } from "./fields";

/* The gate: what a candidate must prove before its share rises. */

export const gateSchema = object({
  via: withDefault(oneOf(["gateway", "api-server", "off"]), "gateway", {
    description:
      "How the program checks the candidate before its share rises: `gateway` sends it requests through the gateway, `api-server` reads the state of its pods, `off` checks nothing.",
    example: "gateway",
  }),
  endpoint: withDefault(oneOf(endpointNames), "completions", {
    description:
      "The API that the models serve and clients use: the gate sends such requests to the candidate, `npm run rollout -- verify --traffic` to the service.",
    example: "embeddings",
  }),
  names: withDefault(oneOf(["listed", "declared"]), "listed", {
    description:
      "The model names that the candidate must serve. `listed`: those in the config, and those that the stable pool lists in `/v1/models`. `declared`: only those in the config, for servers without such a list.",
    example: "declared",
  }),
  apiKey: optional(matching(/^[\x20-\x7e]+$/, "an API key, in printable ASCII"), {
    description:
      "API key of the model servers, sent as `Authorization: Bearer`. Set it as a secret: `pulumi config set --secret --path gate.apiKey` prompts for it.",
    default: "no key is sent",
    example: "VALUE",
    secret: true,
  }),
  address: optional(
    matching(
      /^[^\s/:]+:(6553[0-5]|655[0-2]\d|65[0-4]\d\d|6[0-4]\d{3}|[1-5]\d{4}|[1-9]\d{0,3})$/,
      "host:port, with a port from 1 to 65535",
    ),
    {
      description: "Where the gate connects instead of the gateway's own address: a tunnel or a proxy.",
      default: "the gateway's address",
      example: "localhost:8443",
    },
  ),
  timeoutSeconds: withDefault(integer(1, 86_400, "seconds"), 600, {
    description: "How long the gate waits for the candidate.",
    example: 600,
  }),
});

export const gateKeys = {
  gate: section(gateSchema, {
    description: "What the candidate must prove before its share of the traffic rises.",
    default: "a check through the gateway",
    example: { endpoint: "chat" },
    keptOnRollback: true,
  }),
};

export function resolveGate({ apiKey, address, ...gate }: z.infer<typeof gateSchema>): GateConfig {
  return {
    ...gate,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(address === undefined ? {} : { address }),
  };
}
