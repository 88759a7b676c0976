import { containersOf, type Asked } from "./pod-specs";

/** Tags that move to newer images: two pods of one pool could run different servers. */
const moving = /^(latest|main|master|nightly|edge|dev|stable)$/;

/** Images that can change without an update, and why. */
export function unpinnedImages(asked: Asked, { requireDigest = false } = {}): string[] {
  return containersOf(asked).flatMap(({ name, image }) => {
    const problem = typeof image === "string" ? problemOf(image, requireDigest) : "it has no image";
    return problem === undefined
      ? []
      : [`container ${name ?? "(unnamed)"}: ${problem}; use a version tag or a digest`];
  });
}

function problemOf(image: string, requireDigest: boolean): string | undefined {
  if (/@sha256:[0-9a-f]{64}$/.test(image)) return undefined;
  if (requireDigest) return `${image} has no digest`;
  // A registry's port is not a tag: only what follows the last slash counts.
  const tag = /:([\w.-]+)$/.exec(image.slice(image.lastIndexOf("/") + 1))?.[1];
  if (tag === undefined) return `${image} has no tag, so it means :latest`;
  return moving.test(tag) ? `${image} has a tag that moves to newer images` : undefined;
}
