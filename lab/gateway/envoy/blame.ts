import type { Outcome } from "./apply";
import type { EnvoyConfig } from "./types";

/**
 * Keeps a route that Envoy refuses from holding up the others. Envoy refuses a whole route configuration; the
 * routes in it that it has not taken before are tried one by one, and those it refuses are left out.
 */
export class Blame {
  /** Envoy's complaint about each route it refuses, by `uid@generation`. */
  readonly refused = new Map<string, string>();
  private readonly taken = new Set<string>();

  /**
   * Applies what `plan` makes of the routes that are left; `plan` gets those to leave out.
   * Returns the last plan with what came of it.
   */
  async program<P extends { envoy: EnvoyConfig }>(
    plan: (without: ReadonlyMap<string, string>) => P,
    apply: (config: EnvoyConfig) => Promise<Outcome>,
  ): Promise<{ plan: P; outcome: Outcome }> {
    const attempt = async (without: ReadonlyMap<string, string>): Promise<{ plan: P; outcome: Outcome }> => {
      const planned = plan(without);
      const outcome = await apply(planned.envoy);
      for (const [name, { contributors }] of planned.envoy.routes) {
        if (!outcome.routes.has(name)) contributors.forEach((route) => this.taken.add(route));
      }
      return { plan: planned, outcome };
    };
    let result = await attempt(this.refused);
    const suspects = this.suspectsOf(result.plan.envoy, result.outcome);
    for (const [i, suspect] of suspects.entries()) {
      const waiting = suspects.slice(i + 1).map((route) => [route, "not tried yet"] as const);
      // A single suspect has been tried already.
      const trial = suspects.length === 1 ? result : await attempt(new Map([...this.refused, ...waiting]));
      const message = complaintAbout(suspect, trial.plan.envoy, trial.outcome);
      if (message !== undefined) this.refused.set(suspect, message);
    }
    if (suspects.length > 0) result = await attempt(this.refused);
    return result;
  }

  /** Drops what is known of routes and generations that are no more. */
  keepOnly(present: ReadonlySet<string>): void {
    for (const route of this.taken) if (!present.has(route)) this.taken.delete(route);
    for (const route of this.refused.keys()) if (!present.has(route)) this.refused.delete(route);
  }

  private suspectsOf({ routes }: EnvoyConfig, outcome: Outcome): string[] {
    const contributors = [...outcome.routes]
      .filter(([, error]) => error.refused)
      .flatMap(([name]) => [...(routes.get(name)?.contributors ?? [])]);
    return [...new Set(contributors)].filter((route) => !this.taken.has(route));
  }
}

function complaintAbout(route: string, { routes }: EnvoyConfig, outcome: Outcome): string | undefined {
  for (const [name, error] of outcome.routes) {
    if (error.refused && routes.get(name)?.contributors.has(route) === true) return error.message;
  }
  return undefined;
}
