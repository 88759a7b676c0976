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
        ? `the model servers require an API key: ${secretCommand("gate.apiKey")} (prompts for the key)`
        : `the model servers reject the key in gate.apiKey: ${secretCommand("gate.apiKey")} (prompts for a new one)`;
    case "endpoint": {
      const others = endpointNames.filter((name) => name !== api);
      // A model that serves no completions most often makes embeddings.
      const likely = api === "embeddings" ? "completions" : "embeddings";
      return `if its models do not serve ${api}, set the API that they serve: ${setCommand("gate.endpoint", likely)} (or ${others.filter((name) => name !== likely).join(", ")})`;
    }
    default:
      return undefined;
  }
}
