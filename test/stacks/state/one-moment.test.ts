import assert from "node:assert/strict";
import { it } from "node:test";
import type { ClusterReader, LiveObject } from "../../../stacks/state/cluster-reader";
import { readingOnce, whereSomethingIs } from "../../../stacks/state/one-moment";

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

it("asks for nothing inside of a namespace that is not there, and for everything where nobody may look", async () => {
  const asked: string[] = [];
  const cluster: ClusterReader = {
    get: (path) => {
      asked.push(path);
      if (path === "/api/v1/namespaces/secret") return Promise.reject(new Error("forbidden"));
      return Promise.resolve(path.includes("/nowhere") ? undefined : { metadata: { name: path } });
    },
    list: (path) => {
      asked.push(path);
      return Promise.resolve([{ metadata: { name: path } }]);
    },
  };
  const reader = whereSomethingIs(cluster, ["nowhere-home"]);
  assert.deepEqual(await reader.list("/apis/apps/v1/namespaces/nowhere/deployments?labelSelector=a"), []);
  assert.equal(await reader.get("/api/v1/namespaces/nowhere/pods/a"), undefined);
  assert.equal(await reader.get("/api/v1/namespaces/nowhere"), undefined);
  assert.deepEqual(new Set(asked), new Set(["/api/v1/namespaces/nowhere"]));
  for (const namespace of ["here", "secret", "nowhere-home"]) {
    const path = `/api/v1/namespaces/${namespace}/pods`;
    assert.equal((await reader.list(path))[0]?.metadata.name, path);
  }
  for (const path of ["/api/v1/namespaces?labelSelector=a", "/apis/gateway.networking.k8s.io/v1/httproutes"])
    assert.equal((await reader.list(path))[0]?.metadata.name, path);
});
