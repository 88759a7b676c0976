import * as pulumi from "@pulumi/pulumi";

/*
 * Replaces the engine by one that only writes down what is registered. Import this module before any that registers
 * resources: they ask for the engine when they are loaded.
 */

/** A resource as a program registered it. */
export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** What it is imported from. */
  importId?: string;
}

const registered: Registered[] = [];

/** What the cloud would have answered, by type: only what other resources need to know. */
const answers: Readonly<Record<string, Record<string, unknown>>> = {
  "random:index/randomId:RandomId": { hex: "abc123" },
  "random:index/randomPassword:RandomPassword": { result: "secret-of-a-test" },
  "gcp:container/cluster:Cluster": { endpoint: "10.0.0.2", masterAuth: { clusterCaCertificate: "Y2E=" } },
  "gcp:serviceaccount/account:Account": { email: "nodes@acme-ml.iam.gserviceaccount.com" },
};

/** What the cloud would have answered when it is asked for something that exists. */
const looked: Readonly<Record<string, Record<string, unknown>>> = {
  "gcp:container/getCluster:getCluster": {
    endpoint: "10.0.0.2",
    masterAuths: [{ clusterCaCertificate: "Y2E=" }],
  },
  "gcp:organizations/getProject:getProject": { number: "123456789012" },
};

void pulumi.runtime.setMocks(
  {
    newResource: ({ type, name, inputs, id }) => {
      const importId = id === undefined || id === "" ? {} : { importId: id };
      const resource = { type, name, inputs: inputs as Record<string, unknown>, ...importId };
      registered.push(resource);
      return { id: `${name}-id`, state: { ...resource.inputs, ...answers[type] } };
    },
    call: ({ token, inputs }) => ({ ...(inputs as Record<string, unknown>), ...looked[token] }),
  },
  "inference-rollout",
  "test",
  false,
);

/** What `program` registers, once everything has been written down. */
export async function rendered(program: () => unknown): Promise<Registered[]> {
  registered.length = 0;
  program();
  await pulumi.runtime.disconnect();
  return [...registered];
}

/** What has been registered of the program that is being rendered. */
export function renderedSoFar(): readonly Registered[] {
  return registered;
}
