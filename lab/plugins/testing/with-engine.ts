import { after, before, describe } from "node:test";
import { TestLab } from "./test-lab";

/** Suites of stand-in plugins that share one lab: starting a control plane takes longer than much that is tried in it. */
export function withEngine(title: string, ...suites: ((started: () => TestLab) => void)[]): void {
  describe(title, () => {
    let lab: TestLab | undefined;
    before(async () => {
      lab = await TestLab.start();
    });
    after(async () => lab?.stop());
    const started = (): TestLab => {
      if (lab === undefined) throw new Error("the lab has not started");
      return lab;
    };
    for (const suite of suites) suite(started);
  });
}
