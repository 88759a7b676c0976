import { secretCommand, setCommand } from "./edits";
import { endpointNames, type EndpointName } from "../answers/endpoints";
import type { Fault } from "../answers/fault";

/** What the config says of how its models are asked. */
export interface Asked {
  api: EndpointName;
  apiKey?: string;
}

/** What to do about a fault that the config can do something about; undefined: it cannot. */
export function wayOut({ kind }: Pick<Fault, "kind">, { api, apiKey }: Asked): string | undefined {
  switch (kind) {
    case "key":
      return apiKey === undefined
        ? `the model servers want an API key: ${secretCommand("gate.apiKey")} (it asks for the key)`
        : `the model servers do not take the key in gate.apiKey: ${secretCommand("gate.apiKey")} (it asks for another)`;
    case "endpoint": {
      const others = endpointNames.filter((name) => name !== api);
      // A model that serves no completions most often makes embeddings.
      const likely = api === "embeddings" ? "completions" : "embeddings";
      return `if its models serve no ${api}, say what they serve: ${setCommand("gate.endpoint", likely)} (or ${others.filter((name) => name !== likely).join(", ")})`;
    }
    default:
      return undefined;
  }
}
