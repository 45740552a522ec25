import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createAvroWalk } from '@affidavit/model/avro-bounds.ts';
import avsc from 'avsc';
import fc from 'fast-check';

const schemaOf = (name: string): unknown =>
	JSON.parse(readFileSync(new URL(`../../../../schemas/${name}.avsc`, import.meta.url), 'utf8'));

describe('the walk over Avro bytes', () => {
	for (const name of [
		'trace',
		'session',
		'verdict',
		'finding',
		'deadletter',
		'signed-batch',
		'attestation',
		'indicator',
	])
		it(`accepts what the codec of ${name} writes, whole`, () => {
			const type = avsc.Type.forSchema(schemaOf(name) as never);
			const walk = createAvroWalk(schemaOf(name));
			for (let i = 0; i < 50; i++) {
				const bytes = type.toBuffer(type.random());
				assert.equal(walk(bytes), true);
				assert.equal(walk(Buffer.concat([bytes, Buffer.from([0])])), false);
				if (bytes.length > 0) assert.equal(walk(bytes.subarray(0, -1)), false);
			}
		});

	it('of any bytes ends, in time that the bytes bound', () => {
		const walk = createAvroWalk(schemaOf('trace'));
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => assert.equal(typeof walk(bytes), 'boolean')),
			{ numRuns: 500 },
		);
	});

	it('refuses counts that the bytes cannot hold', () => {
		const walk = createAvroWalk({ type: 'array', items: 'string' });
		const long = avsc.Type.forSchema('long');
		for (const count of [3, 1e6, 2 ** 31, 2 ** 50, -3, -(2 ** 40)])
			assert.equal(walk(Buffer.concat([long.toBuffer(count), Buffer.from([2, 65, 0])])), false, String(count));
		assert.equal(walk(Buffer.from([2, 2, 65, 0])), true);
		assert.equal(walk(Buffer.from([1, 4, 2, 65, 0])), true);
	});
});
