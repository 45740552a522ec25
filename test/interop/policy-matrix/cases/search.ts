// The search over envelopes: subjects, back references over the commit, depth, many envelopes.
import { gitType, productType } from '@affidavit/attest/type-uris.ts';
import { commandRun, digestOf, git, product } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import type { CollectionSpec, Maker, Scenario, StepSpec } from '../maker.ts';
import { honest } from '../maker.ts';
import { scenario } from '../scenario.ts';

const commit = (letter: string): string => letter.repeat(40);

/** A collection of each step with the same commit; only the last has the artifact. */
const chain = (names: readonly string[]): Scenario => ({
	steps: names.map((name) => ({ name, types: [gitType] })),
	collections: names.map((name, i) => ({
		name,
		attestations: [git(), product(i === names.length - 1 ? { app: 'app' } : { [name]: name })],
	})),
});

/** Steps that are linked one to the next by a commit of their own: the search must go a round further for each. */
function linked(names: readonly string[]): Scenario {
	const collections: CollectionSpec[] = names.map((name, i) => ({
		name,
		attestations: [
			git(commit(String(i)), { parenthashes: [] }),
			...(i > 0 ? [git(commit(String(i - 1)))] : []),
			product(i === names.length - 1 ? { app: 'app' } : { [name]: name }),
		],
	}));
	return { steps: names.map((name): StepSpec => ({ name, types: [gitType] })), collections };
}

const git1 = (more: Record<string, unknown>) => git(commit('a'), more);

/** A thousand envelopes of one step, of which one belongs to the artifact. */
async function thousand(m: Maker, good: number): Promise<Scenario> {
	const files = await Promise.all(
		Array.from({ length: 1000 }, (_, i) =>
			m.collection({
				file: `${i}.json`,
				attestations: [commandRun(), product({ app: i === good ? 'app' : `app${i}` })],
			}),
		),
	);
	return { collections: [], files };
}

export const searchCases: readonly MatrixCase[] = [
	scenario('two steps that share a commit', 'accept', () => chain(['fetch', 'build'])),
	scenario('five steps that share a commit', 'accept', () => chain(['fetch', 'generate', 'compile', 'link', 'build'])),
	scenario('a step of another commit', 'reject', () => {
		const base = chain(['fetch', 'build']);
		const [, build] = base.collections ?? [];
		return {
			...base,
			collections: [{ name: 'fetch', attestations: [git(commit('b')), product({ fetch: 'fetch' })] }, build ?? {}],
		};
	}),
	scenario('two steps without a subject in common', 'reject', () => ({
		steps: [
			{ name: 'fetch', types: [productType] },
			{ name: 'build', types: [productType] },
		],
		collections: [
			{ name: 'fetch', attestations: [product({ src: 'src' })] },
			{ name: 'build', attestations: [product({ app: 'app' })] },
		],
	})),
	scenario('two steps whose authors are the same, the commits are not', 'reject', () => ({
		steps: [
			{ name: 'fetch', types: [gitType] },
			{ name: 'build', types: [gitType] },
		],
		collections: [
			{ name: 'fetch', attestations: [git(commit('b')), product({ src: 'src' })] },
			{ name: 'build', attestations: [git(commit('a')), product({ app: 'app' })] },
		],
	})),
	scenario('steps linked over two further commits', 'accept', () => linked(['fetch', 'compile', 'build'])),
	scenario('a commit named only by a collection of a stranger', 'reject', (m) => {
		const base = chain(['fetch', 'build']);
		const [fetch, build] = base.collections ?? [];
		return {
			...base,
			collections: [
				fetch ?? {},
				{ ...build, attestations: [git(commit('b')), product({ app: 'app' })], file: 'good' },
				{ ...build, signers: [{ key: m.key('ed25519', 'stranger') }], file: 'strange' },
			],
		};
	}),
	scenario('a parent commit, which is no back reference', 'reject', () => ({
		steps: [
			{ name: 'fetch', types: [gitType] },
			{ name: 'build', types: [gitType] },
		],
		collections: [
			{ name: 'fetch', attestations: [git(commit('b')), product({ src: 'src' })] },
			{ name: 'build', attestations: [git1({ parenthashes: [commit('b')] }), product({ app: 'app' })] },
		],
	})),
	scenario('the product of the first step as the artifact', 'accept', () => ({
		...chain(['fetch', 'build']),
		artifact: 'fetch',
	})),
	scenario('main.c, a product of the first step, as the artifact', 'accept', () => ({
		steps: [
			{ name: 'fetch', types: [gitType] },
			{ name: 'build', types: [gitType] },
		],
		collections: [
			{ name: 'fetch', attestations: [git(), product({ 'main.c': 'main' })] },
			{ name: 'build', attestations: [git(), product({ app: 'app' })] },
		],
		artifact: 'main',
	})),
	scenario(
		"the author's email as the artifact",
		'accept',
		() => ({ ...chain(['build']), artifact: 'author@example.dev' }),
		{
			traps: ['subject-not-a-product'],
		},
	),
	scenario('the artifact as a subject in the second place', 'accept', () => ({
		collections: [{ attestations: [commandRun(), product({ lib: 'lib', app: 'app', doc: 'doc' })] }],
	})),
	scenario('a missing type in the one collection that is linked', 'reject', () => ({
		steps: [{ types: [gitType, productType] }],
		collections: [
			{ file: 'one', attestations: honest() },
			{ file: 'two', attestations: [git(), product({ other: 'other' })] },
		],
	})),
	scenario('no attestation file at all', 'reject', () => ({ collections: [] })),
	scenario('1,000 envelopes, the 900th of them of the artifact', 'accept', (m) => thousand(m, 900)),
	scenario('1,000 envelopes, none of them of the artifact', 'reject', (m) => thousand(m, -1)),
	scenario('a collection with 20,000 subjects', 'accept', () => ({
		collections: [
			{
				attestations: [
					commandRun(),
					product(
						Object.fromEntries(
							Array.from({ length: 20_000 }, (_, i) => [`f${i}`, { sha256: digestOf(i === 19_999 ? 'app' : `${i}`) }]),
						),
					),
				],
			},
		],
	})),
];
