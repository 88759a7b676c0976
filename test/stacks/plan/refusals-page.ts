import * as path from "node:path";
import { describeRefusals } from "../../../stacks/messages/refusals";
import type { Rule } from "../../../stacks/plan/model";
import { waiverWords } from "../../../stacks/plan/waivers";
import { rules } from "../../../stacks/plan/rules/all-rules";
import { planFor, serviceConfig } from "../cases";
import { scenarios } from "./scenarios";

/*
 * docs/refusals.md, made from the list of rules and from one case of each: `npm run docs` writes it, and a test holds
 * the two together. It is made here and not beside the rules, because the cases are the tests'.
 */

export const file = path.join(__dirname, "..", "..", "..", "docs", "refusals.md");

/** The page that documents every rule. */
export function refusalsPage(): string {
  return `# Refusals

Before the program changes anything, it compares the config with what is deployed: the live route and pools first, the
record of the last successful update second. It refuses an update that could harm customers, and prints all reasons in
one message: the rule, what was found, and the commands that fix it.

Some rules can be waived for one update: \`pulumi config set --path 'allow[0]' RULE\`. The update says that it used the
waiver; take it out of the config afterwards (\`pulumi config rm --path 'allow[0]'\`). A waiver that stays there is used
up. To use one again, number it: \`pulumi config set --path 'allow[0]' RULE@2\`; the messages print the next number.

This page is generated from the rules, and the messages are the program's own (\`npm run docs\`).

${rules.map(section).join("\n")}`;
}

function section(rule: Rule): string {
  const { id, summary, remark, fix, waiver } = rule;
  const waived = waiver === undefined ? "none." : [`\`${waiver.name}\`.`, waiver.use ?? []].flat().join(" ");
  return `## ${id}

${summary}

\`\`\`
${exampleOf(rule)}
\`\`\`
${remark === undefined ? "" : `\n${remark}\n`}
**Fix**: ${fix}
**Waiver**: ${waived}
`;
}

/** What the program says in the rule's case. @throws Error where the case is not refused, or there is none. */
function exampleOf({ id, example }: Rule): string {
  if (example !== undefined) return example;
  const scenario = scenarios.find(({ rule }) => rule === id);
  if (scenario === undefined) throw new Error(`no case is refused by ${id}: add one to scenarios.ts`);
  const config = serviceConfig(scenario.config);
  const world = scenario.world();
  const { refusals } = planFor(config, world);
  const own = refusals.filter(({ rule }) => rule === id);
  if (own.length === 0) throw new Error(`the case of ${id} is not refused`);
  return describeRefusals(own, waiverWords(config, world));
}
