// Short ways from a sample to what comes out of an import.
import { createRedactor } from '../../src/redact/redactor.ts';
import { readWitnessTrace, type WitnessTrace } from '../../src/witness/collection.ts';
import { type ImportedTrace, importTrace } from '../../src/witness/import-trace.ts';
import { createTally, type Tally } from '../../src/witness/tally.ts';
import { collectionType, type Json } from './samples.ts';

export function traceOf(predicate: unknown, tally: Tally = createTally()): WitnessTrace {
	const reading = readWitnessTrace(collectionType, predicate, tally);
	if (reading.kind === 'refused') throw new Error(`${reading.code}: ${reading.reason}`);
	return reading.trace;
}

const redact = createRedactor();

export function imported(predicate: Json, workspace = ''): ImportedTrace {
	const tally = createTally();
	const options = { payloadSha256: 'a'.repeat(64), keyId: 'b'.repeat(64), workspace, repository: '', redact };
	return importTrace(traceOf(predicate, tally), options, tally);
}

/** kind, program's name or pid, path, hook: one line an event. */
export const linesOf = ({ events }: ImportedTrace): string[] =>
	events
		.filter(({ event }) => event.hook !== 'imported:about')
		.map(({ event, process }) => {
			const who =
				process.binary === '' ? `pid ${process.pid}` : process.binary.slice(process.binary.lastIndexOf('/') + 1);
			return `${who} ${event.kind} ${event.path} ${event.hook}`.trim();
		});
