/** Runs of each property: AFFIDAVIT_PROPERTY_RUNS; more of them for a night. */
export const runs = Number(process.env['AFFIDAVIT_PROPERTY_RUNS'] ?? 100);
/** AFFIDAVIT_PROPERTY_SEED; a failure prints the seed that made it. */
export const seed = Number(process.env['AFFIDAVIT_PROPERTY_SEED'] ?? 20261123);
export const parameters = { numRuns: runs, seed };

/** What no input may make a verification exceed. */
export const secondsMax = 5;
export const peakMbMax = 512;
