// What others must know of the correlate scope.
export const correlateStageName = 'correlate';

/** The list in the session store that holds a session's fact batches. */
export const factsList = (session: string): string => `facts:${session}`;
