import * as https from "node:https";
import type { KubeConfig } from "@kubernetes/client-node";
import { handedOut, type CredentialsProgram } from "./exec-credentials";

/*
 * What a kubeconfig gives to requests: certificates, a token, a proxy; also where a program hands them out.
 */

/** Loads what reads kubeconfigs: only this file of the library, and only when somebody needs it. */
export const loadKubeconfigs = (): Promise<typeof import("@kubernetes/client-node/dist/config.js")> =>
  // All of the library takes a third of a second.
  import("@kubernetes/client-node/dist/config.js");

/** What is fetched once for all, and once more after it was refused, however many it was refused to. */
export class Renewable<T> {
  private current: Promise<T> | undefined;

  constructor(private readonly fetch: () => Promise<T>) {}

  get(): Promise<T> {
    if (this.current !== undefined) return this.current;
    const fetched = this.fetch();
    this.current = fetched;
    // Whoever asks next tries again: a program that hands out tokens may fail once.
    fetched.catch(() => this.drop(fetched));
    return fetched;
  }

  /** Forgets it, unless it has been renewed meanwhile. */
  drop(used: Promise<T>): void {
    if (this.current === used) this.current = undefined;
  }
}

/**
 * Options of every request to a kubeconfig's cluster.
 * @param seconds for its program to hand out credentials.
 * @throws Error that says why there are none.
 */
export async function optionsFrom(config: KubeConfig, seconds: number): Promise<https.RequestOptions> {
  const options: https.RequestOptions = {};
  await (await withCredentials(config, seconds)).applyToHTTPSOptions(options);
  return {
    headers: options.headers,
    auth: options.auth,
    ...tlsOf(options),
    ...tlsOf(agentOptions(options.agent)),
    // A proxy (`proxy-url`) is the library's agent; without one, the caller's keeps connections alive.
    ...(config.getCurrentCluster()?.proxyUrl === undefined ? {} : { agent: options.agent }),
  };
}

/** The kubeconfig, with what its program hands out in the program's place. */
async function withCredentials(config: KubeConfig, seconds: number): Promise<KubeConfig> {
  const user = config.getCurrentUser();
  // A user without anything has null there.
  const program = (user?.exec ?? undefined) as CredentialsProgram | undefined;
  if (user === null || program === undefined) return config;
  const { KubeConfig } = await loadKubeconfigs();
  const credentials = await handedOut(program, config.getCurrentCluster(), seconds);
  const { clusters, contexts, currentContext } = config;
  const own = typeof user.token === "string" ? { token: user.token } : {};
  const found = new KubeConfig();
  const users = [{ ...user, exec: undefined, ...credentials, ...own }];
  found.loadFromOptions({ clusters, contexts, currentContext, users });
  return found;
}

/**
 * The library puts certificates into the request's options or into an agent of its own. Ours keeps connections
 * alive, so it takes them over; nothing else, because an agent's options hold a path of its own.
 */
function tlsOf(options: https.RequestOptions): https.RequestOptions {
  const { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername } = options;
  const all = { ca, cert, key, pfx, passphrase, rejectUnauthorized, servername };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function agentOptions(agent: https.RequestOptions["agent"]): https.RequestOptions {
  return agent instanceof https.Agent ? agent.options : {};
}
