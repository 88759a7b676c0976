import { clientNames } from "../../stacks/plan/client-names";
import { liveShares, shareIn } from "../../stacks/plan/shares";
import type { GateConfig } from "../../stacks/plan/service-config";
import { endpointOf } from "../../components/gateways/endpoint";
import { rolesOf, own, valueOf } from "../steps/values";
import { patience, platformOf } from "../pulumi/live";
import { clusterReader } from "../../stacks/state/cluster-reader";
import { gateSchema } from "../../stacks/config/gate-keys";
import { resolveValues } from "../steps/resolve-values";
import { wayOut } from "../../stacks/messages/ways-out";
import { Interruption } from "../terminal/interruption";
import { sendLoad, type Load } from "../traffic/measure";
import { targetOf, type Target } from "../traffic/outcome";
import { countedBetween, pickerCounts, type Counts } from "../traffic/picker-counts";
import { describeVerdict, exitStatus, judge } from "../traffic/verdict";
import { exit, refused } from "./carry-out";
import type { CommonOptions, Session } from "./session";
import { errorText } from "../../stacks/messages/user-error";

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

/**
 * `verify --traffic`: sends requests as customers do, and checks the split and the failures.
 * @returns the exit status: 2 where nothing failed and nobody knows the split.
 */
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
  const candidate = deployed?.candidate ?? rolesOf(values).candidate;
  const count = await counter(session, candidate);
  const before = await count();
  const title = `up to ${load.requests} requests in ${load.seconds} s to ${target.host}:${target.port}`;
  const outcomes = await screen.task(title, (say) =>
    interruption.during(() => sendLoad(target, load, { say, signal: interruption.signal })),
  );
  const weight = candidate === undefined ? 0 : await shareNow(session, candidate);
  const verdict = judge(outcomes, {
    expected: weight / 100,
    models,
    ...(candidate === undefined ? {} : { candidate, counts: countedBetween(before, await count()) }),
  });
  for (const line of describeVerdict(verdict)) screen.line(line);
  for (const kind of verdict.faults) {
    const out = wayOut(
      { kind },
      { api: gate.endpoint, ...(gate.apiKey === undefined ? {} : { apiKey: gate.apiKey }) },
    );
    if (out !== undefined) screen.line(`fix         ${out}`);
  }
  const result = { ...verdict, ...(candidate === undefined ? {} : { candidate }), weight };
  if (interruption.happened) {
    screen.bad("Interrupted: what was measured until then says nothing about the rest.");
    screen.result({ ...result, ok: false, interrupted: true });
    return exit.interrupted;
  }
  screen.result(result);
  return exitStatus(verdict);
}

/** What the live route sends to a pool: a rollback may have come after the last update. Else what that update planned. */
async function shareNow(session: Session, candidate: string): Promise<number> {
  const live = await session.observe();
  return live.outcome === "read"
    ? shareIn(liveShares(live.observed), candidate)
    : (session.deployed?.weights[candidate] ?? 0);
}

/** Reads how many requests each pool got until now; never fails, because the answers may tell it too. */
async function counter(
  { engine, values, outputs, deployed }: Session,
  candidate: string | undefined,
): Promise<() => Promise<Counts>> {
  const unknown = (why: string) => (): Promise<Counts> => Promise.resolve({ outcome: "unknown", why });
  const resolved = resolveValues(values);
  if (candidate === undefined || deployed === undefined || resolved.outcome !== "resolved")
    return unknown("there is no candidate");
  try {
    const { kubeconfig } = await platformOf(engine, resolved.config, outputs);
    if (kubeconfig === undefined) return unknown("the stack's outputs have no readable kubeconfig");
    const reader = await clusterReader(kubeconfig, patience);
    const pools = [deployed.stable, candidate].map((name) => {
      const namespace = deployed.poolStates[name]?.["namespace"];
      return {
        name,
        namespace: typeof namespace === "string" ? namespace : resolved.config.service.namespace,
      };
    });
    return () => pickerCounts(reader, pools);
  } catch (error) {
    return unknown(errorText(error));
  }
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
    const theirs = config.role === "service" ? ` --stack ${config.platformStack}` : "";
    return { found: "the platform stack's outputs have no gateway", fix: `pulumi up${theirs}` };
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

/** API and key for the requests. A gate with a key in it is a secret as a whole: only the CLI can read it. */
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
