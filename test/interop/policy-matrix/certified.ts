// Cases of a certificate functionary: a root in the policy, a leaf in the signature, and every part of both replaceable.
import type { CertificateFields, Issued } from '../../../packages/attest/test/authority.ts';
import { issueLeaf, makeAuthority } from '../../../packages/attest/test/authority.ts';
import type { MatrixCase } from './case.ts';
import type { MatrixKey, SignatureScheme } from './keys.ts';
import type { Maker, Root, Scenario, Signer } from './maker.ts';
import { scenario } from './scenario.ts';

export const hourMs = 3_600_000;

export const base64Pem = ({ pem }: { pem: string }): string => Buffer.from(pem).toString('base64');

export const rootOf = (root: Issued, intermediates: readonly Issued[] = []): Root => ({
	certificate: base64Pem(root),
	...(intermediates.length > 0 && { intermediates: intermediates.map(base64Pem) }),
});

export const anything = {
	commonname: '*',
	dnsnames: ['*'],
	emails: ['*'],
	organizations: ['*'],
	uris: ['*'],
	roots: ['root'],
};

/** A key of the matrix as the makers of certificates take it. */
export const withKey = (key: MatrixKey): Pick<CertificateFields, 'keys' | 'kind'> => ({
	keys: { publicKey: key.publicKey, privateKey: key.privateKey },
	kind: key.kind.startsWith('rsa') ? 'rsa' : (key.kind as 'ed25519' | 'p256' | 'p384' | 'p521'),
});

export interface Chain {
	root: Issued;
	/** From the root downwards. */
	intermediates: Issued[];
	leaf: Issued;
	leafKey: MatrixKey;
}

export interface Certified {
	root?: CertificateFields;
	/** Above the root; the policy has only the root, unless `roots` says otherwise. */
	above?: Issued;
	/** From the root downwards; none by default. */
	intermediates?: readonly CertificateFields[];
	leaf?: CertificateFields;
	leafKey?: MatrixKey;
	/** Where the intermediates are given. */
	intermediatesIn?: 'signature' | 'policy' | 'nowhere';
	/** Changes of `anything`. */
	constraint?: Record<string, unknown>;
	/** In place of the one root of the policy. */
	roots?: (chain: Chain) => Promise<Record<string, Root>> | Record<string, Root>;
	signer?: (signer: Signer, chain: Chain) => Signer;
	scheme?: SignatureScheme;
	timestamps?: Signer['timestamps'];
	scenario?: (chain: Chain) => Scenario;
}

async function issueChain(maker: Maker, certified: Certified): Promise<Chain> {
	const valid = { notBefore: new Date(maker.nowMs - hourMs), notAfter: new Date(maker.nowMs + hourMs) };
	const root = await makeAuthority({ name: 'CN=root', ...valid, ...certified.root }, certified.above);
	let issuer = root;
	const intermediates: Issued[] = [];
	for (const [i, fields] of (certified.intermediates ?? []).entries()) {
		issuer = await makeAuthority({ name: `CN=intermediate ${i}`, ...valid, ...fields }, issuer);
		intermediates.push(issuer);
	}
	const leafKey = certified.leafKey ?? maker.key('p256', 'leaf');
	const leaf = await issueLeaf(issuer, { name: 'CN=builder', ...valid, ...withKey(leafKey), ...certified.leaf });
	return { root, intermediates, leaf, leafKey };
}

export async function certifiedScenario(maker: Maker, certified: Certified): Promise<Scenario> {
	const chain = await issueChain(maker, certified);
	const { root, intermediates, leaf, leafKey } = chain;
	const place = certified.intermediatesIn ?? 'signature';
	const signer: Signer = {
		key: leafKey,
		certificate: leaf.pem,
		...(certified.scheme && { scheme: certified.scheme }),
		...(place === 'signature' && intermediates.length > 0 && { intermediates: intermediates.map((c) => c.pem) }),
		...(certified.timestamps && { timestamps: certified.timestamps }),
	};
	const roots = await certified.roots?.(chain);
	return {
		keys: [],
		roots: roots ?? { root: rootOf(root, place === 'policy' ? intermediates : []) },
		steps: [{ functionaries: [{ type: 'root', certConstraint: { ...anything, ...certified.constraint } }] }],
		collections: [{ signers: [certified.signer?.(signer, chain) ?? signer] }],
		...certified.scenario?.(chain),
	};
}

/** A root that issued nothing of the case. */
export const strangeRoot = (fields: CertificateFields = {}): Promise<Issued> =>
	makeAuthority({ name: 'CN=strange root', ...fields });

export const certified = (
	name: string,
	peer: MatrixCase['peer'],
	what: Certified | ((maker: Maker) => Certified | Promise<Certified>),
	more: Partial<MatrixCase> = {},
): MatrixCase =>
	scenario(name, peer, async (m) => certifiedScenario(m, typeof what === 'function' ? await what(m) : what), more);
