// Certificate functionaries whose signatures carry timestamps: which time a certificate is judged at, and by whose word.
import 'reflect-metadata';
import type { CertificateFields, Issued } from '../../../../packages/attest/test/authority.ts';
import {
	makeAuthority,
	makeTimestampAuthority,
	timeStampingUsage,
} from '../../../../packages/attest/test/authority.ts';
import type { TimestampFields } from '../../../../packages/attest/test/timestamps.ts';
import { makeTimestamp, makeTimestampResponse } from '../../../../packages/attest/test/timestamps.ts';
import type { MatrixCase } from '../case.ts';
import type { Certified } from '../certified.ts';
import { certifiedScenario, hourMs, rootOf, withKey } from '../certified.ts';
import type { Maker, Root, Scenario } from '../maker.ts';
import { scenario } from '../scenario.ts';

const dayMs = 24 * hourMs;

interface Stamped {
	/** When the leaf is valid: around the time of signing, a day ago, by default; `now` for around now. */
	leaf?: 'then' | 'now';
	authority?: CertificateFields;
	/** Of the authority's root. */
	authorityRoot?: CertificateFields;
	/** In place of the stamp's time, which is the time of signing; ms after it. */
	afterMs?: number;
	token?: Partial<TimestampFields> | ((tsa: Issued, root: Issued) => Partial<TimestampFields>);
	/** In place of the one token. */
	tokens?: (token: (signature: Uint8Array) => Buffer, signature: Buffer) => Uint8Array[];
	/** In place of the policy's one authority; undefined for none. */
	authorities?: (
		root: Issued,
		tsa: Issued,
	) => Promise<Record<string, Root> | undefined> | Record<string, Root> | undefined;
	certified?: Certified;
	scenario?: (made: Scenario) => Scenario;
}

async function stampedScenario(maker: Maker, what: Stamped): Promise<Scenario> {
	const signedMs = maker.nowMs - dayMs;
	const around = (ms: number) => ({ notBefore: new Date(ms - hourMs), notAfter: new Date(ms + hourMs) });
	const long = { notBefore: new Date(signedMs - 10 * dayMs), notAfter: new Date(maker.nowMs + 10 * dayMs) };
	const tsaRoot = await makeAuthority({ name: 'CN=tsa root', ...long, ...what.authorityRoot });
	const tsa = await makeTimestampAuthority(tsaRoot, { ...long, ...what.authority });
	const at = new Date(signedMs + (what.afterMs ?? 0));
	const fields = typeof what.token === 'function' ? what.token(tsa, tsaRoot) : what.token;
	const token = (signature: Uint8Array): Buffer => makeTimestamp(tsa, signature, { at, ...fields });
	const authorities = what.authorities ? await what.authorities(tsaRoot, tsa) : { tsa: rootOf(tsaRoot) };
	const made = await certifiedScenario(maker, {
		root: long,
		leaf: around(what.leaf === 'now' ? maker.nowMs : signedMs),
		timestamps: async (signature) => what.tokens?.(token, signature) ?? [token(signature)],
		...what.certified,
	});
	const scenario = { ...made, ...(authorities && { timestampauthorities: authorities }) };
	return what.scenario?.(scenario) ?? scenario;
}

const stamped = (
	name: string,
	peer: MatrixCase['peer'],
	what: Stamped | ((maker: Maker) => Stamped),
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, (m) => stampedScenario(m, typeof what === 'function' ? what(m) : what), more);

const none = { authorities: () => undefined };
const usage = (extendedKeyUsages: string[], extendedKeyUsageCritical = true) => ({
	authority: { extendedKeyUsages, extendedKeyUsageCritical },
});
const serverUsage = '1.3.6.1.5.5.7.3.1';
const codeUsage = '1.3.6.1.5.5.7.3.3';

export const timestampCases: readonly MatrixCase[] = [
	stamped('an expired leaf, stamped while it was valid', 'accept', {}),
	stamped('a leaf stamped after it had expired', 'reject', { afterMs: 2 * hourMs }),
	stamped('a leaf stamped before it was valid', 'reject', { afterMs: -2 * hourMs }),
	stamped('a valid leaf, stamped before it was valid', 'reject', { leaf: 'now' }),
	stamped('a valid leaf, stamped now', 'accept', { leaf: 'now', afterMs: dayMs }),
	stamped('a leaf that is valid in the future, stamped in the future', 'accept', (m) => ({
		afterMs: 2 * dayMs,
		certified: { leaf: { notBefore: new Date(m.nowMs + hourMs), notAfter: new Date(m.nowMs + 2 * dayMs) } },
	})),
	stamped('no timestamp under a policy that wants one', 'reject', { leaf: 'now', tokens: () => [] }),
	stamped('a key without a timestamp under a policy that wants one', 'accept', {
		scenario: ({ timestampauthorities, roots }) => ({
			...(timestampauthorities && { timestampauthorities }),
			...(roots && { roots }),
		}),
	}),
	stamped(
		'a timestamp that the policy does not want, on a valid leaf',
		'accept',
		{ leaf: 'now', afterMs: dayMs, ...none },
		{
			traps: ['timestamp-ignored'],
		},
	),
	stamped('a timestamp that the policy does not want, on an expired leaf', 'reject', none),
	stamped('an authority that the policy does not know', 'reject', {
		authorities: async () => ({ tsa: rootOf(await makeAuthority({ name: 'CN=tsa root' })) }),
	}),
	stamped('two authorities in the policy, the second right', 'accept', {
		authorities: async (root) => ({ a: rootOf(await makeAuthority({ name: 'CN=other' })), b: rootOf(root) }),
	}),
	stamped('an authority that is its own root in the policy', 'accept', {
		authorities: (_, tsa) => ({ tsa: rootOf(tsa) }),
	}),
	stamped('an authority that the policy holds as an intermediate', 'accept', {
		authorities: async (_, tsa) => ({ tsa: rootOf(await makeAuthority({ name: 'CN=other' }), [tsa]) }),
	}),
	stamped('a token without its certificate', 'reject', { token: { certificates: [] } }),
	stamped('a token without its certificate, which the policy has', 'reject', {
		token: { certificates: [] },
		authorities: (root, tsa) => ({ tsa: rootOf(root, [tsa]) }),
	}),
	stamped('a token with its whole chain', 'accept', { token: (tsa, root) => ({ certificates: [tsa, root] }) }),
	stamped('a token with its chain in reverse order', 'accept', {
		token: (tsa, root) => ({ certificates: [root, tsa] }),
	}),
	stamped('an authority for servers', 'reject', usage([serverUsage])),
	stamped('an authority for timestamps and servers', 'reject', usage([timeStampingUsage, serverUsage])),
	stamped('an authority for timestamps and something unknown', 'reject', usage([timeStampingUsage, '1.2.3.4'])),
	stamped('an authority whose usage is not critical', 'reject', usage([timeStampingUsage], false)),
	stamped('an authority without a usage', 'reject', usage([])),
	stamped('an authority whose root is for code', 'reject', { authorityRoot: { extendedKeyUsages: [codeUsage] } }),
	stamped('an authority whose root is for timestamps', 'accept', {
		authorityRoot: { extendedKeyUsages: [timeStampingUsage] },
	}),
	stamped('the whole response in place of the token', 'reject', {
		tokens: (token, s) => [makeTimestampResponse(token(s))],
	}),
	stamped('a timestamp of another signature', 'reject', {
		tokens: (token) => [token(Buffer.from('another signature'))],
	}),
	stamped('a timestamp of the payload', 'reject', { tokens: (token) => [token(Buffer.from('main'))] }),
	stamped('an authority that has expired since', 'accept', (m) => ({
		authority: { notAfter: new Date(m.nowMs - hourMs) },
	})),
	stamped('an authority that had expired then', 'reject', (m) => ({
		authority: { notAfter: new Date(m.nowMs - 2 * dayMs) },
	})),
	stamped('an authority that was not valid then', 'reject', (m) => ({
		authority: { notBefore: new Date(m.nowMs - hourMs) },
	})),
	stamped("an authority's root that has expired since", 'accept', (m) => ({
		authorityRoot: { notAfter: new Date(m.nowMs - hourMs) },
	})),
	stamped('a bad token beside a good one', 'accept', { tokens: (token, s) => [Buffer.from('x'), token(s)] }),
	stamped('a bad token after a good one', 'accept', { tokens: (token, s) => [token(s), token(Buffer.from('x'))] }),
	stamped('the same token twice', 'accept', { tokens: (token, s) => [token(s), token(s)] }),
	stamped('a token of no bytes', 'reject', { tokens: () => [Buffer.alloc(0)] }),
	stamped(
		'a token with bytes after it',
		'accept',
		{
			tokens: (token, s) => [Buffer.concat([token(s), Buffer.from('x')])],
		},
		{ traps: ['odd-timestamp'] },
	),
	stamped('a token cut short', 'reject', { tokens: (token, s) => [token(s).subarray(0, -1)] }),
	stamped('a stamped content changed after it was signed', 'reject', {
		token: { tamper: (bytes) => bytes.set([9], bytes.length - 1) },
	}),
	stamped('a message digest that is another', 'reject', { token: { messageDigest: Buffer.alloc(32) } }),
	stamped(
		'a token without signed attributes',
		'accept',
		{
			token: { withoutSignedAttributes: true },
		},
		{ traps: ['odd-timestamp'] },
	),
	stamped('a token of two signers', 'reject', { token: { signers: 2 } }),
	stamped('a token of no signer', 'reject', { token: { signers: 0 } }),
	stamped(
		'a token of another content type',
		'accept',
		{
			token: { contentType: '1.2.840.113549.1.7.1' },
		},
		{ traps: ['odd-timestamp'] },
	),
	stamped(
		'a token with a critical extension',
		'accept',
		{
			token: { criticalExtension: true },
		},
		{ traps: ['odd-timestamp'] },
	),
	stamped('a token without the signing time', 'accept', { token: { signingTime: null } }),
	stamped('a signing time that is another than the stamp', 'reject', (m) => ({
		token: { signingTime: new Date(m.nowMs - 100 * dayMs) },
	})),
	stamped('a token signed with SHA-1', 'accept', { token: { digest: 'sha1' } }, { traps: ['odd-timestamp'] }),
	stamped('a token signed with SHA-384', 'accept', { token: { digest: 'sha384' } }),
	stamped('a token signed with SHA-512', 'accept', { token: { digest: 'sha512' } }),
	stamped('an authority with RSA', 'accept', (m) => ({ authority: withKey(m.key('rsa2048', 'tsa')) })),
	stamped('an authority with P-384', 'accept', (m) => ({ authority: withKey(m.key('p384', 'tsa')) })),
	stamped('an authority with ed25519', 'accept', (m) => ({ authority: withKey(m.key('ed25519', 'tsa')) })),
	stamped('an imprint with SHA-512', 'reject', {
		token: { imprint: { algorithm: '2.16.840.1.101.3.4.2.3', digest: Buffer.alloc(64) } },
	}),
	stamped('a type of timestamp that is another word', 'accept', {
		scenario: (made) => ({
			...made,
			collections: (made.collections ?? []).map((c) => ({
				...c,
				envelope: (e) => ({
					...e,
					signatures: e.signatures.map((s) => ({
						...s,
						timestamps: s.timestamps?.map((t) => ({ ...t, type: 'other' })),
					})),
				}),
			})),
		}),
	}),
	stamped('an expired root of the leaf, stamped while it was valid', 'accept', (m) => ({
		certified: { root: { notBefore: new Date(m.nowMs - 2 * dayMs), notAfter: new Date(m.nowMs - hourMs) } },
	})),
	stamped('a constraint that does not hold, at whatever time', 'reject', {
		certified: { constraint: { commonname: 'other' } },
	}),
];
