import { clientNames } from "../../stacks/plan/client-names";
import type { GateConfig } from "../../stacks/plan/service-config";
import { endpointOf } from "../../components/gateways/endpoint";
import { rolesOf, own, valueOf } from "../steps/values";
import { platformOf } from "../pulumi/live";
import { gateSchema } from "../../stacks/config/gate-keys";
import { resolveValues } from "../steps/resolve-values";
import { wayOut } from "../../stacks/messages/ways-out";
import { Interruption } from "../terminal/interruption";
import { sendLoad, type Load } from "../traffic/measure";
import { targetOf, type Target } from "../traffic/outcome";
import { describeVerdict, judge } from "../traffic/verdict";
import { refused } from "./carry-out";
import type { CommonOptions, Session } from "./session";

export interface VerifyOptions extends CommonOptions {
  traffic?: boolean;
  requests: number;
  seconds: number;
  concurrency: number;
  streams: number;
  model?: string[];
  address?: string;
  poolHeader?: string;
}

/** `verify --traffic`: asks the service as its customers do, and judges the split and the failures. */
export async function runVerify(session: Session, options: VerifyOptions): Promise<number> {
  const { screen, deployed, values } = session;
  if (options.traffic !== true) {
    const found = "verify sends requests to the live service, so it needs --traffic";
    return refused(session, "Nothing was sent.", [{ found, fix: "npm run rollout -- verify --traffic" }]);
  }
  const gate = await gateOf(session);
  const target = await findTarget(session, options.address ?? gate.address);
  const models = options.model ?? modelsOf(session);
  if ("found" in target) return refused(session, "Nothing was sent.", [target]);
  if (models.length === 0) {
    const found = "the config does not say which model the stable pool serves";
    return refused(session, "Nothing was sent.", [{ found, fix: "--model NAME" }]);
  }
  const load: Load = {
    requests: options.requests,
    seconds: options.seconds,
    concurrency: options.concurrency,
    streams: options.streams,
    models,
    tokens: { plain: 4, stream: 64 },
    ...(options.poolHeader === undefined ? {} : { poolHeader: options.poolHeader }),
    endpoint: gate.endpoint,
    ...(gate.apiKey === undefined ? {} : { apiKey: gate.apiKey }),
  };
  const interruption = new Interruption(
    () => undefined,
    () => process.exit(130),
  );
  const title = `up to ${load.requests} requests in ${load.seconds} s to ${target.host}:${target.port}`;
  const outcomes = await screen.task(title, (say) =>
    interruption.during(() => sendLoad(target, load, { say, signal: interruption.signal })),
  );
  const candidate = deployed?.candidate ?? rolesOf(values).candidate;
  const weight = candidate === undefined ? 0 : (deployed?.weights[candidate] ?? 0);
  const verdict = judge(outcomes, {
    expected: weight / 100,
    ...(candidate === undefined ? {} : { candidate }),
  });
  for (const line of describeVerdict(verdict)) screen.line(line);
  for (const kind of verdict.faults) {
    const out = wayOut(
      { kind },
      { api: gate.endpoint, ...(gate.apiKey === undefined ? {} : { apiKey: gate.apiKey }) },
    );
    if (out !== undefined) screen.line(`fix         ${out}`);
  }
  screen.result({ ...verdict, ...(candidate === undefined ? {} : { candidate }), weight });
  return verdict.ok ? 0 : 1;
}

/** Where customers reach the service, by the gateway that it stands behind. */
async function findTarget(
  { engine, values, outputs, deployed }: Session,
  address: string | undefined,
): Promise<Target | { found: string; fix: string }> {
  const resolved = resolveValues(values);
  if (resolved.outcome !== "resolved")
    return { found: resolved.mistakes.join("; "), fix: "fix the config first" };
  const { config } = resolved;
  const { gateway } = await platformOf(engine, config, outputs);
  if (gateway === undefined) {
    return { found: "the platform stack's outputs have no gateway", fix: "pulumi up in the platform stack" };
  }
  const instead = address ?? config.service.gate.address;
  if (instead === undefined && (deployed?.address ?? "") === "") {
    return { found: "the stack's outputs have no address", fix: "pulumi up, or --address HOST:PORT" };
  }
  return targetOf(endpointOf(gateway, instead), deployed?.address ?? "");
}

/** Every name that the stable pool's clients ask for, as far as the config declares them. */
function modelsOf({ values }: Session): string[] {
  const resolved = resolveValues(values);
  return resolved.outcome === "resolved" ? clientNames(resolved.config.service) : [];
}

/** How the models are asked. A gate with a key in it is a secret as a whole: only the CLI can read it. */
async function gateOf({
  engine,
  values,
}: Session): Promise<Pick<GateConfig, "endpoint" | "apiKey" | "address">> {
  const entry = values[own("gate")];
  const found = entry?.secret === true ? await engine.secret("gate") : valueOf(values, "gate");
  const { endpoint, apiKey, address } = gateSchema.safeParse(found).data ?? gateSchema.parse({});
  return {
    endpoint,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(address === undefined ? {} : { address }),
  };
}
