import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { readingOnce } from "../../../stacks/state/readable";

it("asks for each thing once, whatever came of it, and a list is not the object at its path", async () => {
  const asked: string[] = [];
  const answer = (how: string, path: string): Promise<LiveObject> => {
    asked.push(`${how} ${path}`);
    return path === "/bad" ? Promise.reject(new Error("no")) : Promise.resolve({ metadata: { name: path } });
  };
  const time = new Date(0);
  const cluster: ClusterReader = {
    get: (path) => answer("get", path),
    list: async (path) => [await answer("list", path)],
    now: () => time,
  };
  const reader = readingOnce(cluster);
  for (let i = 0; i < 3; i++) {
    assert.equal((await reader.get("/a"))?.metadata.name, "/a");
    assert.equal((await reader.list("/a"))[0]?.metadata.name, "/a");
    await assert.rejects(reader.get("/bad"), /no/);
  }
  assert.deepEqual(asked, ["get /a", "list /a", "get /bad"]);
  assert.equal(reader.now?.(), time);
});
