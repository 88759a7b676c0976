import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ClusterUnreadable, type ClusterReader, type LiveObject } from "../../../stacks/state/cluster-reader";
import { knownRoute } from "../../../stacks/state/known-route";
import { readOtherRoutes } from "../../../stacks/state/other-routes";
import type { OtherRoutes } from "../../../stacks/plan/routes";
import { liveRoute, poolRef, prefix } from "../plan/route-fixtures";

/* How other routes are read: what is asked for, what is left out, and what cannot be known. */

const config = { service: "llm", namespace: "default", route: "routes-to-llm" };
const attachment = { namespace: "infra", name: "shared", configurable: true };
const api = "/apis/gateway.networking.k8s.io/v1";
const ours = { "app.kubernetes.io/managed-by": "gke-inference-rollout", "inference-rollout/service": "llm" };

interface Cluster {
  httproutes?: readonly LiveObject[];
  grpcroutes?: readonly LiveObject[];
  /** Paths that are not to be read. */
  forbidden?: (path: string) => boolean;
}

/** A cluster that answers lists of routes, of all namespaces or of one. */
function readerOf({ httproutes = [], grpcroutes = [], forbidden = (): boolean => false }: Cluster): {
  reader: ClusterReader;
  asked: string[];
} {
  const asked: string[] = [];
  const reader: ClusterReader = {
    get: (path) => {
      asked.push(path);
      const listeners = [{ name: "http", port: 80, protocol: "HTTP", hostname: "llm.example.org" }];
      return Promise.resolve({ metadata: { name: "shared" }, spec: { listeners } });
    },
    list: async (path) => {
      asked.push(path);
      if (forbidden(path)) throw new ClusterUnreadable("forbidden", path);
      const all = path.endsWith("httproutes") ? httproutes : grpcroutes;
      const namespace = /namespaces\/([^/]+)\//.exec(path)?.[1];
      return Promise.resolve(
        all.filter(({ metadata }) => namespace === undefined || metadata.namespace === namespace),
      );
    },
  };
  return { reader, asked };
}

const namesOf = ({ routes }: OtherRoutes): string[] =>
  routes.map(({ namespace, name }) => `${namespace}/${name}`);
const elsewhere = { parents: [{ name: "public" }] };
const attached = { parents: [{ name: "shared", namespace: "infra" }] };

describe("other routes", () => {
  it("are read with one list for each kind, beside the Gateway", async () => {
    const { reader, asked } = readerOf({});
    const found = await readOtherRoutes(reader, config, attachment, ["default", "team"]);
    assert.deepEqual(asked.sort(), [
      `${api}/grpcroutes`,
      `${api}/httproutes`,
      `${api}/namespaces/infra/gateways/shared`,
    ]);
    assert.deepEqual(found, {
      gateway: attachment,
      listeners: [{ name: "http", port: 80, hostname: "llm.example.org" }],
      routes: [],
      unseen: [],
    });
  });

  it("are those that attach to the Gateway or name a pool, wherever they are, and not the service's own", async () => {
    const toPool = [{ backendRefs: [poolRef("llm", { namespace: "default" })] }];
    const toService = [{ backendRefs: [{ name: "web", port: 80 }] }];
    const mirrored = [
      {
        backendRefs: [{ name: "web", port: 80 }],
        filters: [{ type: "RequestMirror", requestMirror: { backendRef: poolRef("llm") } }],
      },
    ];
    const { reader } = readerOf({
      httproutes: [
        liveRoute("routes-to-llm", toPool, attached),
        liveRoute("preview-of-llm", toPool, { ...attached, labels: ours }),
        liveRoute("closed-paths-of-llm", toPool, { ...attached, labels: ours }),
        liveRoute("routes-to-llm", toPool, { ...elsewhere, namespace: "team" }),
        liveRoute("web", toService, elsewhere),
        liveRoute("mirror", mirrored, elsewhere),
        liveRoute("web-here", toService, attached),
        // Somebody else's, by a name of ours.
        liveRoute("preview-of-llm", toPool, { ...attached, namespace: "team" }),
      ],
      grpcroutes: [liveRoute("grpc", toPool, elsewhere)],
    });
    const found = await readOtherRoutes(reader, config, attachment, ["default"]);
    assert.deepEqual(namesOf(found), [
      "team/routes-to-llm",
      "default/mirror",
      "default/web-here",
      "team/preview-of-llm",
      "default/grpc",
    ]);
    assert.equal(found.customers?.name, "routes-to-llm");
    assert.equal(found.routes.at(-1)?.kind, "GRPCRoute");
  });

  it("are asked for namespace by namespace where the cluster's list is forbidden, and that is said", async () => {
    const routes = ["default", "team", "infra", "unknown"].map((namespace) =>
      liveRoute("r", [{ backendRefs: [poolRef("llm")] }], { namespace }),
    );
    const { reader, asked } = readerOf({
      httproutes: routes,
      forbidden: (path) => path === `${api}/httproutes` || path.includes("/namespaces/infra/"),
    });
    const found = await readOtherRoutes(reader, config, attachment, ["default", "team"]);
    assert.deepEqual(namesOf(found).sort(), ["default/r", "team/r"]);
    assert.deepEqual(found.unseen, ["HTTPRoutes of the whole cluster cannot be listed (forbidden)"]);
    assert.equal(asked.filter((path) => path.endsWith("/grpcroutes")).length, 1);
  });

  it("that cannot be read for another reason are not taken for none, and hold no way back up", async () => {
    const { reader } = readerOf({});
    const failing: ClusterReader = {
      ...reader,
      list: () => Promise.reject(new ClusterUnreadable("unreachable", "no answer")),
    };
    const { routes, unseen } = await readOtherRoutes(failing, config, attachment, ["default"]);
    assert.deepEqual(routes, []);
    assert.deepEqual(
      unseen,
      ["HTTPRoute", "GRPCRoute"].map((kind) => `${kind}s of the whole cluster cannot be listed (no answer)`),
    );
  });
});

describe("a live route", () => {
  it("has the defaults of Gateway API filled in", () => {
    const route = knownRoute(liveRoute("r", [{ backendRefs: [poolRef("llm")] }]), "HTTPRoute");
    assert.deepEqual(route.rules, [
      {
        matches: [{ path: { type: "PathPrefix", value: "/" }, headers: [], queryParams: [] }],
        backends: [{ namespace: "default", pool: "llm", weight: 1 }],
        mirrors: [],
      },
    ]);
    assert.deepEqual(route.parents, [{ namespace: "default", name: "my-inference-gateway", refused: false }]);
  });

  it("of a mesh has no Gateway", () => {
    const parents = [{ group: "", kind: "Service", name: "llm" }];
    assert.deepEqual(knownRoute(liveRoute("r", [], { parents }), "HTTPRoute").parents, []);
  });

  it("of gRPC is asked by the path of its calls", () => {
    const paths = (method?: object): unknown =>
      knownRoute(
        liveRoute("r", [{ matches: [{ ...(method === undefined ? {} : { method }) }] }]),
        "GRPCRoute",
      ).rules[0]?.matches[0]?.path;
    assert.deepEqual(paths({ service: "a.B", method: "C" }), { type: "Exact", value: "/a.B/C" });
    assert.deepEqual(paths({ service: "a.B" }), { type: "PathPrefix", value: "/a.B" });
    assert.deepEqual(paths({ method: "C" }), { type: "RegularExpression", value: "/[^/]+/C" });
    assert.deepEqual(paths(), { type: "PathPrefix", value: "/" });
  });

  it("with a match of a type that is not known may match anything", () => {
    const matches = [{ ...prefix("/"), headers: [{ type: "Future", name: "x", value: "1" }] }];
    const [rule] = knownRoute(liveRoute("r", [{ matches }]), "HTTPRoute").rules;
    assert.equal(rule?.matches[0]?.headers[0]?.regex, true);
  });

  it("says who writes it: this program's service, or a controller", () => {
    assert.equal(knownRoute(liveRoute("r", [], { labels: ours }), "HTTPRoute").service, "llm");
    const owner = { kind: "LLMInferenceService", name: "chat" };
    assert.equal(
      knownRoute(liveRoute("r", [], { owner }), "HTTPRoute").controller,
      "LLMInferenceService/chat",
    );
  });
});
