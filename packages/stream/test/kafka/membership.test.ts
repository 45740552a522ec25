import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { Member } from '../../src/ports.ts';
import { givenTopics, until } from './support.ts';

const partitions = 6;

it('shares the partitions out among one, three and one members, moves few, and keeps low waters over it', {
	timeout: 180_000,
}, async (t) => {
	const topics = await givenTopics(t, { trace: partitions });
	if (topics === null) return;
	const joined: { member: Member; now: readonly number[]; first: readonly number[] }[] = [];
	const join = async (): Promise<void> => {
		const log = await topics.open({ sessionTimeoutMs: 6_000, heartbeatMs: 300 });
		const entry = { member: { leave: async () => {} }, now: [] as readonly number[], first: [] as readonly number[] };
		joined.push(entry);
		entry.member = await log.join('correlate', 'trace', (assigned) => {
			entry.now = assigned;
			if (entry.first.length === 0) entry.first = assigned;
		});
		for (const p of entry.now) await log.saveLowWater('correlate', 'trace', p, 100 + p);
	};
	const all = (): number[] => joined.flatMap(({ now }) => [...now]).sort((a, b) => a - b);
	const spread = (share: number): boolean =>
		JSON.stringify(all()) === JSON.stringify([0, 1, 2, 3, 4, 5]) && joined.every(({ now }) => now.length === share);

	await join();
	await until('one member has all', () => spread(6));
	await Promise.all([join(), join()]);
	await until('three members have two each', () => spread(2));
	const [oldest] = joined;
	assert.ok(oldest?.now.every((p) => oldest.first.includes(p)));

	const kept = new Map(joined.map((entry) => [entry, entry.now]));
	const [, second, third] = joined;
	await second?.member.leave();
	joined.splice(1, 1);
	await until('two members have three each', () => spread(3));
	for (const entry of joined)
		assert.ok(
			kept.get(entry)?.every((p) => entry.now.includes(p)),
			'nobody loses what it had',
		);
	await third?.member.leave();
	joined.splice(1, 1);
	await until('the last has all', () => spread(6));
	await oldest?.member.leave();

	const log = await topics.open();
	for (let p = 0; p < partitions; p++) assert.equal(await log.lowWater('correlate', 'trace', p), 100 + p);
	assert.equal(await log.lowWater('detect', 'trace', 0), 0);
});

it('takes two stages of one process for two groups', { timeout: 120_000 }, async (t) => {
	const topics = await givenTopics(t, { trace: 2, session: 2 });
	if (topics === null) return;
	const log = await topics.open();
	const shares = new Map<string, readonly number[]>();
	const members = await Promise.all(
		(
			[
				['correlate', 'trace'],
				['detect', 'session'],
			] as const
		).map(([stage, topic]) => log.join(stage, topic, (assigned) => shares.set(stage, assigned))),
	);
	await until('both assigned', () => shares.get('correlate')?.length === 2 && shares.get('detect')?.length === 2);
	await log.check();
	for (const member of members) await member.leave();
});
