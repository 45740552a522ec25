// Functionaries by public key, of each kind, and the forms in which a policy may give a key.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import type { MatrixCase } from '../case.ts';
import type { KeyKind, SignatureScheme } from '../keys.ts';
import { policyKeyOf, publicKeyFunctionary } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** The step's functionary is a key of this kind, and the collection is signed with it. */
const signedWith = (
	name: string,
	kind: KeyKind,
	more: Partial<MatrixCase> & { scheme?: SignatureScheme } = {},
): MatrixCase => {
	const { scheme, ...fields } = more;
	return {
		name,
		peer: 'accept',
		make(m) {
			const key = m.key(kind, 'functionary');
			return m.given({
				keys: [key],
				steps: [{ functionaries: [publicKeyFunctionary(key)] }],
				collections: [{ signers: [{ key, ...(scheme && { scheme }) }] }],
			});
		},
		...fields,
	};
};

const base64 = (text: string | Buffer): string => Buffer.from(text).toString('base64');

/** The policy gives the functionary's key in another form. */
const keyGivenAs = (
	name: string,
	kind: KeyKind,
	form: (pem: string, privatePem: string) => string,
	more: Partial<MatrixCase> = {},
): MatrixCase => ({
	name,
	peer: 'accept',
	make(m) {
		const key = m.key(kind, 'functionary');
		const privatePem = key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
		const given = { ...policyKeyOf(key), key: base64(form(key.pem, privatePem)) };
		return m.given({
			keys: [key],
			policy: (policy) => ({ ...policy, publickeys: { [key.keyId]: given } }),
			steps: [{ functionaries: [publicKeyFunctionary(key)] }],
			collections: [{ signers: [{ key }] }],
		});
	},
	...more,
});

const pkcs1 = (pem: string): string => createPublicKey(pem).export({ type: 'pkcs1', format: 'pem' }).toString();

export const keyCases: readonly MatrixCase[] = [
	signedWith('an ed25519 key', 'ed25519'),
	signedWith('an ECDSA P-224 key', 'p224', { traps: ['weak-key'] }),
	signedWith('an ECDSA P-256 key', 'p256'),
	signedWith('an ECDSA P-384 key with SHA-256', 'p384'),
	signedWith('an ECDSA P-384 key with SHA-384', 'p384', { scheme: { hash: 'sha384' }, peer: 'reject' }),
	signedWith('an ECDSA P-521 key with SHA-256', 'p521'),
	signedWith('an ECDSA P-521 key with SHA-512', 'p521', { scheme: { hash: 'sha512' }, peer: 'reject' }),
	signedWith('an ECDSA signature as r and s side by side', 'p256', { scheme: { p1363: true }, peer: 'reject' }),
	signedWith('an RSA 1024 key', 'rsa1024', { traps: ['weak-key'] }),
	signedWith('an RSA 2048 key', 'rsa2048'),
	signedWith('an RSA 3072 key', 'rsa3072'),
	signedWith('an RSA 4096 key', 'rsa4096'),
	signedWith('RSA-PSS with a salt of 32 bytes', 'rsa2048', { scheme: { saltLength: 32 } }),
	signedWith('RSA-PSS with no salt', 'rsa2048', { scheme: { saltLength: 0 } }),
	signedWith('RSA-PSS with SHA-512', 'rsa2048', { scheme: { hash: 'sha512' }, peer: 'reject' }),
	signedWith('RSA with PKCS #1 v1.5 padding', 'rsa2048', { scheme: { padding: 'pkcs1' }, traps: ['rsa-pkcs1'] }),
	signedWith('RSA with PKCS #1 v1.5 padding and SHA-384', 'rsa2048', {
		scheme: { padding: 'pkcs1', hash: 'sha384' },
		peer: 'reject',
	}),
	keyGivenAs('a policy key given as PKCS #1 PEM', 'rsa2048', pkcs1),
	keyGivenAs('a policy key under another PEM label', 'ed25519', (pem) => pem.replaceAll('PUBLIC KEY', 'SOMETHING')),
	keyGivenAs('a policy key with text before its PEM', 'ed25519', (pem) => `Key of the build host\n${pem}`),
	keyGivenAs('a policy key with a second PEM after it', 'ed25519', (pem) => `${pem}${pem}`),
	keyGivenAs('a policy key with CRLF line ends', 'ed25519', (pem) => pem.replaceAll('\n', '\r\n')),
	keyGivenAs(
		'a policy key as DER',
		'ed25519',
		(pem) => createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('latin1'),
		{
			peer: 'reject',
		},
	),
	keyGivenAs('a private key in place of the public one', 'ed25519', (_, privatePem) => privatePem, { peer: 'reject' }),
	keyGivenAs(
		'a private RSA key in place of the public one',
		'rsa2048',
		(_, privatePem) => createPrivateKey(privatePem).export({ type: 'pkcs1', format: 'pem' }).toString(),
		{ peer: 'reject' },
	),
	{
		name: 'a policy signed with an ECDSA P-384 key',
		peer: 'accept',
		make(m) {
			const owner = m.key('p384', 'owner');
			return m.given({ signers: [{ key: owner }], policyKey: owner.pem });
		},
	},
	{
		name: 'a policy signed with RSA and PKCS #1 v1.5 padding',
		peer: 'accept',
		traps: ['rsa-pkcs1'],
		make(m) {
			const owner = m.key('rsa2048', 'owner');
			return m.given({ signers: [{ key: owner, scheme: { padding: 'pkcs1' } }], policyKey: owner.pem });
		},
	},
	{
		name: 'a policy key file in PKCS #1 form',
		peer: 'accept',
		make(m) {
			const owner = m.key('rsa2048', 'owner');
			return m.given({ signers: [{ key: owner }], policyKey: pkcs1(owner.pem) });
		},
	},
	...keyIdCases(),
];

function keyIdCases(): MatrixCase[] {
	return [
		scenario('an empty key id in the signature', 'accept', (m) => ({
			collections: [{ signers: [{ key: m.builder, keyid: '' }] }],
		})),
		scenario("another key's id in the signature", 'accept', (m) => ({
			collections: [{ signers: [{ key: m.builder, keyid: m.owner.keyId }] }],
		})),
		scenario('a signature without the field keyid', 'accept', () => ({
			collections: [{ envelope: (e) => ({ ...e, signatures: e.signatures.map(({ sig }) => ({ sig })) }) }],
		})),
		scenario('a key that the policy lists, but the step does not', 'reject', (m) => {
			const other = m.key('ed25519', 'other');
			return { keys: [m.builder, other], collections: [{ signers: [{ key: other }] }] };
		}),
		scenario('a functionary whose key the policy does not list', 'reject', () => ({ keys: [] })),
		scenario('a stranger who signs', 'reject', (m) => ({
			collections: [{ signers: [{ key: m.key('ed25519', 'stranger') }] }],
		})),
		scenario('a policy key listed under an id that is not its own', 'reject', (m) => ({
			policy: (p) => ({
				...p,
				publickeys: { [m.builder.keyId]: { ...policyKeyOf(m.builder), keyid: 'f'.repeat(64) } },
			}),
		})),
		scenario('a map key of publickeys that is not the key id', 'accept', (m) => ({
			policy: (p) => ({ ...p, publickeys: { anything: policyKeyOf(m.builder) } }),
		})),
		scenario('an unused policy key that cannot be read', 'reject', (m) => ({
			policy: (p) => ({
				...p,
				publickeys: { [m.builder.keyId]: policyKeyOf(m.builder), x: { keyid: 'x', key: 'AAAA' } },
			}),
		})),
		scenario('a functionary of type root with only a public key id', 'accept', (m) => ({
			steps: [{ functionaries: [{ type: 'root', publickeyid: m.builder.keyId }] }],
		})),
		scenario('a functionary without a type', 'accept', (m) => ({
			steps: [{ functionaries: [{ publickeyid: m.builder.keyId }] }],
		})),
		scenario('a functionary with an empty public key id', 'reject', () => ({
			steps: [{ functionaries: [{ type: 'publickey', publickeyid: '' }] }],
		})),
		scenario('a step without functionaries', 'reject', () => ({ steps: [{ functionaries: [] }] })),
		scenario('the second of two functionaries', 'accept', (m) => ({
			keys: [m.builder, m.owner],
			steps: [{ functionaries: [publicKeyFunctionary(m.owner), publicKeyFunctionary(m.builder)] }],
		})),
	];
}
