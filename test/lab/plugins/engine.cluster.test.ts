import { after, before, describe } from "node:test";
import { TestLab } from "./testing/test-lab";
import { gcpSuite } from "./testing/gcp-suite";
import { kubernetesAwaitSuite } from "./testing/kubernetes-await-suite";
import { kubernetesSuite } from "./testing/kubernetes-suite";
import { languageSuite } from "./testing/language-suite";

// One lab for all: starting a control plane takes longer than most of what is tried in it.
describe("stand-in plugins with the real engine", () => {
  let lab: TestLab | undefined;
  before(async () => {
    lab = await TestLab.start();
  });
  after(async () => lab?.stop());
  const started = (): TestLab => {
    if (lab === undefined) throw new Error("the lab has not started");
    return lab;
  };
  languageSuite(started);
  kubernetesSuite(started);
  kubernetesAwaitSuite(started);
  gcpSuite(started);
});
