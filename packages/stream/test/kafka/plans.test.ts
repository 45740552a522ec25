// The pure parts: who works on which partition, what a topic must be like, what goes into a request.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { planAcls, renderAcl } from '../../src/kafka/acl-plan.ts';
import { assignPartitions, decodeOwned, encodeOwned } from '../../src/kafka/assigner.ts';
import { type FleetTopics, type FoundTopic, planTopics, wantedTopics } from '../../src/kafka/topic-plan.ts';
import { applyPlan, readTopics } from '../../src/kafka/topics.ts';
import { dayMs, givenTopics } from './support.ts';

describe('assigning partitions', () => {
	const members = fc.uniqueArray(
		fc.record({ memberId: fc.string({ minLength: 1 }), owned: fc.array(fc.integer({ min: -2, max: 40 })) }),
		{ selector: (m) => m.memberId, minLength: 1, maxLength: 9 },
	);
	it('gives each to one, in shares that differ by one at most, whatever members claim and in whatever order', () => {
		fc.assert(
			fc.property(members, fc.nat(40), (claims, partitions) => {
				const shares = assignPartitions(claims, partitions);
				const all = [...shares.values()].flat().sort((a, b) => a - b);
				assert.deepEqual(
					all,
					Array.from({ length: partitions }, (_, p) => p),
				);
				const sizes = [...shares.values()].map((share) => share.length);
				assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
				assert.deepEqual(new Map(assignPartitions([...claims].reverse(), partitions)), shares);
			}),
		);
	});
	it('moves nothing that need not move', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 8 }), fc.nat(40), (count, partitions) => {
				const fresh = Array.from({ length: count }, (_, i) => ({ memberId: `m${i}`, owned: [] as number[] }));
				const before = assignPartitions(fresh, partitions);
				const settled = fresh.map(({ memberId }) => ({ memberId, owned: before.get(memberId) ?? [] }));
				assert.deepEqual(assignPartitions(settled, partitions), before);
				const after = assignPartitions([...settled, { memberId: 'new', owned: [] }], partitions);
				for (const { memberId, owned } of settled)
					assert.ok(
						after.get(memberId)?.every((p) => owned.includes(p)),
						'who stays gets nothing new',
					);
			}),
		);
	});
	it('takes a claim that is no list for none', () => {
		assert.deepEqual(decodeOwned(encodeOwned([3, 1, 2])), [3, 1, 2]);
		assert.deepEqual(decodeOwned(Buffer.alloc(5)), []);
		assert.deepEqual(decodeOwned(Buffer.alloc(1 << 20)), []);
	});
});

const fleet: FleetTopics = {
	topicPrefix: 'p.',
	partitions: 4,
	replicationFactor: 3,
	minInsyncReplicas: 2,
	traceRetentionMs: 7 * dayMs,
	sessionRetentionMs: 7 * dayMs,
	retentionMsMin: 2 * dayMs,
};

const foundAsWanted = (of: FleetTopics = fleet): FoundTopic[] =>
	wantedTopics(of).map(({ name, partitions, replicationFactor, config }) => ({
		name,
		partitions,
		replicationFactor,
		config: new Map([...config].map(([setting, value]) => [setting, { value, own: true }])),
	}));

function foundWith(topic: string, setting: string, value: string): FoundTopic[] {
	return foundAsWanted().map((found) => {
		if (found.name !== `p.${topic}`) return found;
		if (setting === 'partitions') return { ...found, partitions: Number(value) };
		return { ...found, config: new Map([...found.config, [setting, { value, own: true }]]) };
	});
}

describe('the plan of topics', () => {
	it('creates what is missing, and has nothing to do afterwards', () => {
		assert.equal(planTopics(fleet, []).create.length, 8);
		assert.deepEqual(planTopics(fleet, foundAsWanted()), { create: [], alter: [], refuse: [] });
	});
	it('refuses every setting that would lose data, by name', () => {
		const cases = [
			['trace', 'partitions', '3', false],
			['session', 'partitions', '5', false],
			['trace', 'retention.ms', String(dayMs), true],
			['session', 'retention.ms', '1000', true],
			['trace', 'retention.bytes', '1000000', true],
			['trace', 'cleanup.policy', 'compact', false],
			['trace', 'cleanup.policy', 'compact,delete', false],
			['indicator', 'cleanup.policy', 'delete', false],
			['host', 'cleanup.policy', 'compact,delete', false],
			['verdict', 'min.insync.replicas', '3', true],
			['verdict', 'min.insync.replicas', '1', true],
			['finding', 'unclean.leader.election.enable', 'true', true],
			['host', 'message.timestamp.type', 'CreateTime', true],
			['session', 'max.message.bytes', '1048588', true],
		] as const;
		for (const [topic, setting, value, mendable] of cases) {
			const found = foundWith(topic, setting, value);
			const plan = planTopics(fleet, found);
			assert.deepEqual(
				plan.refuse.map((r) => [r.name, r.setting]),
				[[`p.${topic}`, setting]],
				`${topic} ${setting}=${value}`,
			);
			assert.deepEqual(plan.alter, []);
			const mended = planTopics(fleet, found, { mend: true });
			assert.equal(mended.refuse.length, mendable ? 0 : 1);
			if (mendable)
				assert.deepEqual(
					mended.alter[0]?.changes.map((c) => c.setting),
					[setting],
				);
		}
	});
	it('refuses a wish that would lose data, and creates nothing of it', () => {
		for (const wish of [
			{ traceRetentionMs: dayMs },
			{ sessionRetentionMs: dayMs },
			{ minInsyncReplicas: 3 },
			{ minInsyncReplicas: 1 },
			{ replicationFactor: 1, minInsyncReplicas: 2 },
		]) {
			const plan = planTopics({ ...fleet, ...wish }, []);
			assert.ok(plan.refuse.length > 0, JSON.stringify(wish));
			assert.ok(plan.create.every(({ name }) => !plan.refuse.some((r) => r.name === name)));
		}
		assert.deepEqual(planTopics({ ...fleet, replicationFactor: 1, minInsyncReplicas: 1 }, []).refuse, []);
	});
	it('leaves longer retention and foreign settings alone, and keeps these when it alters', () => {
		assert.deepEqual(planTopics(fleet, foundWith('trace', 'retention.ms', '-1')).alter, []);
		assert.deepEqual(planTopics(fleet, foundWith('trace', 'retention.ms', String(99 * dayMs))).alter, []);
		const found = foundWith('trace', 'retention.ms', String(3 * dayMs)).map((f) => ({
			...f,
			config: new Map([...f.config, ['segment.bytes', { value: '1000000', own: true }]]),
		}));
		const [alteration] = planTopics(fleet, found).alter;
		assert.equal(alteration?.name, 'p.trace');
		assert.equal(alteration?.config.get('segment.bytes'), '1000000');
		assert.equal(alteration?.config.get('retention.ms'), String(7 * dayMs));
	});
	it('does as it says at a broker', async (t) => {
		const topics = await givenTopics(t);
		if (topics === null) return;
		const own = { ...fleet, topicPrefix: topics.prefix, partitions: 1, replicationFactor: 1, minInsyncReplicas: 1 };
		const connection = { brokers: topics.brokers };
		const names = wantedTopics(own).map(({ name }) => name);
		const plan = planTopics(own, await readTopics(connection, names), { mend: true });
		assert.deepEqual([plan.create, plan.refuse], [[], []]);
		assert.ok(plan.alter.length > 0, 'they were made with a day of retention');
		await applyPlan(connection, plan);
		const [after, none] = await Promise.all([
			readTopics(connection, names),
			readTopics(connection, [`${topics.prefix}none`]),
		]);
		assert.deepEqual(planTopics(own, after), { create: [], alter: [], refuse: [] });
		assert.deepEqual(none, []);
	});
});

describe('the plan of ACLs', () => {
	it('is rendered for kafka-acls.sh', () => {
		const bindings = planAcls([{ role: 'agent', name: 'User:CN=build-7' }], fleet);
		assert.deepEqual(
			bindings.map((b) => [b.operation, b.resource, b.name]),
			[
				['Write', 'topic', 'p.trace'],
				['Write', 'topic', 'p.deadletter'],
			],
		);
		const [first] = bindings;
		assert.ok(first);
		assert.match(
			renderAcl(first).join(' '),
			/^--add --allow-principal User:CN=build-7 --allow-host \* --operation Write --topic p\.trace --resource-pattern-type literal$/,
		);
	});
});
