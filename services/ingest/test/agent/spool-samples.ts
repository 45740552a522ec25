// A spool in a temporary folder, a source that writes into it, and a remote log that is away when told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { StreamError } from '@affidavit/stream/errors.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { createMemoryLog, type MemoryLog } from '@affidavit/stream/memory/log.ts';
import type { LogRecord, Origin, OutRecord, StampedRecord } from '@affidavit/stream/ports.ts';
import { openSource, type SourceWriter } from '@affidavit/stream/runner/source.ts';
import { type ForwardOptions, forwardLimits } from '../../src/agent/forward.ts';
import { openSpool, type Spool, type SpoolOptions } from '../../src/agent/spool.ts';

const root = mkdtempSync(join(tmpdir(), 'affidavit-spool-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;
export const newFolder = (): string => join(root, String(folders++));

export const mib = 1024 * 1024;

export const spoolAt = (folder: string, more: Partial<SpoolOptions> = {}): Promise<Spool> =>
	openSpool({
		folder,
		bytesMax: 64 * mib,
		durability: 'process',
		boot: 'boot-1',
		newEpoch: () => 7,
		emit: () => {},
		nowMs: () => Date.now(),
		...more,
	});

export const sourceOf = (spool: Spool, emit: Emit = () => {}): Promise<SourceWriter> =>
	openSource({ stage: 'ingest', partition: spool.epoch }, { log: spool.log, store: spool.store, emit });

export const trace = (text: string, host = 'h1'): OutRecord => ({
	topic: 'trace',
	key: host,
	value: Buffer.from(text),
});
export const letter = (text: string): OutRecord => ({ topic: 'deadletter', key: text, value: Buffer.from(text) });

export const fastLimits = { ...forwardLimits, retryMsMin: 1, retryMsMax: 4, refusedRetryMs: 2 };

export type Failure = 'none' | 'nothing-taken' | 'some-taken' | 'all-taken' | 'refused';

export interface Remote {
	log: MemoryLog;
	append: (records: readonly StampedRecord[]) => Promise<void>;
	/** Sizes of the appends that arrived, bytes. */
	appends: number[];
}

/** `fail` is asked before each append. */
export function remoteThat(fail: () => Failure): Remote {
	const log = createMemoryLog();
	const appends: number[] = [];
	return {
		log,
		appends,
		async append(records) {
			const failure = fail();
			if (failure === 'none' || failure === 'all-taken') await log.append(records);
			if (failure === 'some-taken') await log.append(records.slice(0, Math.ceil(records.length / 2)));
			if (failure === 'refused') throw new StreamError('refused', 'not authorised');
			if (failure !== 'none') throw new StreamError('unavailable', 'the broker is away');
			appends.push(records.reduce((sum, record) => sum + record.value.byteLength, 0));
		},
	};
}

export const forwardOptions = (spool: Spool, remote: Remote, more: Partial<ForwardOptions> = {}): ForwardOptions => ({
	spool,
	remote,
	host: () => 'h1',
	seals: null,
	emit: () => {},
	nowMs: () => Date.now(),
	random: Math.random,
	limits: fastLimits,
	...more,
});

export async function recordsOf(log: MemoryLog, topic: 'trace' | 'deadletter'): Promise<LogRecord[]> {
	const { end } = await log.bounds(topic, 0);
	const records: LogRecord[] = [];
	for (let at = 0; at < end; at = records.length)
		records.push(...(await log.read(topic, 0, at, { records: 10_000, bytes: 64 * mib })));
	return records;
}

/** As a reader sees them that drops copies by origin, as every stage's reader does. */
export function withoutCopies(records: readonly LogRecord[]): LogRecord[] {
	let last: Origin = { stage: '', partition: 0, offset: -1, index: -1 };
	return records.filter(({ origin }) => {
		if (origin === null) throw new Error('a record without an origin');
		if (origin.offset < last.offset || (origin.offset === last.offset && origin.index <= last.index)) return false;
		last = origin;
		return true;
	});
}

export const textsOf = (records: readonly LogRecord[]): string[] =>
	records.map(({ value }) => Buffer.from(value).toString());
