import { after, before, describe, test } from "node:test";
import { ConformanceLab } from "./lab";
import { gatewayApiBase } from "./manifests";
import { failuresIn, runSuite } from "./run";
import { gatewayApi as suite } from "./suites";
import { verify } from "./verdict";

/** Somebody else's test of the lab's gateway: Gateway API's own conformance suite. */
describe(`${suite.title} ${suite.version}, profile ${suite.profile}`, () => {
  let lab: ConformanceLab;
  let passed = false;
  before(async () => void (lab = await ConformanceLab.start()));
  after(() => lab.stop(!passed));

  test("everything that is claimed passes, and what is skipped is skipped for a reason", async (t) => {
    if (!(await lab.bindsPort80())) {
      passed = true;
      t.skip("not run: the suite asks ports 80 and 443, and binding them needs root");
      return;
    }
    const { report, log, seconds } = await runSuite(suite, lab, gatewayApiBase, [
      // An address of documentation, which no machine has.
      ...["-usable-address", lab.freeAddress, "-unusable-address", "203.0.113.7"],
    ]);
    console.log(`${seconds} s\n${JSON.stringify(report.profiles, undefined, 2)}\n${failuresIn(log)}`);
    verify(suite, report);
    passed = true;
  });
});
