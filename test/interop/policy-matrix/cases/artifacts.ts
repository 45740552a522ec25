// artifactsFrom: the materials of a step are what the step before left behind.
import { gitType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import type { Attestation, Digests, Files } from '../attestors.ts';
import { commandRun, digestOf, git, material, product } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import type { CollectionSpec, StepSpec } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** Both steps carry the same commit: the search goes over it from the artifact to the step before. */
const fetchStep: StepSpec = { name: 'fetch', types: [gitType] };
const buildStep: StepSpec = { name: 'build', types: [materialType, productType], artifactsFrom: ['fetch'] };
const steps = [fetchStep, buildStep];

const fetch = (attestations: readonly Attestation[], file = 'fetch'): CollectionSpec => ({
	name: 'fetch',
	file,
	attestations: [git(), ...attestations],
});
const build = (materials: Files, file = 'build'): CollectionSpec => ({
	name: 'build',
	file,
	attestations: [git(), material(materials), commandRun(), product({ app: 'app' })],
});

/** What the step before left of main.c, against what the build read. */
const compared = (name: string, peer: MatrixCase['peer'], left: Digests, read: Digests): MatrixCase =>
	scenario(name, peer, () => ({
		steps,
		collections: [fetch([product({ 'main.c': left })]), build({ 'main.c': read })],
	}));

const good = { sha256: digestOf('main') };
const bad = { sha256: digestOf('evil') };

export const artifactCases: readonly MatrixCase[] = [
	compared('materials that are the products of the step before', 'accept', good, good),
	compared('a material that differs from the product before', 'reject', good, bad),
	compared('the same sha256 and another sha1', 'reject', { ...good, sha1: 'a' }, { ...good, sha1: 'b' }),
	compared('sha1 beside sha256 on one side', 'accept', { ...good, sha1: 'a' }, good),
	compared('only sha1 on one side, both on the other', 'reject', { sha1: 'a' }, { ...good, sha1: 'a' }),
	compared('only sha1 on both sides', 'accept', { sha1: 'a' }, { sha1: 'a' }),
	compared('no algorithm in common', 'reject', { sha1: 'a' }, good),
	compared('empty digest sets', 'reject', {}, {}),
	compared('gitoid on one side, sha256 on the other', 'reject', { 'gitoid:sha256': 'g' }, good),
	compared(
		'gitoid and sha256, the gitoid shared',
		'accept',
		{ 'gitoid:sha256': 'g' },
		{ 'gitoid:sha256': 'g', ...good },
	),
	compared(
		'a shared gitoid and another sha256',
		'reject',
		{ 'gitoid:sha256': 'g', ...good },
		{ 'gitoid:sha256': 'g', ...bad },
	),
	compared('sha1 and gitoid:sha1 of the same size', 'accept', { 'gitoid:sha1': 'g', sha1: 'a' }, { sha1: 'a' }),
	compared('a directory digest', 'accept', { dirHash: 'h1:x=' }, { dirHash: 'h1:x=' }),
	compared('a digest in upper case', 'reject', good, { sha256: good.sha256.toUpperCase() }),
	scenario('a material of the step before, unchanged', 'accept', () => ({
		steps,
		collections: [fetch([material({ 'main.c': good })]), build({ 'main.c': good })],
	})),
	scenario('a file that the step before read and then wrote anew', 'accept', () => ({
		steps,
		collections: [fetch([material({ 'main.c': bad }), product({ 'main.c': good })]), build({ 'main.c': good })],
	})),
	scenario('no path in common', 'reject', () => ({
		steps,
		collections: [fetch([product({ 'main.c': good })]), build({ 'src/main.c': good })],
	})),
	scenario('a path that differs by ./', 'reject', () => ({
		steps,
		collections: [fetch([product({ 'main.c': good })]), build({ './main.c': good })],
	})),
	scenario('no materials', 'reject', () => ({ steps, collections: [fetch([product({ 'main.c': good })]), build({})] })),
	scenario('no products before', 'reject', () => ({ steps, collections: [fetch([]), build({ 'main.c': good })] })),
	scenario('one path in common that is right, others apart', 'accept', () => ({
		steps,
		collections: [fetch([product({ 'main.c': good, a: 'a' })]), build({ 'main.c': good, b: 'b' })],
	})),
	scenario('one path right, one wrong', 'reject', () => ({
		steps,
		collections: [fetch([product({ 'main.c': good, a: 'a' })]), build({ 'main.c': good, a: 'b' })],
	})),
	scenario('two collections of the step before, one of them right', 'accept', () => ({
		steps,
		collections: [
			fetch([product({ 'main.c': bad })], 'f1'),
			fetch([product({ 'main.c': good })], 'f2'),
			build({ 'main.c': good }),
		],
	})),
	scenario('two collections of the step before, each right for one file', 'reject', () => ({
		steps,
		collections: [
			fetch([product({ 'main.c': good, a: 'x' })], 'f1'),
			fetch([product({ 'main.c': bad, a: 'a' })], 'f2'),
			build({ 'main.c': good, a: 'a' }),
		],
	})),
	scenario('two collections of the build, one of them with an evil material', 'accept', () => ({
		steps,
		collections: [
			fetch([product({ 'main.c': good })]),
			build({ 'main.c': bad }, 'b1'),
			build({ 'main.c': good }, 'b2'),
		],
	})),
	scenario('a stranger for the step before', 'reject', (m) => ({
		steps,
		collections: [
			{ ...fetch([product({ 'main.c': good })]), signers: [{ key: m.key('ed25519', 'stranger') }] },
			build({ 'main.c': good }),
		],
	})),
	scenario('a step before that the policy does not name', 'reject', () => ({
		steps: [{ ...buildStep, artifactsFrom: ['checkout'] }],
		collections: [build({ 'main.c': good })],
	})),
	scenario('a step before that has no collection', 'reject', () => ({
		steps,
		collections: [build({ 'main.c': good })],
	})),
	scenario('an empty artifactsFrom', 'accept', () => ({
		steps: [{ ...buildStep, artifactsFrom: [] }],
		collections: [build({ 'main.c': good })],
	})),
	scenario(
		'a step that takes from itself',
		'accept',
		() => ({
			steps: [{ ...buildStep, artifactsFrom: ['build'] }],
			collections: [build({ 'main.c': good })],
		}),
		{ traps: ['artifacts-from-unlinked'] },
	),
	scenario(
		'a cycle of steps',
		'accept',
		() => ({
			steps: [{ ...fetchStep, artifactsFrom: ['build'] }, buildStep],
			collections: [fetch([material({ 'main.c': good }), product({ 'main.c': good })]), build({ 'main.c': good })],
		}),
		{ traps: ['artifacts-from-unlinked'] },
	),
	scenario('two steps before, one of them mismatching', 'reject', () => ({
		steps: [fetchStep, { name: 'generate', types: [gitType] }, { ...buildStep, artifactsFrom: ['fetch', 'generate'] }],
		collections: [
			fetch([product({ 'main.c': good })]),
			{ name: 'generate', attestations: [git(), product({ 'gen.c': 'gen' })] },
			build({ 'main.c': good, 'gen.c': 'other' }),
		],
	})),
	scenario('two steps before, both right', 'accept', () => ({
		steps: [fetchStep, { name: 'generate', types: [gitType] }, { ...buildStep, artifactsFrom: ['fetch', 'generate'] }],
		collections: [
			fetch([product({ 'main.c': good })]),
			{ name: 'generate', attestations: [git(), product({ 'gen.c': 'gen' })] },
			build({ 'main.c': good, 'gen.c': 'gen' }),
		],
	})),
	scenario('two material attestors, the evil one first', 'accept', () => ({
		steps,
		collections: [
			fetch([product({ 'main.c': good })]),
			{
				name: 'build',
				attestations: [git(), material({ 'main.c': bad }), material({ 'main.c': good }), product({ app: 'app' })],
			},
		],
	})),
	scenario('two material attestors, the evil one last', 'reject', () => ({
		steps,
		collections: [
			fetch([product({ 'main.c': good })]),
			{
				name: 'build',
				attestations: [git(), material({ 'main.c': good }), material({ 'main.c': bad }), product({ app: 'app' })],
			},
		],
	})),
	scenario('hostile paths in common', 'accept', () => ({
		steps,
		collections: [
			fetch([product({ ['__proto__']: good, 'a\nb': good, constructor: good })]),
			build({ ['__proto__']: good, 'a\nb': good, constructor: good }),
		],
	})),
	scenario('a hostile path that differs', 'reject', () => ({
		steps,
		collections: [fetch([product({ ['__proto__']: good, a: good })]), build({ ['__proto__']: bad, a: good })],
	})),
];
