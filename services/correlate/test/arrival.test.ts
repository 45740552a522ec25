// Sightings: what a live host's events tell before the watermark settles them.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeFactBatch, isSighting, sightingWithdrawn } from '@affidavit/model/facts.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import fc from 'fast-check';
import { collect, createAgent, createStage, type Decoded, factsOf, type Run, run } from './support/pipeline.ts';
import { decodeStream } from './support/recorded.ts';
import { build } from './support/small-build.ts';
import { digestOf, githubEnvironment, tell } from './support/story.ts';

const second = 1_000_000;

/** Live batches of `size` events, then heartbeats until everything is settled and closed. */
function live(decoded: readonly Decoded[], size: number): LogRecord[] {
	const agent = createAgent('host', 'export');
	const records: LogRecord[] = [];
	let nowUs = 0;
	for (let at = 0; at < decoded.length; at += size) {
		const cut = decoded.slice(at, at + size);
		nowUs = Math.max(nowUs, ...cut.map(({ event }) => event.timeUs));
		records.push(agent.record(cut, { observedUs: nowUs }));
	}
	for (let at = 0; at < 100; at++) records.push(agent.record([], { observedUs: nowUs + at * second }));
	return records;
}

const withdrawnOf = ({ sightings }: Run): string[] =>
	[...(sightings ?? [])].filter(([, all]) => all.some(isWithdrawal)).map(([id]) => id);
const isWithdrawal = ({ notes }: { notes: { cause: string }[] }): boolean =>
	notes.some(({ cause }) => cause === sightingWithdrawn);

/** exec_ids of a session's own processes. */
const ownOf = (all: readonly { processes: readonly { execId: string; foreign: boolean }[] }[]): Set<string> =>
	new Set(all.flatMap(({ processes }) => processes.filter((p) => !p.foreign).map((p) => p.execId)));

const sortedByTime = (decoded: readonly Decoded[]): Decoded[] =>
	[...decoded].sort((a, b) => a.event.timeUs - b.event.timeUs);

describe('sightings of input in order', () => {
	for (const name of ['02a-go-swap', '04-c-make', '06-two-builds', '07-net-foreign'])
		it(`place the processes of ${name} where settlement places them`, async () => {
			const result = await run(live(sortedByTime(decodeStream(name).decoded), 200));
			const settled = factsOf(result);
			assert.ok((result.sightings?.size ?? 0) > 0);
			assert.deepEqual(withdrawnOf(result), []);
			for (const [session, all] of result.sightings ?? []) {
				const facts = settled.get(session);
				assert.ok(facts, 'the session opens');
				const known = ownOf([facts]);
				for (const execId of ownOf(all)) assert.ok(known.has(execId), execId);
				const opened = all.flatMap((one) => one.opened ?? []);
				assert.deepEqual(opened, [facts.opened], 'announced once, as it opens');
			}
		});

	it('leave with the record that brings the event, and after the facts', async () => {
		const { story } = build();
		const { results } = await run(live(story.events, 4));
		const first = results.findIndex(({ outputs }) => outputs.some(({ records }) => records.length > 0));
		assert.ok(first >= 0 && first < story.events.length / 4, 'before any heartbeat');
		for (const { outputs, appends } of results)
			for (const { records } of outputs) {
				const kinds = records.map(({ value }) => isSighting(decodeFactBatch(value).link));
				assert.deepEqual(kinds, [...kinds].sort(), 'sightings last');
				assert.equal(appends.length, kinds.filter((sighting) => !sighting).length, 'and in no list');
			}
	});

	it('are none of a recording', async () => {
		const agent = createAgent('host');
		const { sightings } = await run([agent.record(build().story.events), agent.record([], { endOfInput: true })]);
		assert.equal(sightings, undefined);
	});

	it('tell a digest once, a foreign write, and who wrote what is read', async () => {
		const story = tell();
		const runner = story.old('/runner');
		const make = story.exec(runner, '/usr/bin/make', { environment: githubEnvironment('1'), cwd: '/ws' });
		const cc = story.exec(make, '/usr/bin/cc');
		story.read(cc, '/usr/include/stdio.h', '1', 'header');
		story.read(cc, '/usr/include/stdio.h', '1', 'header');
		story.write(story.exec(runner, '/bin/evil'), '/ws/a.c', '2');
		story.read(cc, '/ws/a.c', '2', 'evil');
		story.write(make, '/ws/b.c', '3');
		story.read(cc, '/ws/b.c', '3', 'own');
		const { sightings } = await run(live(story.events, 100));
		const files = [...(sightings?.values() ?? [])].flat().flatMap((facts) => facts.files);
		const seen = files.map((f) => `${f.op} ${f.foreign} ${f.path} ${f.writer === '' ? '-' : f.writerForeign}`);
		assert.deepEqual(seen, [
			'read false /usr/include/stdio.h -',
			'write true /ws/a.c -',
			'read false /ws/a.c true',
			'read false /ws/b.c false',
		]);
		assert.equal(files[0]?.digest, digestOf('header'));
	});
});

describe('sightings of input in any order', () => {
	it('announce nothing that neither opens nor is taken back, and change no fact', async () => {
		const story = twoBuilds();
		const expected = await run(live(story.events, 3));
		await fc.assert(
			fc.asyncProperty(
				fc.shuffledSubarray(story.events, { minLength: story.events.length }),
				fc.integer({ min: 1, max: 12 }),
				fc.array(fc.nat(40), { maxLength: 4 }),
				async (shuffled, size, restarts) => {
					const result = await restarted(live(shuffled, size), new Set(restarts));
					assert.deepEqual(factsOf(result), factsOf(expected));
					const withdrawn = new Set(withdrawnOf(result));
					for (const id of result.sightings?.keys() ?? [])
						assert.notEqual(result.batches.has(id), withdrawn.has(id), 'one of both');
				},
			),
			{ numRuns: 60 },
		);
	});
});

/** Two runs, of two steps each, and a stranger: all of it within the skew. */
function twoBuilds(): ReturnType<typeof tell> {
	const story = tell();
	const runner = story.old('/runner');
	for (const run of ['1', '2']) {
		for (const step of ['build', 'test']) {
			const shell = story.exec(runner, '/bin/sh', { environment: githubEnvironment(run), cwd: '/ws', arguments: step });
			const make = story.exec(shell, '/usr/bin/make');
			const cc = story.exec(make, '/usr/bin/cc');
			story.read(cc, `/ws/${step}.c`, `${run}${step}`, `source ${step}`);
			story.write(cc, `/ws/${step}.o`, `${run}${step}o`);
			const cc1 = story.replace(cc, '/usr/lib/cc1');
			story.read(cc1, '/usr/include/stdio.h', '9', 'header');
			story.exit(cc1);
			story.exit(make);
			story.exit(shell);
		}
		story.write(story.exec(runner, '/bin/evil'), '/ws/build.c', '7');
	}
	return story;
}

/** The worker is opened anew before these records, as after a crash. */
async function restarted(records: readonly LogRecord[], before: ReadonlySet<number>): Promise<Run> {
	const { stage, notices } = createStage();
	const result: Run = { batches: new Map(), results: [], notices };
	const cells = new Map<string, Uint8Array>();
	let worker = await stage.open(0, new Map());
	let low = 0;
	for (const [at, record] of records.entries()) {
		if (before.has(at)) {
			worker = await stage.open(0, new Map(cells));
			await worker.step(records.slice(low, at), true);
		}
		const one = await worker.step([record], false);
		for (const [name, bytes] of one.cells)
			if (bytes === null) cells.delete(name);
			else cells.set(name, bytes);
		low = one.lowWaterOffset;
		collect(result, one);
	}
	return result;
}
