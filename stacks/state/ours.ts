import { labels, managedBy } from "../../components/names";
import type { LiveObject } from "./cluster-reader";

/** Whether this program made an object for a service. */
export function isOurs({ metadata }: LiveObject, service: string): boolean {
  return metadata.labels?.[labels.managedBy] === managedBy && metadata.labels[labels.service] === service;
}
