import { commandText } from "../../../stacks/messages/edits";
import { nothingDeployed } from "../../../stacks/plan/model";
import type { Observed } from "../../../stacks/plan/observed";
import { adoptionOf, type Adoption } from "../../../stacks/plan/adoption";
import type { KnownRoute, OtherRoutes } from "../../../stacks/plan/routes";
import { serviceConfig } from "../cases";
import { gateway, known, othersOf, poolRef, prefix, type RouteFields } from "./route-fixtures";
import { at } from "./scenarios";
import { deployed } from "./worlds";
import assert from "node:assert/strict";
import { describe, it } from "node:test";

/* How a live route becomes the customers' route: commands, or what stands against it; never a circle. */

const config = serviceConfig(at(30));
const roles = {
  stable: { name: "llm", namespace: "default" },
  candidate: { name: "llm-new", namespace: "default" },
};
const split = (weights: Readonly<Record<string, number>>, rule: object = {}): object => ({
  backendRefs: Object.entries(weights).map(([name, weight]) => poolRef(name, { weight })),
  ...rule,
});
const live = (rule: object = split({ llm: 70, "llm-new": 30 }), fields: RouteFields = {}): KnownRoute =>
  known("live", [rule], fields);

const adopt = (
  route: KnownRoute,
  around: Partial<OtherRoutes["gateway"]> = {},
  observed: Observed = nothingDeployed,
): Adoption =>
  adoptionOf(route, config, observed, othersOf([route], { gateway: { ...gateway, ...around } }), roles);

const ours = (service: string): RouteFields => ({
  labels: { "app.kubernetes.io/managed-by": "gke-inference-rollout", "inference-rollout/service": service },
});
const inTeam: RouteFields = {
  namespace: "team",
  parents: [{ name: "my-inference-gateway", namespace: "default" }],
};
const ending = [
  "pulumi config set route live",
  "pulumi config set --path 'allow[0]' take-over-route",
  "pulumi up",
];

const possible: readonly [string, Adoption, readonly string[]][] = [
  ["as the config says", adopt(live()), ending],
  [
    "with other weights",
    adopt(live(split({ llm: 1, "llm-new": 1 }))),
    ["pulumi config set weight 50", ...ending],
  ],
  ["with one pool only", adopt(live(split({ llm: 1 }))), ["pulumi config set weight 0", ...ending]],
  [
    "with a timeout, a filter and a match",
    adopt(
      live(
        split(
          { llm: 70, "llm-new": 30 },
          { timeouts: { request: "300s" }, filters: [{ type: "URLRewrite" }], matches: [prefix("/v1")] },
        ),
      ),
    ),
    ending,
  ],
  [
    "with several rules, one of them for somebody else",
    adopt(
      known("live", [
        split({ llm: 7, "llm-new": 3 }),
        split({ llm: 70, "llm-new": 30 }),
        { backendRefs: [{ name: "docs", port: 80 }] },
      ]),
    ),
    ending,
  ],
  [
    "with a backend of somebody else beside the pools",
    adopt(live(split({ llm: 70, "llm-new": 30, third: 20 }))),
    ending,
  ],
  [
    "on one listener, and on another Gateway",
    adopt(
      live(undefined, {
        parents: [{ name: "public" }, { name: "my-inference-gateway", sectionName: "https" }],
      }),
    ),
    ending,
  ],
  [
    "for several hostnames",
    adopt(live(undefined, { hostnames: ["*.org", "a.org"] })),
    ["pulumi config set --path 'gateway.hostname' a.org", ...ending],
  ],
  [
    "for hostnames of which the config has one",
    adopt(live(undefined, { hostnames: ["b.org", "*.example.org"] }), { hostname: "llm.example.org" }),
    ending,
  ],
  [
    "on another Gateway",
    adopt(live(undefined, { parents: [{ name: "public", namespace: "infra" }] })),
    [
      "pulumi config set --path 'gateway.name' public",
      "pulumi config set --path 'gateway.namespace' infra",
      "pulumi config set --path 'gateway.existing' true",
      ...ending,
    ],
  ],
  [
    "with a hostname",
    adopt(live(undefined, { hostnames: ["llm.example.org"] })),
    ["pulumi config set --path 'gateway.hostname' llm.example.org", ...ending],
  ],
  ["for every hostname", adopt(live(), { hostname: "llm.example.org" }), ending],
  [
    "that is this service's own",
    adopt(live(undefined, ours("llm"))),
    ["pulumi config set route live", "pulumi up"],
  ],
];

const impossible: readonly [string, Adoption, RegExp][] = [
  ["a GRPCRoute", adopt(live(undefined, { kind: "GRPCRoute" })), /it is a GRPCRoute/],
  [
    "another stack's",
    adopt(live(undefined, ours("chat"))),
    /route of service chat, which belongs to another stack/,
  ],
  ["a controller's", adopt(live(undefined, { owner: { kind: "Chat", name: "c" } })), /Chat\/c writes it/],
  [
    "in another namespace, once this stack has made something",
    adopt(live({ backendRefs: [poolRef("llm", { namespace: "default" })] }, inTeam), {}, deployed(at(0))),
    /it is in namespace team, but this stack's route is in default/,
  ],
  [
    "with two rules that split differently",
    adopt(known("live", [split({ llm: 1 }), split({ llm: 1, "llm-new": 1 })])),
    /its rules split the pools' requests differently \(llm 100 %; llm 50 %, llm-new 50 %\)/,
  ],
  ["on no Gateway", adopt(live(undefined, { parents: [{ kind: "Service", name: "x" }] })), /no Gateway/],
  [
    "on another Gateway than the platform stack's",
    adopt(live(undefined, { parents: [{ name: "public" }] }), { configurable: false }),
    /it attaches to another gateway than the platform stack's outputs say/,
  ],
  [
    "to a third pool only",
    adopt(live(split({ third: 1 }))),
    /none of its rules sends requests to default\/llm or default\/llm-new: it sends to default\/third/,
  ],
  [
    "with thirds",
    adopt(live(split({ llm: 2, "llm-new": 1 }))),
    /33\.33 % to llm-new, which is not a whole percentage/,
  ],
];

describe("a live route is taken over", () => {
  for (const [name, found, commands] of possible) {
    it(name, () => {
      assert.ok(found.possible, JSON.stringify(found));
      assert.deepEqual(found.commands.map(commandText), commands);
    });
  }
});

describe("a live route is not taken over, and the reason is true:", () => {
  for (const [name, found, reason] of impossible) {
    it(name, () => {
      assert.ok(!found.possible, JSON.stringify(found));
      assert.equal(found.obstacles.length, 1);
      assert.match(found.obstacles[0] ?? "", reason);
    });
  }
});
