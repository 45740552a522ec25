import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HostKeys } from '@affidavit/model/generated/host.ts';
import fc from 'fast-check';
import { applyChange, type Changed, type HostChange, mergeKeys } from '../../src/hosts/change.ts';

const key = (id: string, validFromUs = 10) => ({
	keyId: id,
	publicKeyPem: `pem of ${id}`,
	validFromUs,
	validToUs: -1,
	enrolledBy: 'op@desk',
});
const enroll = (id: string): HostChange => ({ kind: 'enroll', key: key(id) });
const rotate = (id: string, oldValidToUs = 100): HostChange => ({ kind: 'rotate', key: key(id, 50), oldValidToUs });
const revoke = (keyId: string | null, atUs = 70): HostChange => ({ kind: 'revoke', keyId, atUs, reason: 'lost' });

const keysAfter = (known: HostKeys | null, ...changes: HostChange[]): HostKeys => {
	let keys = known;
	for (const change of changes) {
		const result: Changed = applyChange('h', keys, change);
		assert.ok(result.kind !== 'refused', JSON.stringify(result));
		keys = result.keys;
	}
	return keys as HostKeys;
};
const shape = ({ keys }: HostKeys) => keys.map((k) => [k.keyId, k.validToUs, k.revokedUs]);

describe('a change of a host’s keys', () => {
	it('enrols, rotates with an overlap, revokes one or all', () => {
		const enrolled = keysAfter(null, enroll('a'));
		assert.deepEqual(shape(enrolled), [['a', -1, -1]]);
		const rotated = keysAfter(enrolled, rotate('b'));
		assert.deepEqual(shape(rotated), [
			['a', 100, -1],
			['b', -1, -1],
		]);
		assert.deepEqual(shape(keysAfter(rotated, revoke('a'))), [
			['a', 100, 70],
			['b', -1, -1],
		]);
		const all = keysAfter(rotated, revoke(null));
		assert.deepEqual(
			all.keys.map((k) => [k.revokedUs, k.revokedReason]),
			[
				[70, 'lost'],
				[70, 'lost'],
			],
		);
	});

	it('made again changes nothing, and never takes back a revocation', () => {
		const keys = keysAfter(null, enroll('a'), rotate('b'), revoke('a'));
		for (const change of [rotate('b'), revoke('a'), revoke('a', 90)])
			assert.equal(applyChange('h', keys, change).kind, 'unchanged');
		assert.deepEqual(shape(keysAfter(keys, revoke('a', 60)))[0], ['a', 100, 60]);
		for (const change of [enroll('a'), rotate('a')]) {
			const result = applyChange('h', keys, change);
			assert.equal(result.kind === 'refused' && result.code, 'known-key');
		}
	});

	it('refuses what is not there', () => {
		for (const change of [rotate('a'), revoke(null)]) {
			const result = applyChange('h', null, change);
			assert.equal(result.kind === 'refused' && result.code, 'unknown-host');
		}
		const result = applyChange('h', keysAfter(null, enroll('a')), revoke('z'));
		assert.equal(result.kind === 'refused' && result.code, 'unknown-key');
		let keys = keysAfter(null, enroll('0'));
		for (let i = 1; i < 64; i++) keys = keysAfter(keys, enroll(String(i)));
		const full = applyChange('h', keys, enroll('64'));
		assert.equal(full.kind === 'refused' && full.code, 'too-many-keys');
	});

	it('of two operators merges to the same in either order, and loses no key and no revocation', () => {
		const change = fc.oneof(
			fc.constantFrom('b', 'c', 'd').map(enroll),
			fc.tuple(fc.constantFrom('e', 'f'), fc.integer({ min: 60, max: 99 })).map(([id, to]) => rotate(id, to)),
			fc.tuple(fc.constantFrom('a', null), fc.integer({ min: 60, max: 99 })).map(([id, at]) => revoke(id, at)),
		);
		fc.assert(
			fc.property(change, change, (one, other) => {
				const base = keysAfter(null, enroll('a'));
				const [left, right] = [keysAfter(base, one), keysAfter(base, other)];
				const merged = mergeKeys('h', [left, right]);
				assert.deepEqual(mergeKeys('h', [right, left]), merged);
				assert.deepEqual(mergeKeys('h', [merged, left]), merged);
				for (const { keys } of [left, right])
					for (const known of keys) {
						const found = merged.keys.find((k) => k.keyId === known.keyId);
						assert.ok(found);
						if (known.revokedUs !== -1) assert.ok(found.revokedUs !== -1 && found.revokedUs <= known.revokedUs);
						if (known.validToUs !== -1) assert.ok(found.validToUs !== -1 && found.validToUs <= known.validToUs);
					}
			}),
		);
	});
});
