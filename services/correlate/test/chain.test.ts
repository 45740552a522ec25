// The signed chain alone tells what a batch is: replays, agents from old disk images, chains that begin anew, keys and times.
import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { type HostKey, keyIdOf } from '@affidavit/model/batch-signature.ts';
import { hostKeysCodec } from '@affidavit/model/codec.ts';
import { createHostDirectory } from '@affidavit/model/host-directory.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import { createAgent, type Decoded, factsOf, hostKey, run } from './support/pipeline.ts';
import { build, codes, only, reasons, renumbered, restarting } from './support/small-build.ts';

const second = 1_000_000;
const timeOf = (cut: readonly Decoded[]): number => (cut.at(-1) as Decoded).event.timeUs;

/** A live build, and heartbeats of `beats` seconds after it. */
function live(beats = 200) {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const records = cuts.map((cut) => agent.record(cut, { observedUs: timeOf(cut) }));
	for (let i = 1; i <= beats; i++) records.push(agent.record([], { observedUs: story.nowUs() + i * second }));
	return { story, cuts, agent, records, endUs: story.nowUs() + beats * second };
}

const gapsOf = async (records: readonly LogRecord[]) =>
	[...factsOf(await run(renumbered(records))).values()].map((f) => f.gaps.map((g) => [g.cause, g.detail]));

test('a batch that was taken long ago changes nothing when it comes again', async () => {
	const { records } = live();
	const replayed = [...records.slice(0, 4), ...records.slice(0, 2), ...records.slice(4), ...records];
	const result = await run(renumbered(replayed));
	const { closed } = only(await run(records));
	assert.deepEqual(only(result).closed, closed);
	assert.deepEqual(only(result).gaps, []);
	assert.deepEqual(reasons(result), ['batches_dropped/duplicate']);
	assert.deepEqual(codes(result), []);
});

test('an agent restored from an old disk image is a fork, and after some batches its chain is the host’s', async () => {
	const { cuts, agent, records, endUs } = live();
	const old = createAgent('host', 'export', hostKey, createAgent('host', 'export').chain());
	// The image is from after the first batch: more batches ago than digests are remembered.
	old.record(cuts[0] as Decoded[], { observedUs: timeOf(cuts[0] as Decoded[]) });
	const back = Array.from({ length: 6 }, (_, i) => old.record([], { observedUs: endUs + (i + 1) * second }));
	const all = renumbered([...records, ...back]);
	const result = await run(all);
	assert.deepEqual(codes(result), ['batch-chain', 'batch-chain', 'batch-chain']);
	assert.deepEqual(reasons(result), ['batches_dropped/chain-fork', 'chains_replaced/branch-went-on']);
	assert.ok(agent.chain().sequence > 128);
	const restarted = await restarting(all);
	assert.deepEqual(codes(restarted), codes(result));
	assert.deepEqual(reasons(restarted), reasons(result));
});

test('one forked batch does not turn the chain: what continues the true one is taken', async () => {
	const { story, cuts } = build();
	const agent = createAgent('host', 'export');
	const records = [agent.record(cuts[0] as Decoded[], { observedUs: timeOf(cuts[0] as Decoded[]) })];
	const fork = createAgent('host', 'export', hostKey, agent.chain());
	const forked = Array.from({ length: 2 }, (_, i) => fork.record([], { observedUs: story.nowUs() + i }));
	for (const [i, cut] of cuts.slice(1).entries()) {
		records.push(agent.record(cut, { observedUs: timeOf(cut) }));
		if (i < forked.length) records.push(forked[i] as LogRecord);
	}
	records.push(agent.record([], { observedUs: story.nowUs(), endOfInput: true }));
	const result = await run(renumbered(records));
	assert.deepEqual(codes(result), ['batch-chain', 'batch-chain']);
	assert.equal(only(result).closed?.events, story.events.length);
	assert.ok(only(result).gaps.some((g) => g.cause === 'chain-gap' && g.detail === 'fork'));
});

test('a batch of a boot that is over is a replay, whatever its number', async () => {
	const { story, cuts } = build();
	const first = createAgent('host', 'export');
	const beats = Array.from({ length: 9 }, (_, i) =>
		first.record([], { boot: 'one', observedUs: 1_700_000_000_000_000 + i }),
	);
	const second = createAgent('host', 'export');
	const records = cuts.map((cut) => second.record(cut, { boot: 'two', observedUs: timeOf(cut) }));
	const end = second.record([], { boot: 'two', observedUs: story.nowUs(), endOfInput: true });
	const result = await run(
		renumbered([...beats.slice(0, 2), ...records.slice(0, 2), ...beats.slice(5), ...records.slice(2), end]),
	);
	const [facts, ...others] = factsOf(result).values();
	assert.equal(others.length, 0);
	assert.equal(facts?.closed?.reason, 'end_of_input');
	assert.deepEqual(reasons(result), ['batches_dropped/ended-boot']);
	assert.deepEqual(facts?.gaps, []);
});

test('a chain that begins in its middle is a gap of what ran before', async () => {
	const { records } = live();
	assert.deepEqual(await gapsOf(records.slice(1)), [
		[
			['state-lost', 'started before the recording'],
			['chain-start-missing', ''],
		],
	]);
	assert.deepEqual(await gapsOf(records), [[]]);
	const { story, cuts } = build();
	const quiet = createAgent('host', 'export', hostKey, { sequence: 77, previous: Buffer.alloc(32, 1) });
	const later = [quiet.record([], { observedUs: timeOf(cuts[0] as Decoded[]) - 60 * second })];
	for (const cut of cuts) later.push(quiet.record(cut, { observedUs: timeOf(cut) }));
	later.push(quiet.record([], { observedUs: story.nowUs(), endOfInput: true }));
	const result = await run(renumbered(later));
	assert.deepEqual(reasons(result), ['batches_missing/chain-start-missing']);
	assert.deepEqual(only(result).gaps, [], 'the session began after it');
});

test('a batch that claims to come after the chain and is older than it is refused', async () => {
	const { cuts, records, endUs } = live();
	const stale = createAgent('host', 'export', hostKey, { sequence: 5000, previous: Buffer.alloc(32, 1) });
	const old = stale.record(cuts[0] as Decoded[], { observedUs: endUs - 3_600 * second });
	const result = await run(renumbered([...records.slice(0, -1), old, ...records.slice(-1)]));
	assert.deepEqual(codes(result), ['batch-chain']);
	assert.match(result.results.flatMap((r) => r.deadLetters)[0]?.message ?? '', /older/);
});

test('keys are judged at the log’s time of the record: unknown, another host’s, too early, too late, revoked', async () => {
	const pair = generateKeyPairSync('ed25519');
	const other: HostKey = { privateKey: pair.privateKey, keyId: keyIdOf(pair.publicKey) };
	const directory = createHostDirectory();
	const enrol = (host: string, key: HostKey, publicKey = createPublicKey(key.privateKey)): void => {
		const value = hostKeysCodec.encode({
			host,
			keys: [
				{
					keyId: key.keyId,
					publicKeyPem: publicKey.export({ type: 'spki', format: 'pem' }).toString(),
					validFromUs: 1000,
					validToUs: 9000,
					revokedUs: host === 'host' ? 5000 : -1,
					revokedReason: 'lost',
					enrolledBy: 'test',
				},
			],
		});
		assert.equal(directory.take({ key: host, value }).kind, 'enrolled');
	};
	enrol('host', hostKey);
	enrol('other', other);
	const { cuts } = build();
	const agent = createAgent('host', 'export');
	const stranger = createAgent('host', 'export', other);
	const third = createAgent('other', 'export', other);
	const [cut] = cuts as [Decoded[]];
	const records = renumbered([
		agent.record(cut, {}, 2000),
		agent.record([], {}, 500),
		stranger.record(cut, {}, 2000),
		agent.record([], {}, 5000),
		third.record(cut, {}, 9500),
		createAgent('nobody', 'export').record(cut, {}, 2000),
	]);
	const result = await run(records, { resolveKey: directory.resolve });
	assert.deepEqual(
		result.results.flatMap((r) => r.deadLetters.map((d) => [d.code, d.subject])),
		[
			['expired-key', 'host'],
			['wrong-host', 'host'],
			['revoked-key', 'host'],
			['expired-key', 'other'],
			['wrong-host', 'nobody'],
		],
	);
});
