import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { materialType, productType } from '@affidavit/attest/type-uris.ts';
import { artifactsFrom } from '../../src/policy/init-links.ts';
import type { GoodBuild } from '../../src/policy/init-session.ts';

type Files = Record<string, string>;
const sha = (files: Files): object =>
	Object.fromEntries(Object.entries(files).map(([path, sha256]) => [path, { sha256 }]));
const build = (startedAt: string, materials: Files, products: Files): GoodBuild =>
	({
		summary: { startedAt },
		collection: {
			attestations: [
				{ type: materialType, attestation: sha(materials) },
				{
					type: productType,
					attestation: Object.fromEntries(
						Object.entries(products).map(([path, sha256]) => [path, { mime_type: '', digest: { sha256 } }]),
					),
				},
			],
		},
	}) as unknown as GoodBuild;

const compiled = build('1', { 'main.c': 'c' }, { app: 'a' });

suite('a step is fed by another', () => {
	const cases: [string, GoodBuild[], GoodBuild[], boolean][] = [
		['it read its product', [compiled], [build('2', { app: 'a', 'main.c': 'c' }, {})], true],
		['it read sources only', [compiled], [build('2', { 'main.c': 'c' }, {})], false],
		['the product is another', [compiled], [build('2', { app: 'b' }, {})], false],
		['a source is another', [compiled], [build('2', { app: 'a', 'main.c': 'd' }, {})], false],
		[
			'it read a source that the step changed',
			[build('1', { x: '1' }, { x: '2', app: 'a' })],
			[build('2', { app: 'a', x: '1' }, {})],
			false,
		],
		['it came before', [compiled], [build('0', { app: 'a' }, {})], false],
		[
			'each build has one',
			[compiled, build('3', {}, { app: 'z' })],
			[build('2', { app: 'a' }, {}), build('4', { app: 'z' }, {})],
			true,
		],
		['one build has none', [compiled], [build('2', { app: 'a' }, {}), build('4', { app: 'z' }, {})], false],
	];
	for (const [what, first, second, expected] of cases)
		test(`${what}: ${expected}`, () => {
			const steps = new Map([
				['compile', first],
				['pack', second],
			]);
			assert.deepEqual(artifactsFrom('pack', steps), expected ? ['compile'] : []);
			assert.deepEqual(artifactsFrom('compile', steps), []);
		});
});
