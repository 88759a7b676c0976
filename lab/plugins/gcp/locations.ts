/** Regions with the letters of their zones; most have a, b and c. Source: Compute Engine's list of regions. */
const others: Readonly<Record<string, string>> = {
  "europe-west1": "bcd",
  "us-central1": "abcf",
  "us-east1": "bcd",
};

const regions = new Set([
  ...["africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2", "asia-northeast3"],
  ...["asia-south1", "asia-south2", "asia-southeast1", "asia-southeast2", "asia-southeast3"],
  ...["australia-southeast1", "australia-southeast2", "europe-central2", "europe-north1", "europe-north2"],
  ...["europe-southwest1", "europe-west1", "europe-west10", "europe-west12", "europe-west2", "europe-west3"],
  ...[
    "europe-west4",
    "europe-west6",
    "europe-west8",
    "europe-west9",
    "me-central1",
    "me-central2",
    "me-west1",
  ],
  ...["northamerica-northeast1", "northamerica-northeast2", "northamerica-south1", "southamerica-east1"],
  ...["southamerica-west1", "us-central1", "us-east1", "us-east4", "us-east5", "us-south1", "us-west1"],
  ...["us-west2", "us-west3", "us-west4"],
]);

export function isRegion(location: string): boolean {
  return regions.has(location);
}

export function zonesOf(region: string): string[] {
  return regions.has(region)
    ? (others[region] ?? "abc").split("").map((letter) => `${region}-${letter}`)
    : [];
}

/** Zones that exist; AI zones and others with longer names count by their pattern. */
export function isZone(location: string): boolean {
  const region = regionOf(location);
  return (
    region !== location &&
    isRegion(region) &&
    (zonesOf(region).includes(location) || /-(ai\d[a-z])$/.test(location))
  );
}

/** The region of a zone; a region is its own. */
export function regionOf(location: string): string {
  return /^(.*\d)-[a-z]\w*$/.exec(location)?.[1] ?? location;
}

/**
 * Zones that lack machines with accelerators, and those that they have after all. Not complete: enough to show what
 * becomes of a pool there. Source: Compute Engine's page of GPU locations.
 */
const zonesWithFew: Readonly<Record<string, readonly string[]>> = { "us-central1-f": ["a2-highgpu"] };

/** Whether a zone has a machine type that comes with an accelerator. */
export function hasMachine(zone: string, machineType: string): boolean {
  const few = zonesWithFew[zone];
  return few === undefined || few.some((prefix) => machineType.startsWith(prefix));
}

/** Zones in which a regional cluster has nodes when nothing is said: three of its region. */
export function defaultZones(location: string): string[] {
  return isRegion(location) ? zonesOf(location).slice(0, 3) : [location];
}
