import "../../rendering";
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import type { ServiceConfig } from "../../../stacks/plan/service-config";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import type { LastUpdate } from "../../../stacks/state/last-update";
import { namespacesOf, observe } from "../../../stacks/state/observe";
import { ownershipOf } from "../../../stacks/state/ownership";
import { atOneMoment } from "../../../stacks/state/one-moment";
import { serviceConfig, sourceCase } from "../cases";

/* What an update asks the API server before it plans: not more on a platform with many services, or of a long config. */

const marked = { "app.kubernetes.io/managed-by": "gke-inference-rollout" };
const owner = (id: string, stack = `acme/p/${id}`): object => ({
  labels: marked,
  annotations: { "inference-rollout/owner": JSON.stringify({ id, stack }) },
});

/**
 * A cluster with some namespaces.
 * @param pools InferencePools in namespace default, with nothing behind them.
 * @returns its reader, and the paths that were asked for.
 */
function cluster(
  namespaces: Readonly<Record<string, object>>,
  pools: readonly LiveObject[],
): { reader: ClusterReader; asked: string[] } {
  const asked: string[] = [];
  const live = (name: string): LiveObject => ({ metadata: { name, ...namespaces[name] } });
  const reader: ClusterReader = {
    get: (path) => {
      asked.push(path);
      const [, name = ""] = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path) ?? [];
      return Promise.resolve(name in namespaces ? live(name) : undefined);
    },
    list: (path) => {
      asked.push(path);
      if (path.includes("/namespaces/default/inferencepools?")) return Promise.resolve([...pools]);
      return Promise.resolve(
        path.startsWith("/api/v1/namespaces?") ? Object.keys(namespaces).map((name) => live(name)) : [],
      );
    },
  };
  return { reader, asked };
}

async function askedBy(
  config: ServiceConfig,
  namespaces: Readonly<Record<string, object>>,
  last: LastUpdate = { owner: "mine" },
  pools: readonly LiveObject[] = [],
): Promise<string[]> {
  const { reader, asked } = cluster(namespaces, pools);
  const moment = atOneMoment(reader, [config.namespace]);
  const places = { namespaces: namespacesOf(config, last.record), service: config, allow: config.allow };
  const { belongs } = await ownershipOf(moment, last, places);
  await observe(moment, config, last.record, belongs, {
    ...{ name: "gateway", namespace: "default", existing: true, configurable: false },
  });
  return asked;
}

const inside = (asked: readonly string[], namespace: string): string[] =>
  asked.filter((path) => path.includes(`/namespaces/${namespace}/`));

describe("what an update asks the API server for", () => {
  const config = serviceConfig();
  before(() =>
    pulumi.runtime.setMocks(
      {
        newResource: ({ name, inputs }) => ({ id: name, state: inputs as object }),
        call: () => ({ outputs: {} }),
      },
      ...(["inference-rollout", "dev", false, "acme"] as const),
    ),
  );

  it("is nothing inside of namespaces that do not exist", async () => {
    const asked = await askedBy(config, { default: {} });
    assert.ok(inside(asked, "default").length > 20);
    for (const namespace of ["llm-llm", "llm-llm-new"]) assert.deepEqual(inside(asked, namespace), []);
    const made = await askedBy(config, { default: {}, "llm-llm": owner("mine") });
    assert.ok(inside(made, "llm-llm").length > 20);
    assert.equal(new Set(made).size, made.length, "something was asked twice");
  });

  it("grows by one question for each pool that the config declares and no update deploys", async () => {
    const more = Array.from(
      { length: 48 },
      (_, i) => [`more-${i}`, { accelerator: "nvidia-l4", replicas: 1 }] as const,
    );
    const long = serviceConfig({
      ...sourceCase,
      pools: { ...sourceCase.pools, ...Object.fromEntries(more) },
    });
    const [few, many] = [await askedBy(config, { default: {} }), await askedBy(long, { default: {} })];
    assert.ok(many.length <= few.length + 48, `${few.length} and ${many.length} requests`);
  });

  it("is nothing in the namespaces of other stacks' services", async () => {
    const others = Object.fromEntries(
      Array.from({ length: 20 }, (_, i) => [`other-${i}`, owner(`other-${i}`)] as const),
    );
    const alone = await askedBy(config, { default: {} });
    const beside = await askedBy(config, { default: {}, ...others });
    assert.deepEqual(beside.sort(), alone.sort());
  });

  it("goes into namespaces that can be this stack's own, whatever the config names", async () => {
    const unmarked = { labels: marked };
    const namespaces = { default: {}, left: owner("mine"), older: unmarked, theirs: owner("theirs") };
    const asked = await askedBy(config, namespaces);
    for (const name of ["left", "older"]) assert.ok(inside(asked, name).length > 10, name);
    assert.deepEqual(inside(asked, "theirs"), []);
    const taking = serviceConfig({ ...sourceCase, allow: ["take-over-service"] });
    assert.ok(inside(await askedBy(taking, namespaces), "theirs").length > 10);
  });

  it("goes into those that bear its full name, where nobody knows its id any more", async () => {
    const namespaces = {
      default: {},
      left: owner("id", "acme/inference-rollout/dev"),
      theirs: owner("other", "acme/inference-rollout/prod"),
    };
    const asked = await askedBy(config, namespaces, {});
    assert.ok(inside(asked, "left").length > 10);
    assert.deepEqual(inside(asked, "theirs"), []);
  });

  it("is the Secrets of pools that are there, or recorded, or deployed now: wherever they can be", async () => {
    const older = { accelerator: "nvidia-l4", replicas: 1 };
    const pools = { ...sourceCase.pools, live: older, recorded: older, declared: older };
    const long = serviceConfig({ ...sourceCase, pools });
    const labels = { ...marked, "inference-rollout/service": "llm", "inference-rollout/pool": "live" };
    const last = { owner: "mine", record: { pools: { recorded: "other" } } } as unknown as LastUpdate;
    const asked = await askedBy(long, { default: {}, other: {} }, last, [
      { metadata: { name: "live", namespace: "default", labels } },
    ]);
    const secrets = asked.filter((path) => path.endsWith("-hugging-face"));
    assert.deepEqual(
      secrets.sort(),
      ["default", "other"].flatMap((namespace) =>
        ["live", "llm", "llm-new", "recorded"].map(
          (pool) => `/api/v1/namespaces/${namespace}/secrets/${pool}-hugging-face`,
        ),
      ),
    );
  });
});
