/**
 * How often a property of the plan is tried: `usual` in `npm test`, which is run again and again, each time with other
 * random cases; PROPERTY_RUNS where it is set, as `npm run test:full` does.
 */
export const propertyRuns = (usual: number): number => Number(process.env["PROPERTY_RUNS"] ?? usual);
