// What a build reads, runs and makes: material, command-run, product, environment, git.
import type { DigestSet } from '../digest-set.ts';
import { bool, digests, int64, list, map, struct, text } from '../go-shape.ts';
import type { Attestor, AttestorType, Subjects } from './attestor.ts';
import { digestOfText, listOf, textOf } from './attestor.ts';

const material: AttestorType = {
	types: ['https://witness.dev/attestations/material/v0.1'],
	shape: map(digests),
	unknown: [],
	materials: (attestor) => attestor as Readonly<Record<string, DigestSet>>,
};

const product: AttestorType = {
	types: ['https://witness.dev/attestations/product/v0.1'],
	shape: map(struct({ mime_type: text, digest: digests })),
	unknown: [],
	products: productsOf,
	subjects(attestor) {
		const subjects: Subjects = new Map();
		const products = productsOf(attestor);
		for (const path of Object.keys(products)) {
			const { mime_type: mimeType, digest } = products[path] as { mime_type: string; digest: DigestSet };
			subjects.set(`${mimeType === 'text/directory' ? 'dir' : 'file'}:${path}`, digest);
		}
		return subjects;
	},
	productPrefixes: ['file:', 'dir:'],
};

function productsOf(attestor: Attestor): Readonly<Record<string, { mime_type: string; digest: DigestSet }>> {
	return attestor as Readonly<Record<string, { mime_type: string; digest: DigestSet }>>;
}

const processInfo = struct({
	'program?': text,
	processid: int64,
	parentpid: int64,
	'programdigest?': digests,
	'comm?': text,
	'cmdline?': text,
	'exedigest?': digests,
	'openedfiles?': map(digests),
	'environ?': text,
	'specbypassisvuln?': bool,
});

const commandRun: AttestorType = {
	types: ['https://witness.dev/attestations/command-run/v0.1'],
	shape: struct({
		cmd: list(text),
		'stdout?': text,
		'stderr?': text,
		exitcode: int64,
		'processes?': list(processInfo),
	}),
	unknown: [],
};

const environment: AttestorType = {
	types: ['https://witness.dev/attestations/environment/v0.1'],
	shape: struct({ os: text, hostname: text, username: text, 'variables?': map(text) }),
	unknown: [],
};

const git: AttestorType = {
	types: ['https://witness.dev/attestations/git/v0.1'],
	shape: struct({
		gittool: text,
		'gitbinpath?': text,
		'gitbinhash?': digests,
		commithash: text,
		author: text,
		authoremail: text,
		committername: text,
		committeremail: text,
		commitdate: text,
		commitmessage: text,
		'status?': map(struct({ 'staging?': text, 'worktree?': text })),
		'commitdigest?': digests,
		'signature?': text,
		'parenthashes?': list(text),
		'treehash?': text,
		'refs?': list(text),
		'remotes?': list(text),
		'tags?': list(
			struct({ name: text, taggername: text, taggeremail: text, when: text, pgpsignature: text, message: text }),
		),
		'branch?': text,
	}),
	unknown: [],
	subjects(attestor) {
		const subjects = commitOf(attestor);
		const authorEmail = textOf(attestor, 'authoremail');
		const committerEmail = textOf(attestor, 'committeremail');
		const branch = textOf(attestor, 'branch');
		subjects.set(`authoremail:${authorEmail}`, digestOfText(authorEmail));
		subjects.set(`committeremail:${committerEmail}`, digestOfText(committerEmail));
		for (const parent of listOf(attestor, 'parenthashes'))
			subjects.set(`parenthash:${parent}`, digestOfText(String(parent)));
		subjects.set(`refnameshort:${branch}`, digestOfText(branch));
		return subjects;
	},
	backReferences: commitOf,
};

/** The commit's hash counts as SHA-1 whatever its length. */
function commitOf(attestor: Attestor): Subjects {
	const commit = textOf(attestor, 'commithash');
	return new Map([[`commithash:${commit}`, { sha1: commit }]]);
}

export const buildTypes: readonly AttestorType[] = [material, product, commandRun, environment, git];
