import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { StreamErrorCode } from '../../src/errors.ts';
import { redisAclRules } from '../../src/redis/acl.ts';
import { reconnectDelayMs, reconnectDelayMsMax } from '../../src/redis/connection.ts';
import { decodeName, encodeName, encodeStage, listKey, scopeKeys } from '../../src/redis/keys.ts';
import { decodeEntry, encodeEntryHeader } from '../../src/redis/outbox-entry.ts';
import { codeOfError, streamErrorOf } from '../../src/redis/reply-error.ts';
import { topics } from '../../src/topics.ts';

const anyName = fc.oneof(
	fc.string({ unit: 'binary' }),
	fc.string(),
	fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
);

describe('names', () => {
	it('come back as they went, and no two are alike', () => {
		fc.assert(
			fc.property(anyName, anyName, (a, b) => {
				assert.equal(decodeName(encodeName(a)), a);
				assert.equal(encodeName(a).equals(encodeName(b)), a === b);
				assert.equal(encodeStage(a) === encodeStage(b), a === b);
				assert.match(encodeStage(a), /^[A-Za-z0-9_%-]*$/);
				const keys = scopeKeys('p:', { stage: a, partition: 1 });
				assert.equal(Buffer.from(listKey(keys, a)).equals(Buffer.from(listKey(keys, b))), a === b);
			}),
			{ numRuns: 500 },
		);
	});

	it('lie in an outbox entry beside its origin', () => {
		const value = Buffer.from('v');
		fc.assert(
			fc.property(anyName, anyName, fc.constantFrom(...topics), fc.maxSafeNat(), (stage, key, topic, n) => {
				const entry = { topic, key, value, origin: { stage, partition: n % 1024, offset: n, index: n % 7 } };
				assert.deepEqual(decodeEntry(Buffer.from(encodeEntryHeader(entry)), value), entry);
			}),
		);
	});
});

describe('errors', () => {
	const reply = (message: string): Error => Object.assign(new Error(message), { name: 'ReplyError' });
	const expected: [StreamErrorCode, string[]][] = [
		['store-full', ["OOM command not allowed when used memory > 'maxmemory'."]],
		['refused', ['NOAUTH Authentication required.', 'NOPERM no', 'WRONGPASS invalid', "ERR unknown command 'EVALSHA'"]],
		[
			'refused',
			["ERR The user executing the script can't run this command or subcommand script: x, on @user_script:1."],
		],
		['store-corrupt', ['WRONGTYPE Operation against a key', 'CORRUPT meta of a scope']],
		[
			'unavailable',
			['LOADING Redis is loading', "READONLY You can't write", 'CLUSTERDOWN The cluster is down', 'MASTERDOWN Link'],
		],
		[
			'unavailable',
			[
				'TRYAGAIN Multiple keys',
				'MOVED 1 h:1',
				'ASK 1 h:1',
				'BUSY Redis is busy',
				'NOREPLICAS Not enough',
				'MISCONF x',
			],
		],
		[
			'unavailable',
			['ERR max number of clients reached', 'ERR Script attempted to access a non local key in a cluster node script'],
		],
	];
	for (const [code, messages] of expected)
		for (const message of messages)
			it(`${message.slice(0, 40)}: ${code}`, () => assert.equal(codeOfError(reply(message)), code));

	it('of the connection pass, unless it was refused', () => {
		const closed = new Error('Connection is closed.');
		assert.equal(streamErrorOf('load', closed, undefined).code, 'unavailable');
		assert.equal(streamErrorOf('load', closed, new Error('connect ECONNREFUSED')).code, 'unavailable');
		const offline = new Error("Stream isn't writeable and enableOfflineQueue options is false");
		assert.equal(
			streamErrorOf('load', offline, new Error('connect ECONNREFUSED')).message,
			'redis: load: not connected (connect ECONNREFUSED)',
		);
		const refused = streamErrorOf('load', closed, reply('WRONGPASS invalid'));
		assert.equal(refused.code, 'refused');
		assert.match(refused.message, /^redis: load: WRONGPASS/);
		assert.ok(streamErrorOf('load', reply(`ERR ${'x'.repeat(10_000)}`), undefined).message.length < 400);
		for (const thrown of [undefined, null, 'text', 7])
			assert.equal(streamErrorOf('load', thrown, null).code, 'unavailable');
	});
});

it('tries again ever more seldom, up to a bound', () => {
	assert.deepEqual(
		[1, 2, 3].map((n) => reconnectDelayMs(n, 0)),
		[50, 100, 200],
	);
	assert.equal(reconnectDelayMs(1e9, 7), reconnectDelayMsMax + 7);
});

it('gives a stage its own keys alone', () => {
	const rules = redisAclRules('sign', 'a*b:', ['correlate']);
	assert.deepEqual(
		rules.filter((rule) => /[~]/.test(rule)),
		['~a\\*b:{sign:*', '%R~a\\*b:{correlate:*}:list:*'],
	);
	assert.ok(rules.every((rule) => !/^\+(@|flush|keys|config|script|acl|debug)/.test(rule)));
	assert.throws(() => redisAclRules('sign', 'a{b'), RangeError);
});
