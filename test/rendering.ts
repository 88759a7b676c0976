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

/** A resource's URN without the stack and the project, and its parent's where that is not the stack. */
export interface Place {
  urn: string;
  parent?: string;
}

const registered: Registered[] = [];
const requests = new WeakMap<Registered, Requested>();

/** What of a request the mocks are not told. */
interface Requested {
  place: Place;
  ignoring: readonly string[];
  isProtected: boolean;
  dependencies: readonly string[];
  updateTimeout: string;
}

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
      if (registering !== undefined) requests.set(resource, registering);
      return { id: `${name}-id`, state: { ...resource.inputs, ...answers[type] } };
    },
    call: ({ token, inputs }) => ({ ...(inputs as Record<string, unknown>), ...looked[token] }),
  },
  "inference-rollout",
  "test",
  false,
);

/** What is being registered. */
let registering: Requested | undefined;
const real = new Map<string, string>();

interface Monitor {
  registerResource(request: Request, answer: Answer): Promise<void>;
}
interface Request {
  getParent(): string;
  getType(): string;
  getName(): string;
  getIgnorechangesList(): string[];
  getProtect(): boolean | undefined;
  getDependenciesList(): string[];
  getCustomtimeouts(): { getUpdate(): string } | undefined;
}
type Answer = (error: unknown, response?: { getUrn(): string }) => void;

const monitor = pulumi.runtime.getMonitor() as unknown as Monitor;
const register = monitor.registerResource.bind(monitor);
monitor.registerResource = (request, answer) => {
  const parent = real.get(request.getParent());
  // As the engine makes it; the mocks leave out all types but the parent's own.
  const types = parent === undefined ? "" : `${parent.slice(0, parent.indexOf("::"))}$`;
  const urn = `${types}${request.getType()}::${request.getName()}`;
  registering = {
    place: { urn, ...(parent === undefined ? {} : { parent }) },
    ignoring: request.getIgnorechangesList(),
    isProtected: request.getProtect() === true,
    dependencies: request.getDependenciesList(),
    updateTimeout: request.getCustomtimeouts()?.getUpdate() ?? "",
  };
  const registered = register(request, (error, response) => {
    if (response !== undefined) real.set(response.getUrn(), urn);
    answer(error, response);
  });
  registering = undefined;
  return registered;
};

/** Where a resource hangs. */
export function urnOf(resource: Registered): Place {
  const place = requests.get(resource)?.place;
  if (place === undefined) throw new Error(`${resource.name} was not registered here`);
  return place;
}

/** Which of its inputs a resource leaves as they are deployed. */
export const ignoredBy = (resource: Registered): readonly string[] => requests.get(resource)?.ignoring ?? [];

/** Whether the engine refuses to delete or replace it. */
export const isProtected = (resource: Registered): boolean => requests.get(resource)?.isProtected === true;

/** Names of what a resource is registered after, and is deleted before. */
export const dependenciesOf = (resource: Registered): readonly string[] =>
  (requests.get(resource)?.dependencies ?? []).map((urn) =>
    urn.replace(/^.*\$/, "").replace(/^.*::(?=.*::)/, ""),
  );

/** How long the provider may take for an update of a resource; "": its own time. */
export const updateTimeoutOf = (resource: Registered): string => requests.get(resource)?.updateTimeout ?? "";

/** What `program` registers, once everything has been written down. */
export async function rendered(program: () => unknown): Promise<Registered[]> {
  registered.length = 0;
  // The SDK writes a stack down for every resource and output: to find each line's source takes half of the time.
  const finding = Object.getOwnPropertyDescriptor(Error, "prepareStackTrace");
  Reflect.deleteProperty(Error, "prepareStackTrace");
  try {
    program();
    await pulumi.runtime.disconnect();
  } finally {
    if (finding !== undefined) Object.defineProperty(Error, "prepareStackTrace", finding);
  }
  return [...registered];
}

/** What has been registered of the program that is being rendered. */
export function renderedSoFar(): readonly Registered[] {
  return registered;
}
