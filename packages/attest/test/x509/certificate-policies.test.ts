import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as asn1js from 'asn1js';
import { verifyChain } from '../../src/x509/chain.ts';
import { parseCertificate } from '../../src/x509/parse.ts';
import type { Issued } from '../authority.ts';
import { Extension, issue, issueLeaf, makeAuthority } from '../authority.ts';
import { ms, read, reasonOf } from './read.ts';

interface Policies {
	policies?: string[];
	mappings?: [string, string][];
	/** requireExplicitPolicy, inhibitPolicyMapping; -1 for neither. */
	constraints?: [number, number];
	inhibitAny?: number;
}

const oid = (value: string) => new asn1js.ObjectIdentifier({ value });
const list = (value: asn1js.AsnType[]) => new asn1js.Sequence({ value });
const numbered = (tagNumber: number, count: number) =>
	new asn1js.Primitive({ idBlock: { tagClass: 3, tagNumber }, valueHex: new Uint8Array([count]).buffer });

function extensionsOf({ policies, mappings, constraints, inhibitAny }: Policies): Extension[] {
	const extensions: Extension[] = [];
	const add = (id: string, value: asn1js.AsnType) => extensions.push(new Extension(id, true, value.toBER()));
	if (policies) add('2.5.29.32', list(policies.map((policy) => list([oid(policy)]))));
	if (mappings) add('2.5.29.33', list(mappings.map(([from, to]) => list([oid(from), oid(to)]))));
	if (constraints) add('2.5.29.36', list(constraints.flatMap((count, i) => (count < 0 ? [] : [numbered(i, count)]))));
	if (inhibitAny !== undefined) add('2.5.29.54', new asn1js.Integer({ value: inhibitAny }));
	return extensions;
}

const [one, two, any] = ['1.2.3.1', '1.2.3.2', '2.5.29.32.0'];

interface Case {
	upper: Policies;
	lower: Policies;
	leaf: Policies;
	allowed: boolean;
}

/** Each with the verdict of Go 1.26 (crypto/x509). */
const cases: Record<string, Case> = {
	'nobody insists': { upper: { policies: [one] }, lower: {}, leaf: { policies: [two] }, allowed: true },
	'one policy all the way': {
		upper: { policies: [one], constraints: [0, -1] },
		lower: { policies: [one] },
		leaf: { policies: [one, two] },
		allowed: true,
	},
	'none in the leaf': {
		upper: { policies: [one], constraints: [0, -1] },
		lower: { policies: [one] },
		leaf: {},
		allowed: false,
	},
	'none in common': {
		upper: { policies: [one], constraints: [0, -1] },
		lower: { policies: [one] },
		leaf: { policies: [two] },
		allowed: false,
	},
	'required only further down than the chain goes': {
		upper: { policies: [one], constraints: [3, -1] },
		lower: { policies: [one] },
		leaf: { policies: [two] },
		allowed: true,
	},
	'required from the leaf on': {
		upper: { policies: [one], constraints: [1, -1] },
		lower: { policies: [one] },
		leaf: { policies: [two] },
		allowed: false,
	},
	'the leaf insists itself': { upper: {}, lower: {}, leaf: { policies: [one], constraints: [0, -1] }, allowed: false },
	'any stands for one': {
		upper: { policies: [any], constraints: [0, -1] },
		lower: { policies: [any] },
		leaf: { policies: [one] },
		allowed: true,
	},
	'any no longer stands for one': {
		upper: { policies: [one], constraints: [0, -1], inhibitAny: 0 },
		lower: { policies: [any] },
		leaf: { policies: [one] },
		allowed: false,
	},
	'a policy under another name': {
		upper: { policies: [one], mappings: [[one, two]], constraints: [0, -1] },
		lower: { policies: [two] },
		leaf: { policies: [two] },
		allowed: true,
	},
	'a policy under its former name': {
		upper: { policies: [one], mappings: [[one, two]], constraints: [0, -1] },
		lower: { policies: [one] },
		leaf: { policies: [one] },
		allowed: false,
	},
	'a mapping that is no longer allowed': {
		upper: { policies: [one], constraints: [0, 0] },
		lower: { policies: [one], mappings: [[one, two]] },
		leaf: { policies: [two] },
		allowed: false,
	},
	'a mapping from any, though nobody insists': {
		upper: { policies: [one], mappings: [[any, two]] },
		lower: { policies: [one] },
		leaf: { policies: [one] },
		allowed: false,
	},
};

const chainOf = async ({ upper, lower, leaf }: Case): Promise<Issued[]> => {
	const kind = 'ed25519';
	const root = await makeAuthority({ name: 'CN=root', kind });
	const first = await makeAuthority({ name: 'CN=upper', kind, extensions: extensionsOf(upper) }, root);
	const second = await makeAuthority({ name: 'CN=lower', kind, extensions: extensionsOf(lower) }, first);
	return [await issueLeaf(second, { kind, extensions: extensionsOf(leaf) }), second, first, root];
};

test('a chain has a policy where one of its certificates insists on one', async () => {
	for (const [name, example] of Object.entries(cases)) {
		const [leaf, lower, upper, root] = (await chainOf(example)).map(read);
		assert.ok(leaf && lower && upper && root);
		const about = { intermediates: [upper, lower], roots: [root], atMs: ms('2026-01-01T00:00:00Z') };
		const result = verifyChain({ ...about, leaf });
		assert.equal(result.kind === 'chain', example.allowed, `${name}: ${reasonOf(result)}`);
		if (!example.allowed) assert.match(reasonOf(result), /requires a certificate policy/);
	}
});

test('refuses policies that cannot be read', async () => {
	const bad: [string, asn1js.AsnType][] = [
		['2.5.29.32', list([list([oid(one)]), list([oid(one)])])],
		['2.5.29.32', list([oid(one)])],
		['2.5.29.33', list([list([oid(one)])])],
		['2.5.29.36', list([numbered(0, 0x80)])],
		['2.5.29.54', new asn1js.Integer({ value: -1 })],
	];
	for (const [id, value] of bad) {
		const { der } = await issue({ kind: 'ed25519', extensions: [new Extension(id, true, value.toBER())] });
		assert.match(reasonOf(parseCertificate(der)), new RegExp(`extension ${id.replaceAll('.', '\\.')}: cannot be read`));
	}
});
