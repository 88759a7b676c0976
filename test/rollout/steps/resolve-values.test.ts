import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveValues } from "../../../rollout/steps/resolve-values";
import { own, type StackValues, type Value } from "../../../rollout/steps/values";
import { wayBack } from "../../../rollout/steps/way-back";
import { at, Simulated, values } from "./cases";

/* Secrets of a stack's config are not known to the rollout command: what it decides must not need them. */

const secret: Value = { secret: true };
const withSecret = (key: string, around?: Extract<Value, { secret: true }>["around"]): StackValues => ({
  ...values(at(30)),
  [own(key)]: around === undefined ? secret : { secret: true, around },
});

describe("a config with secrets", () => {
  for (const key of ["huggingFaceToken", "cluster", "gate"]) {
    it(`is resolved while all of ${key} is one`, () => {
      const resolved = resolveValues(withSecret(key));
      assert.equal(resolved.outcome, "resolved", JSON.stringify(resolved));
      assert.doesNotMatch(JSON.stringify(resolved), /undefined/);
    });
  }

  it("is resolved with what stands around a secret", () => {
    const gate = { via: "gateway", apiKey: "(a secret)", timeoutSeconds: 30 };
    const resolved = resolveValues(withSecret("gate", { value: gate, secrets: ["gate.apiKey"] }));
    assert.ok(resolved.outcome === "resolved");
    assert.equal(resolved.config.service.gate.timeoutSeconds, 30);
  });

  it("is a mistake where a decision would need what is hidden", () => {
    for (const key of ["weight", "stable", "route"]) {
      const resolved = resolveValues(withSecret(key));
      assert.match(JSON.stringify(resolved), new RegExp(`${key} is a secret`));
    }
  });
});

describe("the way back to an earlier update keeps", () => {
  const past = (config: StackValues): Parameters<typeof wayBack>[0] => ({
    number: 1,
    kind: "update",
    succeeded: true,
    time: "2026-11-22T11:00:00Z",
    message: "",
    values: config,
    partial: false,
  });
  const why = { reason: "it was better then", now: new Date("2026-11-22T12:00:00Z") };
  const back = (then: StackValues, now: StackValues): StackValues => {
    const stack = new Simulated(values(at(10))).up().up(values(at(60)));
    const way = wayBack(
      past(then),
      {
        values: now,
        observed: stack.observed,
        ...(stack.deployed === undefined ? {} : { deployed: stack.deployed }),
      },
      why,
    );
    if (way.outcome !== "steps") assert.fail(JSON.stringify(way));
    return way.steps.at(-1)?.target ?? {};
  };

  it("the gate of now, also where it is a secret, and the route that customers come by", () => {
    const then = { ...values(at(10)), [own("gate")]: { secret: false, value: { via: "off" } } as const };
    const now = { ...values(at(60)), [own("gate")]: secret };
    const target = back(then, now);
    assert.deepEqual(target[own("gate")], secret);
    // A key that the config has no more is not put back.
    const older = { ...values(at(10)), [own("allow")]: { secret: false, value: ["frozen"] } as const };
    assert.equal(back(older, values(at(60)))[own("allow")], undefined);
    const renamed = { ...values(at(60)), [own("route")]: { secret: false, value: "routes-to-llm" } as const };
    assert.deepEqual(back(values(at(10)), renamed)[own("route")], { secret: false, value: "routes-to-llm" });
  });

  it("a secret of now, and is refused where it is gone", () => {
    const then = { ...values(at(10)), [own("huggingFaceToken")]: secret };
    const stack = new Simulated(values(at(10))).up().up(values(at(60)));
    const way = wayBack(
      past(then),
      {
        values: values(at(60)),
        observed: stack.observed,
        ...(stack.deployed === undefined ? {} : { deployed: stack.deployed }),
      },
      why,
    );
    assert.match(JSON.stringify(way), /huggingFaceToken was a secret.*config set --secret huggingFaceToken/);
  });
});
