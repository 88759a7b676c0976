import type { RunningServer } from "../engines/engine";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { poolLabels, secretArgsName, type PoolRef } from "../names";

/** A word of a command line. One that the pods have in clear text is still a Pulumi secret. */
export type Word = string | pulumi.Output<string>;

type EnvVar = k8s.types.input.core.v1.EnvVar;

/** Data key of the argument at a place. */
const keyOf = (place: number): string => `arg-${place + 1}`;
const variableOf = (place: number): string => `SECRET_ARG_${place + 1}`;

/** A server's arguments as its pods have them: Kubernetes puts the variable's value in the place of `$(NAME)`. */
export function argWords({
  args,
  secretArgs = [],
  clearSecrets = [],
}: Pick<RunningServer, "args" | "secretArgs" | "clearSecrets">): Word[] {
  return args.map((word, i) => {
    if (secretArgs.includes(i)) return `$(${variableOf(i)})`;
    return clearSecrets.includes(i) ? pulumi.secret(word) : word;
  });
}

/** The variables that the arguments name. */
export function argVariables(pool: string, { secretArgs = [] }: Pick<RunningServer, "secretArgs">): EnvVar[] {
  return secretArgs.map((i) => ({
    name: variableOf(i),
    valueFrom: { secretKeyRef: { name: secretArgsName(pool), key: keyOf(i) } },
  }));
}

/** The user's environment as a container has it, sorted by name: another order must not be another template. */
export function userVariables(pool: string, { env = {} }: Pick<RunningServer, "env">): EnvVar[] {
  return Object.entries(env)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => {
      if (value.from === "secret") {
        return { name, valueFrom: { secretKeyRef: { name: value.name, key: value.key } } };
      }
      return value.secret
        ? { name, valueFrom: { secretKeyRef: { name: secretArgsName(pool), key: name } } }
        : { name, value: value.value };
    });
}

/** Whether a Secret of this program holds something of the server's. */
export const hasSecrets = ({ secretArgs, env = {} }: Pick<RunningServer, "secretArgs" | "env">): boolean =>
  secretArgs !== undefined || Object.values(env).some((value) => value.from === "config" && value.secret);

export interface ServerSecretsArgs extends PoolRef {
  /** Whose words those of `secretArgs`, and whose variables those of `env` are. */
  server: RunningServer;
}

/** The secret arguments and variables of a pool's model servers, in the pool's own namespace. */
export class ServerSecrets extends pulumi.ComponentResource {
  constructor(name: string, args: ServerSecretsArgs, opts?: pulumi.ComponentResourceOptions) {
    super("inference-rollout:index:ServerSecrets", name, {}, opts);
    const { service, pool, namespace, server } = args;
    const data = [
      ...(server.secretArgs ?? []).map((i) => [keyOf(i), pulumi.secret(server.args[i] ?? "")] as const),
      // No name of a variable has the dash of an argument's key.
      ...Object.entries(server.env ?? {}).flatMap(([name, value]) =>
        value.from === "config" && value.secret ? [[name, pulumi.secret(value.value)] as const] : [],
      ),
    ];
    new k8s.core.v1.Secret(
      secretArgsName(pool),
      {
        metadata: { name: secretArgsName(pool), namespace, labels: poolLabels(service, pool) },
        stringData: Object.fromEntries(data),
      },
      { parent: this },
    );
    this.registerOutputs();
  }
}
