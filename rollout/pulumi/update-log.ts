import type { EngineEvent } from "@pulumi/pulumi/automation";
import { overtaken } from "../../components/names";

/** What came of an update, a preview or a destroy. */
export interface UpdateResult {
  ok: boolean;
  /** Ctrl-C ended it. */
  cancelled: boolean;
  /** What the program, a policy or a provider said was wrong. */
  errors: readonly string[];
  warnings: readonly string[];
  /** Resources whose change was begun, as `update HTTPRoute llm`; of a preview: would be. */
  begun: readonly string[];
}

/** What a gate says that stopped an update before the route (stacks/gates/gate.ts). */
const routeNotChanged = "The route was not changed";

/** Gathers from the engine's events what a person wants to know. */
export class UpdateLog {
  private readonly errors: string[] = [];
  private readonly warnings: string[] = [];
  private readonly begun: { urn: string; text: string }[] = [];
  /** Resources whose hook stopped the update before their own change: the engine calls them begun all the same. */
  private readonly held = new Set<string>();

  /** @param say called with progress, one line each. */
  constructor(private readonly say: (line: string) => void = () => undefined) {}

  take(event: EngineEvent): void {
    const { resourcePreEvent, diagnosticEvent, policyEvent, stdoutEvent } = event;
    if (resourcePreEvent !== undefined)
      this.step(resourcePreEvent.metadata.op, resourcePreEvent.metadata.urn);
    if (diagnosticEvent !== undefined) {
      const text = plain(diagnosticEvent.message);
      if (text === "") return;
      if (diagnosticEvent.severity === "error") {
        this.add(this.errors, text);
        if (text.includes(routeNotChanged) || text.includes(overtaken))
          this.held.add(diagnosticEvent.urn ?? "");
      }
      if (diagnosticEvent.severity === "warning" && !isNoise(text)) this.add(this.warnings, text);
      else if (diagnosticEvent.severity === "info") this.say(text.split("\n")[0] ?? "");
    }
    if (policyEvent !== undefined) {
      const { policyPackName, policyName, message, enforcementLevel } = policyEvent;
      const text = `policy ${policyPackName}/${policyName}: ${plain(message)}`;
      this.add(enforcementLevel === "mandatory" ? this.errors : this.warnings, text);
    }
    if (stdoutEvent !== undefined) this.say(plain(stdoutEvent.message).split("\n")[0] ?? "");
  }

  /** @param failure what `pulumi` itself printed where it failed; used where the events say nothing. */
  result({ ok, cancelled, failure }: { ok: boolean; cancelled: boolean; failure?: string }): UpdateResult {
    const errors = this.errors.length > 0 || failure === undefined ? this.errors : [failure];
    const { warnings } = this;
    const begun = this.begun.filter(({ urn }) => !this.held.has(urn)).map(({ text }) => text);
    return { ok, cancelled, errors: ok ? [] : errors, warnings, begun };
  }

  private step(op: string, urn: string): void {
    if (["same", "read", "refresh", "read-replacement", "discard"].includes(op)) return;
    const [type = "", name = ""] = urn.split("::").slice(-2);
    const own = type.split("$").at(-1) ?? type;
    // Stacks, providers and components are nothing that a customer could be connected to.
    if (/^(pulumi:pulumi|pulumi:providers|inference-rollout:index):/.test(own)) return;
    const kind = own.split(":").at(-1) ?? own;
    this.begun.push({ urn, text: `${op} ${kind} ${name}` });
    this.say(`${op} ${kind} ${name}`);
  }

  private add(list: string[], text: string): void {
    if (!list.includes(text)) list.push(text);
  }
}

/** The SDK's remark in every preview on an output that only an update knows. */
const isNoise = (text: string): boolean =>
  /^Undefined value \(.*\) will not show as a stack output/.test(text);

/** Without the engine's marks for colours, its prefixes and surrounding space. */
export function plain(text: string): string {
  return text
    .replace(/<\{%.*?%\}>/g, "")
    .replace(/^\s*(error|warning): /, "")
    .trim();
}
