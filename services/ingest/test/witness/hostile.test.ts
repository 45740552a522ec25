// No attestation makes an import throw, run away, or lose something without saying so.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'node:test';
import { keyIdOf, verifySignedBatch } from '@affidavit/model/batch-signature.ts';
import { compareEvents } from '@affidavit/model/trace-event.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import fc from 'fast-check';
import { readWitnessTrace } from '../../src/witness/collection.ts';
import { importTrace } from '../../src/witness/import-trace.ts';
import { importBatches } from '../../src/witness/ingest.ts';
import { createTally } from '../../src/witness/tally.ts';
import { opensMax } from '../../src/witness/trace-record.ts';
import { imported } from './import.ts';
import { collection, collectionType, demoRun, ebpfRun, type Json, ptraceRun } from './samples.ts';

const pair = generateKeyPairSync('ed25519');
const key = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };

/** Imports, signs and reads back; the losses of the last batch. */
function throughBatches(predicate: unknown): Map<string, number> | null {
	const tally = createTally();
	const reading = readWitnessTrace(collectionType, predicate, tally);
	if (reading.kind === 'refused') return null;
	const options = { payloadSha256: 'a'.repeat(64), keyId: '', workspace: '', repository: '', redact: (t: string) => t };
	const trace = importTrace(reading.trace, options, tally);
	const inOrder = trace.events.filter(({ event }) => event.hook !== 'imported:about');
	for (let at = 1; at < inOrder.length; at++)
		assert.ok(
			compareEvents((inOrder[at - 1] as (typeof inOrder)[0]).event, (inOrder[at] as (typeof inOrder)[0]).event) <= 0,
		);
	const writer = { cells: new Map(), commit: async () => ({ kind: 'published' as const }) };
	const records = importBatches({ trace, key, writer, emit: collectingEmit().emit });
	let losses = new Map<string, number>();
	for (const { value } of records) {
		const verified = verifySignedBatch(value, () => pair.publicKey);
		assert.ok(verified.kind === 'ok', JSON.stringify(verified));
		losses = new Map(verified.batch.losses.map(({ counter, count }) => [counter, count]));
	}
	return losses;
}

const odd = fc.oneof(
	fc.jsonValue({ maxDepth: 2 }),
	fc.constantFrom(
		null,
		-1,
		1e300,
		2 ** 53,
		'',
		'\0',
		'__proto__',
		'9999-12-31T23:59:59Z',
		'1969-01-01T00:00:00Z',
		[],
		{},
	),
	fc.constantFrom({ sha256: 'xyz' }, { sha512: 'aa' }, { sha256: 7 }, { __proto__x: 1 }, '/a\nb', '../../etc/passwd'),
);

/** The sample with one value, anywhere, replaced by an odd one. */
function mutated(value: unknown, path: number[], by: unknown): unknown {
	if (path.length === 0 || typeof value !== 'object' || value === null) return by;
	const [step = 0, ...rest] = path;
	if (Array.isArray(value)) {
		const at = value.length === 0 ? 0 : step % value.length;
		return value.with === undefined || value.length === 0 ? [by] : value.with(at, mutated(value[at], rest, by));
	}
	const names = Object.keys(value);
	if (names.length === 0) return by;
	const name = names[step % names.length] as string;
	const copy = { ...(value as Json) };
	if (step % 17 === 0) {
		// A name that means something to the language.
		Object.defineProperty(copy, '__proto__', {
			value: copy[name],
			enumerable: true,
			configurable: true,
			writable: true,
		});
		return copy;
	}
	copy[name] = mutated(copy[name], rest, by);
	return copy;
}

describe('hostile attestations', () => {
	for (const [name, predicate] of [
		['v0.1 ptrace', collection('v0.1', ptraceRun())],
		['v0.1 eBPF', collection('v0.1', ebpfRun())],
		['v0.2', collection('v0.2', demoRun())],
	] as const)
		it(`property: ${name} with anything anywhere is imported or refused, and stays readable`, () => {
			const change = fc.tuple(fc.array(fc.nat(100), { minLength: 2, maxLength: 9 }), odd);
			fc.assert(
				fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
					let value: unknown = predicate;
					for (const [path, by] of changes) value = mutated(value, path, by);
					throughBatches(JSON.parse(JSON.stringify(value)));
				}),
				{ numRuns: 300 },
			);
		});

	it('property: any JSON is refused or imported', () => {
		fc.assert(fc.property(fc.jsonValue(), (value) => void throughBatches(value)));
		fc.assert(
			fc.property(
				odd,
				(value) =>
					void throughBatches({
						attestations: [
							{
								type: 'https://witness.dev/attestations/command-run/v0.1',
								attestation: { processes: [value, { processid: 1 }] },
							},
						],
					}),
			),
		);
	});

	it('counts what is no pid, no path, no digest, no time, each under its own name', () => {
		const run = demoRun();
		const files = run['files'] as Record<string, unknown>;
		const bad = { pid: 302, time: '9999-12-31T23:59:59Z', hashtime: 'soon', type: 'open', digest: { sha256: 'XYZ' } };
		files['/bad'] = { access: [bad, { ...bad, pid: -4 }, { ...bad, type: 'ioctl' }, 'x', null] };
		files['/nul\0byte'] = { access: [bad] };
		files['/none'] = 7;
		(run['processes'] as unknown[]).push({ processid: 1.5 }, 'x');
		const losses = throughBatches(collection('v0.2', run));
		assert.deepEqual(Object.fromEntries(losses ?? []), {
			affidavit_import_opens_without_digest: 2,
			affidavit_import_unknown_processes: 1,
			affidavit_import_unusable_digests: 1,
			affidavit_import_unusable_opens: 6,
			affidavit_import_unusable_processes: 2,
			affidavit_import_unusable_times: 1,
		});
	});

	it('keeps files that are named like the parts of an object', () => {
		const opened = JSON.parse(`{"__proto__":{"sha256":"${'a'.repeat(64)}"},"constructor":null,"/a\\nb":{}}`);
		const trace = imported(
			collection('v0.1', { cmd: ['a'], processes: [{ processid: 1, program: '/a', openedfiles: opened }] }),
		);
		const paths = trace.events.filter(({ event }) => event.kind === 'open').map(({ event }) => event.path);
		assert.deepEqual(paths.sort(), ['/a\nb', '/home/u/app/__proto__', '/home/u/app/constructor']);
	});

	it('a trace of which nothing can be used is the command alone, and incomplete', () => {
		for (const run of [
			{ files: { '/f': { access: [{ pid: 1 }] } } },
			{ cmd: [7], processes: [{ processid: 0 }] },
			{ cmd: ['make'], files: { '/f': { access: [{ pid: 9, type: 'open' }] } } },
		]) {
			const predicate = collection('v0.2', run);
			assert.ok((throughBatches(predicate)?.size ?? 0) > 0);
			assert.equal(imported(predicate).events[0]?.process.pid, 0);
		}
	});

	it('stops at the bound of opens, and says how many it left out', () => {
		const access = Array.from({ length: 1000 }, () => ({ pid: 1, type: 'open' }));
		const files: Json = {};
		for (let i = 0; i <= opensMax / 1000; i++) files[`/f${i}`] = { access };
		const tally = createTally();
		const reading = readWitnessTrace(collectionType, collection('v0.2', { cmd: ['a'], files }), tally);
		assert.ok(reading.kind === 'trace');
		assert.equal(reading.trace.recorded.opens.length, opensMax);
		assert.deepEqual(tally.counts(), [
			['opens_without_digest', opensMax],
			['over_limit', 1000],
		]);
	});

	it('a pid that was used fifty thousand times takes no longer than another', () => {
		const start = process.cpuUsage().user;
		const at = (i: number): string => new Date(Date.UTC(2026, 0, 1) + i).toISOString();
		const processes = Array.from({ length: 50_000 }, (_, i) => ({
			processid: 1 + (i % 2),
			parentpid: 2 - (i % 2),
			program: `/p${i}`,
			starttime: at(i),
			stoptime: at(i),
		}));
		const access = Array.from({ length: 50_000 }, (_, i) => ({ pid: 1, time: at(i), type: 'open' }));
		const trace = imported(collection('v0.2', { cmd: ['p0'], processes, files: { '/f': { access } } }));
		assert.equal(trace.report.processes, 50_000);
		assert.ok(process.cpuUsage().user - start < 10_000_000, 'over ten seconds');
	});

	it('refuses what is no collection, and a collection without a trace, with the reason', () => {
		const refusal = (type: string, predicate: unknown): string => {
			const reading = readWitnessTrace(type, predicate, createTally());
			return reading.kind === 'refused' ? `${reading.code}: ${reading.reason}` : 'trace';
		};
		assert.match(refusal('https://slsa.dev/provenance/v1', {}), /^not-a-collection: predicateType/);
		assert.match(refusal(collectionType, { attestations: {} }), /^not-a-collection: predicate\.attestations/);
		assert.match(refusal(collectionType, { attestations: [] }), /^no-trace: it holds no command-run/);
		assert.match(
			refusal(collectionType, collection('v0.1', { cmd: ['make'], exitcode: 0 })),
			/^no-trace: .*without --trace/,
		);
	});
});
