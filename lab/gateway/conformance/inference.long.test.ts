import { after, before, describe, test } from "node:test";
import { ConformanceLab } from "./lab";
import { inferenceBase } from "./manifests";
import { PlaceholderSlices } from "./placeholder-slices";
import { failuresIn, runSuite } from "./run";
import { inferenceExtension as suite } from "./suites";
import { verify } from "./verdict";

/** Somebody else's test of the lab's gateway: the conformance suite of the inference extension, with real pickers. */
describe(`${suite.title} ${suite.version}, profile ${suite.profile}`, () => {
  let lab: ConformanceLab;
  let slices: PlaceholderSlices | undefined;
  let passed = false;
  before(async () => void (lab = await ConformanceLab.start()));
  after(async () => {
    await slices?.stop();
    await lab.stop(!passed);
  });

  test("everything that is claimed passes, and what is skipped is skipped for a reason", async (t) => {
    if (!(await lab.bindsPort80())) {
      passed = true;
      t.skip("not run: the suite asks port 80, and binding it needs root");
      return;
    }
    slices = new PlaceholderSlices(lab.kubeconfig, "inference-conformance-app-backend");
    // The suite is built against Gateway API v1.6.1, and the lab has v1.5.1's CRDs.
    const { report, log, seconds } = await runSuite(suite, lab, inferenceBase, ["-allow-crds-mismatch"]);
    console.log(`${seconds} s\n${JSON.stringify(report.profiles, undefined, 2)}\n${failuresIn(log)}`);
    verify(suite, report);
    passed = true;
  });
});
