/**
 * The direction of imports, as docs/architecture.md draws it; part of `npm run check`. Imports of types count too: a
 * type of an upper layer in a lower one is how layers grow together. To see a rule at work:
 *   npx depcruise --config .dependency-cruiser.cjs --focus '^stacks/state/' index.ts components stacks rollout
 */

/** Product folders, each with what it may import besides itself, node, and what `packages` says. */
const layers = [
  // A library: it renders what it is given, and knows nothing of the stack's config or plan.
  { folder: "components", may: [], packages: "@pulumi/" },
  // A leaf: what an answer of a model server says.
  { folder: "stacks/answers", may: ["components"], packages: "(?!)" },
  // Pure: the same input, the same plan. Of components only what is pure as well.
  { folder: "stacks/plan", may: ["components", "stacks/answers"], packages: "(?!)" },
  { folder: "stacks/messages", may: ["components", "stacks/plan", "stacks/answers"] },
  {
    folder: "stacks/config",
    may: ["components", "stacks/plan", "stacks/answers", "stacks/messages"],
  },
  { folder: "stacks/state", may: ["components", "stacks/plan", "stacks/answers", "stacks/messages"] },
  {
    folder: "stacks/gates",
    may: ["components", "stacks/plan", "stacks/answers", "stacks/messages", "stacks/state"],
  },
  // What joins them: stack.ts, platform.ts, service.ts, outputs.ts.
  { folder: "stacks", may: ["components"] },
  { folder: "rollout", may: ["components", "stacks"] },
  // Stands beside the product: it rehearses any program, and knows this one by its commands and outputs.
  { folder: "lab", may: ["rollout/traffic"], except: "lab/rehearsal" },
  // The rehearsal of a user's own stack reads that stack's config as the program does.
  {
    folder: "lab/rehearsal",
    may: ["lab", "rollout/traffic", "stacks/config", "stacks/messages", "stacks/plan"],
  },
];

const own = "^(index\\.ts|(start|components|stacks|rollout|lab|test|policy)/)";
const inside = (folders) => `^(${folders.join("|")})/`;

const directions = layers.map(({ folder, may, except }) => ({
  name: `${folder.replace("/", "-")}-imports`,
  comment: `${folder}/ imports ${["itself", ...may.map((to) => `${to}/`)].join(", ")}`,
  severity: "error",
  from: { path: inside([folder]), ...(except === undefined ? {} : { pathNot: inside([except]) }) },
  to: { path: own, pathNot: inside([folder, ...may]) },
}));

const foreign = layers
  .filter(({ packages }) => packages !== undefined)
  .map(({ folder, packages }) => ({
    name: `${folder.replace("/", "-")}-packages`,
    comment: `${folder}/ needs ${packages === "(?!)" ? "no package" : `${packages}* only`}`,
    severity: "error",
    from: { path: inside([folder]) },
    to: { path: "node_modules/", pathNot: `node_modules/${packages}` },
  }));

/** @type {import("dependency-cruiser").IConfiguration} */
module.exports = {
  forbidden: [
    ...directions,
    ...foreign,
    {
      name: "no-circle",
      comment: "Files that need each other are one file, or lack a third one that both may import.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "no-orphan",
      comment: "A file of the product that nothing imports is a command's entry, or left over.",
      severity: "error",
      from: { path: "^(components|stacks|rollout)/", orphan: true },
      to: {},
    },
    {
      name: "not-by-tests-alone",
      comment: "A file of the product that only tests import is left over.",
      severity: "error",
      module: {
        path: "^(components|stacks|rollout)/",
        pathNot: "^(components/index\\.ts|rollout/(command-line|now-line|early)\\.ts)$",
        numberOfDependentsLessThan: 1,
      },
      from: { path: "^(index\\.ts|components|stacks|rollout|lab|docs)" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    // The policy pack's entry imports what only its own folder installs.
    exclude: { path: "^policy/index\\.ts$" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    cache: { folder: "node_modules/.cache/dependency-cruiser", strategy: "content" },
  },
};
