import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultGatewayKind } from "../../../components/gateways/gateway-kinds";
import { missingFromGateway } from "../../../stacks/gates/programmed";
import type { LiveObject } from "../../../stacks/state/cluster-reader";

/* A route that attaches to several listeners or Gateways, as those of others may. */

const gateway = { name: "gw", namespace: "default" };

interface Parent {
  name: string;
  sectionName?: string;
  generation?: number;
  status?: string;
}

function missing(parents: readonly Parent[]): readonly string[] {
  const refOf = ({ name, sectionName }: Parent): object => ({
    name,
    ...(sectionName === undefined ? {} : { sectionName }),
  });
  const route: LiveObject = {
    metadata: { name: "chat", namespace: "default", generation: 3 },
    spec: { parentRefs: parents.map(refOf) },
    status: {
      parents: parents
        .filter(({ generation }) => generation !== 0)
        .map((parent) => ({
          parentRef: refOf(parent),
          conditions: defaultGatewayKind.routeConditions.map(({ type }) => ({
            type,
            status: parent.status ?? "True",
            observedGeneration: parent.generation ?? 3,
          })),
        })),
    },
  };
  return missingFromGateway(route, gateway, defaultGatewayKind);
}

describe("a route with several parents is in force", () => {
  it("once every listener of the Gateway has it", () => {
    const http = { name: "gw", sectionName: "http" };
    assert.deepEqual(missing([http, { name: "gw", sectionName: "https" }]), []);
    assert.match(
      missing([http, { name: "gw", sectionName: "https", generation: 2 }]).join(),
      /has not processed/,
    );
    assert.match(missing([http, { name: "gw", sectionName: "https", generation: 0 }]).join(), /no status/);
    assert.match(missing([http, { name: "gw", sectionName: "https", status: "False" }]).join(), /=False/);
  });

  it("once another Gateway follows; what that one refuses was so before", () => {
    assert.deepEqual(missing([{ name: "gw" }, { name: "public" }]), []);
    assert.match(
      missing([{ name: "gw" }, { name: "public", generation: 2 }]).join(),
      /public has not processed/,
    );
    assert.deepEqual(missing([{ name: "gw" }, { name: "public", status: "False" }]), []);
    assert.deepEqual(missing([{ name: "gw" }, { name: "public", generation: 0 }]), []);
  });
});
