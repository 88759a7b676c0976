import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, describe, it } from "node:test";
import type { Registered } from "../rendering";
import { renderStack } from "./rendered-service";
import type { KubernetesObject } from "@kubernetes/client-node";
import { resolveConfig } from "../../stacks/config/resolve";
import { accelerators } from "../../components/accelerators/accelerators";
import { provisionings } from "../../components/accelerators/accelerator";
import { ApiRefused, ClusterApi } from "../../lab/cluster/cluster-api";
import { loadKubeconfig } from "../../lab/cluster/objects";
import { groupDefinitions, installDefinitions } from "../../lab/cluster/definitions";
import { keysOf, readConfigFile } from "../../lab/rehearsal/config-file";
import { TestLab } from "../../lab/plugins/testing/test-lab";

/*
 * Every Kubernetes object that the examples, and a pool of every accelerator however it is bought, are rendered to is
 * one that a real API server takes, with strict field validation: no field that it does not know, none twice.
 */

const folder = path.join(__dirname, "..", "..", "examples");

async function objectsOf(values: Record<string, unknown>): Promise<KubernetesObject[]> {
  const { raw, cloud } = keysOf(values);
  const { config, mistakes } = resolveConfig(raw, { project: "acme-ml", region: "us-central1", ...cloud });
  assert.deepEqual(mistakes, []);
  assert.ok(config?.role === "all");
  const resources = await renderStack(config);
  return resources.filter(isObject).map(({ inputs }) => inputs as KubernetesObject);
}

/** A pool of every machine and slice of the catalogue, in every way it can be had. */
function catalogueCases(): { name: string; pool: Record<string, unknown> }[] {
  return accelerators.flatMap(({ name: accelerator, machines, workloadPolicy }) =>
    machines.flatMap((machine) => {
      const hosts = machine.slices.length === 0 ? [1] : machine.slices.map((slice) => slice.hosts);
      return hosts.flatMap((count, i) =>
        provisionings
          .filter((way) => machine.provisioning.includes(way))
          .filter((way) => !(i > 0 && way === "flex-start"))
          .map((provisioning) => {
            const oneZone = i > 0 || provisioning === "reservation" || workloadPolicy?.kind === "rack";
            return {
              name: `${count} x ${machine.type}, ${provisioning}`,
              pool: {
                accelerator,
                acceleratorsPerReplica: count * machine.count,
                machineType: machine.type,
                provisioning,
                ...(provisioning === "reservation" ? { reservation: "serving" } : {}),
                ...(oneZone ? { zones: ["us-central1-a"] } : {}),
              },
            };
          }),
      );
    }),
  );
}

function isObject({ type, inputs }: Registered): boolean {
  return type.startsWith("kubernetes:") && inputs["kind"] !== undefined && inputs["metadata"] !== undefined;
}

/** Where an object is posted to: the client knows it and says it to nobody. */
interface Paths {
  specUriPath(object: KubernetesObject, action: "create"): Promise<string>;
}

describe("rendered objects, asked of a real API server", () => {
  let lab: TestLab;
  let api: ClusterApi;
  let paths: Paths;
  const namespaces = new Set<string>();
  const unknown = new Set<string>();
  let asked = 0;
  before(async () => {
    lab = await TestLab.start();
    await installDefinitions(lab.lab.controlPlane.kubeconfig, await groupDefinitions());
    api = ClusterApi.ofKubeconfig(loadKubeconfig(lab.lab.controlPlane.kubeconfig));
    paths = lab.objects as unknown as Paths;
  });
  after(async () => {
    api.close();
    await lab.stop();
  });

  async function takes(object: KubernetesObject): Promise<string | undefined> {
    const { namespace } = object.metadata ?? {};
    if (namespace !== undefined && namespace !== "default" && !namespaces.has(namespace)) {
      namespaces.add(namespace);
      await lab.objects.create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
    }
    try {
      const path = await paths.specUriPath(object, "create");
      await api.post(`${path}?dryRun=All&fieldValidation=Strict&fieldManager=strict-test`, object);
      asked++;
      return undefined;
    } catch (error) {
      // Namespaces are made before what is in them.
      if (error instanceof ApiRefused && error.status === 409) return undefined;
      if (error instanceof Error && error.message.startsWith("Unrecognized API version and kind")) {
        unknown.add(`${object.apiVersion ?? ""} ${object.kind ?? ""}`);
        return undefined;
      }
      return `${object.kind ?? ""} ${object.metadata?.name ?? ""}: ${String(error)}`;
    }
  }

  async function allTaken(objects: readonly KubernetesObject[]): Promise<void> {
    assert.ok(objects.length > 5);
    const refused: string[] = [];
    for (const object of objects) {
      const answer = await takes(object);
      if (answer !== undefined) refused.push(answer);
    }
    assert.deepEqual(refused, []);
  }

  for (const file of fs.readdirSync(folder).filter((name) => name.endsWith(".yaml"))) {
    it(`takes ${file}`, async () => {
      await allTaken(await objectsOf(readConfigFile(path.join(folder, file))));
    });
  }

  for (const { name, pool } of catalogueCases()) {
    it(`takes a pool of ${name}`, async () => {
      const config = {
        "inference-rollout:model": "Qwen/Qwen3-8B",
        "inference-rollout:stable": "llm",
        "inference-rollout:pools": { llm: { replicas: 1, ...pool } },
      };
      await allTaken(await objectsOf(config));
    });
  }

  it("knows every kind but those that Google Cloud brings", () => {
    console.log(`# ${asked} objects taken; not known here: ${[...unknown].sort().join(", ")}`);
    for (const kind of unknown) assert.match(kind, /googleapis\.com|networking\.gke\.io/, kind);
    assert.ok(asked > 100);
  });
});
