import type { Gateway } from "../objects/types";

/**
 * Why a Gateway cannot have the address it asks for. `unsupported`: never here, the Gateway is not accepted.
 * `unusable`: not now, the Gateway is accepted and not programmed.
 */
export interface AddressProblem {
  kind: "unsupported" | "unusable";
  message: string;
}

/** What a Gateway wants: any address of ours, or a certain one. */
export type RequestedAddress = { kind: "any" } | { kind: "certain"; address: string } | AddressProblem;

/**
 * Reads spec.addresses. A NamedAddress is GKE's name of a reserved address: the lab reserves none, so such a Gateway
 * gets an address of ours like every other. `prefix`: the first three numbers of our addresses.
 */
export function requestedAddress({ spec }: Gateway, prefix: string): RequestedAddress {
  const entries = (spec.addresses ?? []).map(({ type = "IPAddress", value }) => ({ type, value }));
  const other = entries.find(({ type }) => type !== "IPAddress" && type !== "NamedAddress");
  if (other !== undefined) {
    return {
      kind: "unsupported",
      message: `spec.addresses: the lab supports addresses of type IPAddress and NamedAddress, not ${other.type}`,
    };
  }
  for (const { type, value } of entries) {
    if (type === "NamedAddress" && (value ?? "") === "") {
      return { kind: "unusable", message: "spec.addresses: a NamedAddress needs a value, its name" };
    }
    if (type === "IPAddress" && value !== undefined && !isOurs(value, prefix)) {
      return {
        kind: "unusable",
        message: `spec.addresses: ${value} is not an address of this lab (${prefix}.1 to ${prefix}.254)`,
      };
    }
  }
  if (entries.length > 1) {
    return {
      kind: "unsupported",
      message: "spec.addresses: the lab gives a Gateway one address, not several",
    };
  }
  const [entry] = entries;
  return entry?.type === "IPAddress" && entry.value !== undefined
    ? { kind: "certain", address: entry.value }
    : { kind: "any" };
}

function isOurs(address: string, prefix: string): boolean {
  if (!address.startsWith(`${prefix}.`)) return false;
  const last = address.slice(prefix.length + 1);
  return /^[1-9]\d{0,2}$/.test(last) && Number(last) <= 254;
}
