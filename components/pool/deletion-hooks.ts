import type * as pulumi from "@pulumi/pulumi";

/**
 * Options that have hooks asked before a resource is deleted. There are none under Pulumi's mocks, which cannot
 * register hooks, so components take them as an argument.
 */
export function deletionHooks(
  beforeDelete: pulumi.ResourceHook[] | undefined,
): Pick<pulumi.CustomResourceOptions, "hooks"> {
  return beforeDelete === undefined || beforeDelete.length === 0 ? {} : { hooks: { beforeDelete } };
}
