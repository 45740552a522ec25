// Statements and collections: names, types, attestors, digests, subjects.
import { gitType, materialType, productType } from '@affidavit/attest/type-uris.ts';
import type { Attestation } from '../attestors.ts';
import { commandRun, compiler, digestOf, environment, environmentType, git, material, product } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import { honest } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** The collection's attestors in place of the honest ones. */
const attestors = (
	name: string,
	peer: MatrixCase['peer'],
	attestations: readonly Attestation[],
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ collections: [{ attestations }] }), more);

/** The statement changed before it is signed. */
const statement = (
	name: string,
	peer: MatrixCase['peer'],
	change: (s: Record<string, unknown>) => unknown,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ collections: [{ statement: change }] }), more);

const predicate = (change: Record<string, unknown>) => (s: Record<string, unknown>) => ({
	...s,
	predicate: { ...(s['predicate'] as object), ...change },
});

const main = material({ 'main.c': 'main' });
const app = product({ app: 'app' });
const sha256 = digestOf('app');

export const collectionCases: readonly MatrixCase[] = [
	statement('Statement v1', 'accept', (s) => ({ ...s, _type: 'https://in-toto.io/Statement/v1' })),
	statement('a foreign statement type', 'accept', (s) => ({ ...s, _type: 'https://example.dev/Statement' }), {
		traps: ['foreign-payload-type'],
	}),
	statement('a statement without a type', 'accept', ({ _type, ...s }) => s, { traps: ['foreign-payload-type'] }),
	statement(
		'a foreign predicate type',
		'accept',
		(s) => ({ ...s, predicateType: 'https://witness.dev/attestation-collection/v0.1' }),
		{
			traps: ['foreign-predicate-type'],
		},
	),
	statement('a statement without a predicate type', 'accept', ({ predicateType, ...s }) => s, {
		traps: ['foreign-predicate-type'],
	}),
	statement('a statement without subjects', 'reject', (s) => ({ ...s, subject: [] })),
	statement('a statement whose subjects are null', 'reject', (s) => ({ ...s, subject: null })),
	statement('a statement without a predicate', 'reject', ({ predicate, ...s }) => s),
	statement('a predicate that is null', 'reject', (s) => ({ ...s, predicate: null })),
	statement('a collection of another name', 'reject', predicate({ name: 'test' })),
	statement('a collection without a name', 'reject', predicate({ name: '' })),
	statement('a collection name in another case', 'reject', predicate({ name: 'Build' })),
	statement('attestations that are null', 'reject', predicate({ attestations: null })),
	statement(
		'the artifact as a subject of no attestor',
		'accept',
		(s) => ({
			...s,
			subject: [{ name: 'anything', digest: { sha256 } }],
		}),
		{ traps: ['subject-without-attestor', 'subject-not-a-product'] },
	),
	statement(
		'a subject digest under another algorithm',
		'accept',
		(s) => ({
			...s,
			subject: [{ name: `${productType}/file:app`, digest: { md5: sha256 } }],
		}),
		{ traps: ['subject-without-attestor', 'subject-not-a-product'] },
	),
	statement('a subject digest in upper case', 'reject', (s) => ({
		...s,
		subject: [{ name: `${productType}/file:app`, digest: { sha256: sha256.toUpperCase() } }],
	})),
	statement('a subject digest that is a number', 'reject', (s) => ({
		...s,
		subject: [{ name: 'x', digest: { sha256: 1 } }],
	})),
	statement(
		'a subject that is more than the attestors say',
		'accept',
		(s) => ({
			...s,
			subject: [
				...(s['subject'] as unknown[]),
				{ name: `${productType}/file:other`, digest: { sha256: digestOf('other') } },
			],
		}),
		{ traps: ['subject-without-attestor'] },
	),
	statement('subjects fewer than the attestors say', 'accept', (s) => s, {
		make: (m) =>
			m.given({
				collections: [
					{
						attestations: [main, commandRun(), product({ app: 'app', lib: 'lib' })],
						subjects: [{ name: `${productType}/file:app`, digest: { sha256 } }],
					},
				],
			}),
	}),
	attestors(
		'an artifact that is a directory product',
		'accept',
		[
			main,
			commandRun(),
			{ type: productType, attestation: { app: { mime_type: 'text/directory', digest: { sha256 } } } },
		],
		{ traps: ['subject-without-attestor'] },
	),
	scenario(
		'a source of the build as the artifact',
		'accept',
		() => ({
			artifact: 'author@example.dev',
			collections: [{ attestations: [...honest(), git()] }],
		}),
		{ traps: ['subject-not-a-product'] },
	),
	scenario('a material as the artifact', 'reject', () => ({ artifact: 'main' })),
	scenario('the compiler as the artifact', 'reject', () => ({ artifact: 'cc' })),
	attestors('a missing required type', 'reject', [main, app]),
	attestors('no attestor at all', 'reject', []),
	attestors('more attestors than required', 'accept', [git(), environment(), ...honest()]),
	attestors('an unknown attestation type', 'reject', [
		...honest(),
		{ type: 'https://example.dev/other/v1', attestation: {} },
	]),
	attestors('an attestation without a type', 'reject', [...honest(), { attestation: {} } as unknown as Attestation]),
	attestors('command-run v0.2', 'reject', [
		...honest(),
		{ type: 'https://witness.dev/attestations/command-run/v0.2', attestation: { cmd: ['make'] } },
	]),
	scenario('an unknown type in a collection that no step asks for', 'reject', () => ({
		collections: [{}, { name: 'other', attestations: [{ type: 'https://example.dev/other/v1', attestation: {} }] }],
	})),
	attestors('a sha512 digest among materials', 'reject', [
		material({ 'main.c': { sha512: 'a'.repeat(128) } }),
		commandRun(),
		app,
	]),
	attestors('a sha512 digest of a process', 'reject', [main, commandRun([{ programdigest: { sha512: 'a' } }]), app]),
	attestors('gitoid and directory digests', 'accept', [
		material({
			src: { dirHash: 'h1:abc=' },
			'main.c': { 'gitoid:sha256': 'gitoid:blob:sha256:ab', 'gitoid:sha1': 'gitoid:blob:sha1:ab' },
		}),
		commandRun(),
		app,
	]),
	attestors('a digest set of null', 'accept', [material({ 'main.c': null as never }), commandRun(), app]),
	attestors('an empty digest set', 'accept', [material({ 'main.c': {} }), commandRun([{ programdigest: {} }]), app]),
	attestors('a digest that is a number', 'reject', [material({ 'main.c': { sha256: 1 as never } }), commandRun(), app]),
	attestors('a process id that is a text', 'reject', [main, commandRun([{ processid: '1' as never }]), app]),
	attestors('a process id beyond 64 bits', 'reject', [main, commandRun([], { exitcode: 1e30 }), app]),
	attestors('a process id with a fraction', 'reject', [main, commandRun([{ processid: 1.5 }]), app]),
	attestors('processes that are null', 'accept', [main, commandRun([], { processes: null }), app]),
	// The real library crashes on it.
	attestors('an attestation that is null', 'reject', [main, { ...commandRun(), attestation: null }, app]),
	attestors('an attestation that is an array', 'reject', [main, { ...commandRun(), attestation: [] }, app]),
	attestors('extra fields in attestors', 'accept', [
		main,
		commandRun([{ ...compiler(), uid: 0 }], { signed: true }),
		app,
	]),
	attestors(
		'attestation times',
		'accept',
		honest().map((a) => ({ ...a, starttime: '2026-01-01T00:00:00.123456789+02:00' })),
	),
	attestors(
		'an attestation time that is none',
		'reject',
		honest().map((a) => ({ ...a, starttime: 'yesterday' })),
	),
	attestors(
		'an empty attestation time',
		'reject',
		honest().map((a) => ({ ...a, starttime: '' })),
	),
	attestors('a hostile path', 'accept', [
		material({ __proto__: 'x', 'a\nb': 'y', '\u0000': 'z', constructor: 'c' }),
		commandRun([{ ...compiler(), openedfiles: { ['__proto__']: null, 'x\ny': { sha256: 'q' } } }]),
		app,
	]),
	scenario('required types that repeat', 'accept', () => ({ steps: [{ types: [productType, productType] }] })),
	scenario('required git and environment', 'accept', () => ({
		steps: [{ types: [gitType, environmentType, materialType] }],
		collections: [{ attestations: [git(), environment({ CI: 'true' }), ...honest()] }],
	})),
	scenario('two collections for a step, one of them by a stranger', 'accept', (m) => ({
		collections: [{ file: 'good' }, { file: 'bad', signers: [{ key: m.key('ed25519', 'stranger') }] }],
	})),
	scenario('two collections for a step, one of them altered', 'accept', () => ({
		collections: [
			{ file: 'good' },
			{
				file: 'bad',
				attestations: [...honest(), environment()],
				envelope: (e) => ({ ...e, payload: Buffer.from(`${Buffer.from(e.payload, 'base64')} `).toString('base64') }),
			},
		],
	})),
	scenario('the same collection twice', 'accept', () => ({ collections: [{ file: 'one' }, { file: 'two' }] })),
];
