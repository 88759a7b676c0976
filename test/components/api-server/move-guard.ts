import assert from "node:assert/strict";
import * as path from "node:path";
import { before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { KubernetesObject } from "@kubernetes/client-node";
import { Program } from "../../../lab/plugins/testing/program";
import type { TestLab } from "../../../lab/plugins/testing/test-lab";
import { annotations } from "../../../components/names";
import type { Latch } from "../../../stacks/plan/observed";
import { routeTexts } from "../../../stacks/plan/route-texts";
import { guardLets } from "../../stacks/plan/model/world";

/* The policy that keeps a rollback from being undone, in the API server's own hands. */

const component = path.join(__dirname, "..", "..", "..", "components", "route", "move-guard");

const source = `import * as k8s from "@pulumi/kubernetes";
import { MoveGuard } from ${JSON.stringify(component)};
const provider = new k8s.Provider("lab", { kubeconfig: process.env["KUBECONFIG"]! });
new MoveGuard("llm", { service: "llm", namespace: "default", route: "routes-to-llm" }, { provider });
`;

const pulumi = "pulumi-kubernetes-1234abcd";

interface Write {
  name?: string;
  moves: number;
  candidate: number;
  latches?: readonly Latch[];
}

const latch: Latch = { candidate: "llm-new", from: 30, reason: "slow", time: "2026-11-26T18:00:00Z" };

const writtenOf = ({ candidate }: Write): Record<string, number> => ({
  llm: 100 - candidate,
  ...(candidate === 0 ? {} : { "llm-new": candidate }),
});

const route = (write: Write): KubernetesObject => {
  const { weights = "", latched } = routeTexts(writtenOf(write), write.latches ?? []);
  return {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: {
      namespace: "default",
      name: write.name ?? "routes-to-llm",
      annotations: {
        [annotations.moves]: String(write.moves),
        [annotations.weights]: weights,
        ...(latched === undefined ? {} : { [annotations.latched]: latched }),
      },
    },
    ...{
      spec: {
        parentRefs: [{ name: "gw" }],
        rules: [
          {
            backendRefs: Object.entries(writtenOf(write)).map(([name, weight]) => ({
              group: "inference.networking.k8s.io",
              ...{ kind: "InferencePool", name, weight },
            })),
          },
        ],
      },
    },
  };
};

/** What is there: rolled back and latched, by the write after the seventh. */
const back: Write = { moves: 8, candidate: 0, latches: [latch] };

export function moveGuardSuite(started: () => TestLab): void {
  describe("a rollback that came while an update ran", () => {
    let lab: TestLab;
    before(async () => {
      lab = started();
      const program = await Program.make(lab, "move-guard", source, {});
      await program.mustUp();
      for (const name of ["routes-to-llm", "other"])
        assert.equal(await apply({ ...back, name }, pulumi, false), undefined);
    });

    /** As Pulumi's provider and `rollback --now` send it. @returns why it was refused. */
    const apply = (write: Write, manager: string, dryRun = true): Promise<string | undefined> =>
      lab.apply(route(write), manager, dryRun);

    it("is not undone by what was planned before it, and keeps its latch", async () => {
      // A policy takes some seconds to become active.
      let said: string | undefined;
      for (let tried = 0; said === undefined && tried < 60; tried++) {
        said = await apply({ moves: 8, candidate: 60 }, pulumi);
        await sleep(500);
      }
      assert.match(
        said ?? "it was taken",
        /default\/routes-to-llm was moved or rolled back while this update ran/,
      );
    });

    const cases: [what: string, write: Write][] = [
      ["the latch alone would go", { moves: 8, candidate: 0 }],
      ["an update that moves nothing, from before", { moves: 7, candidate: 0 }],
      ["a split from before", { moves: 7, candidate: 30, latches: [latch] }],
      ["the same once more", back],
      ["the next move", { moves: 9, candidate: 60, latches: [latch] }],
      ["a resumption", { moves: 9, candidate: 0 }],
      ["numbers that are texts in another order", { moves: 10, candidate: 100 }],
    ];
    for (const [what, write] of cases) {
      const [before, after] = [back, write].map((one) => ({
        ...{ moves: one.moves, written: writtenOf(one), latches: one.latches ?? [] },
      }));
      assert.ok(before !== undefined && after !== undefined);
      const passes = guardLets(before, after);
      it(`${passes ? "lets pass" : "refuses"}: ${what}`, async () => {
        const said = await apply(write, pulumi);
        if (passes) assert.equal(said, undefined);
        else assert.match(said ?? "it was taken", /while this update ran/);
      });
    }

    it("says nothing to people, to other routes, and to what bears no count", async () => {
      const undo: Write = { moves: 8, candidate: 60 };
      assert.equal(await apply(undo, "kubectl-edit"), undefined);
      assert.equal(await apply({ ...undo, name: "other" }, pulumi), undefined);
      const notes = { [annotations.moves]: "many" };
      const uncounted = {
        ...route(back),
        metadata: { namespace: "default", name: "routes-to-llm", annotations: notes },
      };
      assert.equal(await lab.apply(uncounted, pulumi), undefined);
    });

    it("never holds up the way back: it is made from the route as it is", async () => {
      assert.equal(await apply({ moves: 9, candidate: 60 }, pulumi, false), undefined);
      assert.equal(await apply({ ...back, moves: 10 }, pulumi, false), undefined);
    });
  });
}
