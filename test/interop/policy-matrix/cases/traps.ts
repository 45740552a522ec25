// Traps that have no group of their own: Affidavit's verdicts, links over nothing, sources that come from nowhere.
import { gitType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import { commandRun, digestOf, git, material, product } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import { certified } from '../certified.ts';
import type { CollectionSpec } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** A collection that Affidavit signed, with its verdict. */
const judged = (name: string, verdict: unknown, traps: MatrixCase['traps']): MatrixCase =>
	scenario(
		name,
		'accept',
		() => ({
			collections: [
				{
					statement: (s) => ({
						...s,
						predicate: { ...(s['predicate'] as object), affidavit: { session: 's1', revision: 1, verdict } },
					}),
				},
			],
		}),
		{ ...(traps && { traps }) },
	);

const good = { sha256: digestOf('main') };
const step = (name: string, attestations: CollectionSpec['attestations'] = []): CollectionSpec => ({
	name,
	file: `${name}.json`,
	attestations: [git(), ...attestations],
});

/** Two steps whose collections name no commit: their back references are the same empty digest. */
const withoutCommit = (commit: string): CollectionSpec[] =>
	['fetch', 'build'].map((name) => ({
		name,
		file: `${name}.json`,
		attestations: [git(commit), product(name === 'build' ? { app: 'app' } : { src: 'src' })],
	}));

export const trapCases: readonly MatrixCase[] = [
	judged("Affidavit's verdict passed", 'passed', undefined),
	judged("Affidavit's verdict failed", 'failed', ['verdict-not-passed']),
	judged("Affidavit's verdict incomplete", 'incomplete', ['verdict-not-passed']),
	judged("Affidavit's verdict of another type", 1, ['verdict-not-passed']),
	scenario(
		'two steps that are linked by an empty commit',
		'accept',
		() => ({
			steps: ['fetch', 'build'].map((name) => ({ name, types: [gitType] })),
			collections: withoutCommit(''),
		}),
		{ traps: ['empty-back-reference'] },
	),
	scenario(
		'a source whose own materials come from nowhere, beside one whose do',
		'accept',
		() => ({
			steps: [
				{ name: 'fetch', types: [gitType] },
				{ name: 'compile', types: [materialType], artifactsFrom: ['fetch'] },
				{ name: 'build', types: [materialType, productType], artifactsFrom: ['compile'] },
			],
			collections: [
				step('fetch', [product({ 'main.c': good })]),
				{ ...step('compile', [material({ 'main.c': good }), product({ 'other.o': 'other' })]), file: 'linked.json' },
				{
					...step('compile', [material({ 'main.c': 'evil' }), product({ 'main.o': 'object' })]),
					file: 'unlinked.json',
				},
				step('build', [material({ 'main.o': 'object' }), commandRun(), product({ app: 'app' })]),
			],
		}),
		{ traps: ['artifacts-from-unlinked'] },
	),
	certified('a certificate of an RSA 1024 key', 'accept', (m) => ({ leafKey: m.key('rsa1024', 'leaf') }), {
		traps: ['weak-key'],
	}),
];
