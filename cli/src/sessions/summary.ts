// The stable object of `affidavit process --json` (docs/process-json.md), as the data folder keeps it for each session.
import { z } from 'zod';

/** Typed without the index signature of a loose object, so that a ProcessRef of the model is one. */
const processRef = z.looseObject({ execId: z.string(), binary: z.string() }).nullable() as z.ZodType<{
	execId: string;
	binary: string;
} | null>;

export const sessionIdPattern: RegExp = /^[0-9a-f]{1,64}$/;

export const summarySchema = z.looseObject({
	session: z.string().regex(/^[0-9a-f]{64}$/),
	host: z.string(),
	ciRunId: z.string().nullable(),
	root: z.looseObject({ execId: z.string(), pid: z.number(), binary: z.string(), arguments: z.string() }),
	startedAt: z.string(),
	endedAt: z.string().nullable(),
	verdict: z.enum(['passed', 'failed', 'incomplete']),
	findings: z.array(
		z.looseObject({
			rule: z.string(),
			severity: z.string(),
			path: z.string().nullable(),
			digest: z.string().nullable(),
			expectedDigest: z.string().nullable(),
			process: processRef,
			writer: processRef,
		}),
	),
	products: z.array(z.looseObject({ path: z.string(), sha256: z.string().nullable() })),
	completeness: z.looseObject({
		lostEvents: z.number(),
		lossCounters: z.enum(['known', 'unknown']),
		sensorMixUps: z.number(),
		unverified: z.number(),
		orphanProcesses: z.number(),
		filesWithoutDigest: z.number(),
		gaps: z.array(z.unknown()),
	}),
	counts: z.looseObject({
		events: z.number(),
		processes: z.number(),
		files: z.number(),
		connections: z.number(),
	}),
	statements: z.array(
		z.looseObject({ predicateType: z.string(), envelope: z.string().nullable(), payloadSha256: z.string() }),
	),
});

export type SessionSummary = z.output<typeof summarySchema>;
