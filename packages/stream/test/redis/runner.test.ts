// The runner on the Redis store: crashes at every place of the protocol, a lost store, a worker that wakes after its successor.
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import fc from 'fast-check';
import { collectingEmit } from '../../src/internal-event.ts';
import { createMemoryLog } from '../../src/memory/log.ts';
import { CrashError, type CrashPoint } from '../../src/runner/options.ts';
import { openPartition, type PartitionRunner } from '../../src/runner/partition-runner.ts';
import { echoStage, feed, readAll, text } from '../runner/support.ts';
import { closeStores, freshPrefix, openStore, type RedisStore, removeKeys } from './support.ts';

const url = process.env['REDIS_URL'] ?? '';
const inputs = 40;
const batchRecordsMax = 4;

type Fault = CrashPoint | 'lost' | 'zombie' | 'none';
const faults: Fault[] = [
	'before-commit',
	'after-commit',
	'before-publish',
	'after-publish',
	'after-published',
	'after-low-water',
	'lost',
	'zombie',
	'none',
];

/** A stage whose cell counts what it has seen: a commit that is lost or done twice shows. */
function countingStage() {
	let count = 0;
	const stage = echoStage((records, replayed) => {
		if (replayed) return undefined;
		count += records.length;
		return {
			cells: new Map([['count', Buffer.from(String(count))]]),
			appends: records.map((record) => ({ list: 'all', value: record.value })),
		};
	});
	return {
		...stage,
		open: async (partition: number, cells: Map<string, Uint8Array>) => {
			count = Number(Buffer.from(cells.get('count') ?? Buffer.from('0')).toString());
			return stage.open(partition, cells);
		},
	};
}

describe('runner on the Redis store', { skip: !url && 'REDIS_URL is not set (npm test starts a Redis)' }, () => {
	const prefixes: string[] = [];
	after(async () => {
		await closeStores();
		for (const prefix of prefixes) await removeKeys(url, prefix);
	});

	it('publishes every output once by its origin, whatever dies when', async () => {
		await fc.assert(
			fc.asyncProperty(fc.array(fc.constantFrom(...faults), { maxLength: 12 }), async (plan) => {
				const prefix = freshPrefix();
				prefixes.push(prefix);
				const log = createMemoryLog();
				await feed(
					log,
					Array.from({ length: inputs }, (_, i) => String(i)),
				);
				const isLost = plan.includes('lost');
				let fault: Fault = 'none';
				const open = async (store: RedisStore): Promise<PartitionRunner> =>
					openPartition(
						countingStage(),
						0,
						{ log, store, emit: collectingEmit().emit },
						{
							batchRecordsMax,
							crashPoint: (point) => {
								if (point === fault) throw new CrashError(point);
							},
						},
					);
				const stores = [await openStore({ url, keyPrefix: prefix })];
				let runner = await open(stores[0] as RedisStore);
				const reopen = async (): Promise<void> => {
					fault = 'none';
					const store = await openStore({ url, keyPrefix: prefix });
					stores.push(store);
					runner = await open(store);
				};
				for (const next of plan) {
					fault = next;
					const before = runner;
					if (next === 'lost') await removeKeys(url, prefix);
					if (next === 'zombie') {
						await reopen();
						await runner.pump();
						assert.notEqual((await before.pump()).kind, 'progress', 'what was fenced goes on');
						continue;
					}
					try {
						await runner.pump();
						if (next === 'lost') await reopen();
					} catch (error) {
						if (!(error instanceof CrashError)) throw error;
						await reopen();
					}
				}
				await reopen();
				for (let kind = 'progress'; kind === 'progress'; ) ({ kind } = await runner.pump());

				const byOrigin = new Map((await readAll(log, 'session')).map((r) => [r.origin?.offset, text(r)]));
				assert.deepEqual(
					[...byOrigin].sort(([a], [b]) => Number(a) - Number(b)),
					Array.from({ length: inputs }, (_, i) => [i, `<${i}>`]),
				);
				const state = await (stores.at(-1) as RedisStore).load({ stage: 'echo', partition: 0 });
				assert.deepEqual([state.offset, state.outbox.length], [inputs, 0]);
				if (!isLost) {
					assert.equal(Buffer.from(state.cells.get('count') ?? []).toString(), String(inputs));
					const all = await Array.fromAsync((stores[0] as RedisStore).list({ stage: 'echo', partition: 0 }, 'all'));
					assert.deepEqual(
						all.map((value) => text({ value })),
						Array.from({ length: inputs }, (_, i) => String(i)),
					);
				}
				await Promise.all(stores.map((store) => store.close()));
			}),
			{ numRuns: 40 },
		);
	});
});
