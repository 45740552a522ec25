// A chain from a certificate to a root, as Go's x509.Verify builds one: go-witness judges functionaries by it.
//
// pkijs has an engine for this too. Measured against Go on random sets of authorities that sign each other, it accepted 7
// of 96 leaves that Go refuses (unknown critical extensions, names outside the constraints), refused 4 that Go accepts, and
// did not come to an end on larger sets. This search gave Go's verdict on all of 4,800,
// and on the certificates of NIST's PKITS.
import { checkCost } from '../keys.ts';
import type { Certificate } from './certificate.ts';
import { policiesHold } from './certificate-policies.ts';
import { latin1, sameBytes } from './der.ts';
import { nameViolation } from './name-constraints.ts';
import { verifyScheme } from './signature-scheme.ts';

export interface ChainRequest {
	leaf: Certificate;
	intermediates: readonly Certificate[];
	/** None: nothing is accepted; the machine's roots are never asked. */
	roots: readonly Certificate[];
	/** Unix time in milliseconds at which every certificate must be valid. */
	atMs: number;
	/** OID of an extended key usage that every certificate of the chain must allow; absent: any. */
	extendedKeyUsage?: string;
	/** What all chains of one envelope may try together; counted down. */
	budget?: ChainBudget;
}

export interface ChainBudget {
	/** Candidates, and the signatures that are checked by them, each at the cost of its key. */
	candidatesLeft: number;
}

/** Takes that much from the budget; false when it has none left. */
export function spend(budget: ChainBudget, cost: number): boolean {
	budget.candidatesLeft -= cost;
	return budget.candidatesLeft >= 0;
}

export type ChainResult =
	/** Leaf first, root last. */
	{ kind: 'chain'; chain: Certificate[] } | { kind: 'refused'; reason: string };

/** Certificates that are tried as somebody's issuer in one search, and so signatures that are checked (Go's limit). */
export const candidatesMax = 100;
/** Certificates of a chain. */
export const depthMax = 32;

/** Key usage of a certificate that is good for everything. */
const anyExtendedKeyUsage = '2.5.29.37.0';

interface Search {
	roots: Pool;
	intermediates: Pool;
	request: ChainRequest;
	candidatesLeft: number;
	budget: ChainBudget;
	/** The first thing that was wrong with a candidate: the likeliest reason. */
	hint: string;
}

export function verifyChain(request: ChainRequest): ChainResult {
	const { leaf, roots, intermediates } = request;
	const invalid = invalidity(leaf, [], request.atMs, false);
	if (invalid !== '') return refused(`certificate ${quoted(leaf)} ${invalid}`);
	const search: Search = {
		roots: poolOf(roots),
		intermediates: poolOf(intermediates),
		request,
		candidatesLeft: candidatesMax,
		budget: request.budget ?? { candidatesLeft: candidatesMax },
		hint: '',
	};
	const isRoot = (search.roots.get(latin1(leaf.path.subjectDer)) ?? []).some((root) => sameBytes(root.der, leaf.der));
	const chain = isRoot ? acceptable(search, [leaf]) : extend(search, [leaf]);
	if (chain) return { kind: 'chain', chain };
	if (search.candidatesLeft < 0 || search.budget.candidatesLeft < 0)
		return refused(`no chain to a root within ${candidatesMax} candidates, or those left for the envelope`);
	return refused(search.hint === '' ? `no issuer of certificate ${quoted(leaf)} is known or a root` : search.hint);
}

/** Certificates by subject, each once. */
type Pool = ReadonlyMap<string, Certificate[]>;

function poolOf(certificates: readonly Certificate[]): Pool {
	const pool = new Map<string, Certificate[]>();
	for (const certificate of certificates) {
		const subject = latin1(certificate.path.subjectDer);
		const same = pool.get(subject);
		if (!same) pool.set(subject, [certificate]);
		else if (!same.some((other) => sameBytes(other.der, certificate.der))) same.push(certificate);
	}
	return pool;
}

/** The first acceptable chain that begins with `chain`; null when there is none. */
function extend(search: Search, chain: readonly Certificate[]): Certificate[] | null {
	const last = chain[chain.length - 1] as Certificate;
	if (chain.length >= depthMax) {
		note(search, `a chain of more than ${depthMax} certificates`);
		return null;
	}
	for (const pool of [search.roots, search.intermediates]) {
		const isRoot = pool === search.roots;
		for (const issuer of issuersOf(pool, last)) {
			search.candidatesLeft--;
			if (!spend(search.budget, 1) || search.candidatesLeft < 0) return null;
			const reason = issuerProblem(search, issuer, chain, !isRoot);
			if (reason !== '') {
				note(search, reason);
				continue;
			}
			const next = [...chain, issuer];
			const found = isRoot ? acceptable(search, next) : extend(search, next);
			if (found) return found;
		}
	}
	return null;
}

const note = (search: Search, reason: string): void => {
	if (search.hint === '') search.hint = reason;
};

/** Candidates by name, those with the key id that the certificate names first. */
function issuersOf(pool: Pool, { path }: Certificate): Certificate[] {
	const named = pool.get(latin1(path.issuerDer)) ?? [];
	if (named.length < 2) return named;
	const rank = (issuer: Certificate): number => {
		const own = issuer.path.subjectKeyId ?? none;
		const wanted = path.authorityKeyId ?? none;
		if (sameBytes(own, wanted)) return 0;
		return own.length === 0 || wanted.length === 0 ? 1 : 2;
	};
	return [0, 1, 2].flatMap((wanted) => named.filter((issuer) => rank(issuer) === wanted));
}

const none = new Uint8Array(0);

/** '' when `issuer` issued the last certificate of the chain and may have. */
function issuerProblem(
	search: Search,
	issuer: Certificate,
	chain: readonly Certificate[],
	intermediate: boolean,
): string {
	const { path } = issuer;
	const child = chain[chain.length - 1] as Certificate;
	const name = quoted(issuer);
	if (isInChain(issuer, chain)) return `issuers ${name} go round in a circle`;
	if ((path.version === 3 && !path.hasBasicConstraints) || (path.hasBasicConstraints && !path.isCa))
		return `issuer ${name} is no certificate authority`;
	if (path.forbidsCertSign) return `issuer ${name}: its key usage does not allow signing certificates`;
	if (!child.path.signatureScheme) return `certificate ${quoted(child)}: its signature algorithm is unknown or broken`;
	if (!isIssuedBy(child, issuer, search.budget))
		return `certificate ${quoted(child)} is not signed by the key of ${name}`;
	const invalid = invalidity(issuer, chain, search.request.atMs, intermediate);
	return invalid === '' ? '' : `issuer ${name} ${invalid}`;
}

/** Issuers whose key was tried on a certificate: a thousand envelopes have the same intermediates. */
const tried = new WeakMap<Certificate, WeakMap<Certificate, boolean>>();

function isIssuedBy(child: Certificate, issuer: Certificate, budget: ChainBudget): boolean {
	const known = tried.get(child)?.get(issuer);
	if (known !== undefined) return known;
	// One is the candidate's own.
	if (!spend(budget, checkCost(issuer.key) - 1)) return false;
	const { signatureScheme, tbsDer, signature } = child.path;
	const issued = signatureScheme !== null && verifyScheme(signatureScheme, issuer.key, tbsDer, signature);
	const ofChild = tried.get(child) ?? new WeakMap<Certificate, boolean>();
	tried.set(child, ofChild.set(issuer, issued));
	return issued;
}

/** '' when the certificate may stand after `chain`. */
function invalidity(
	{ path, notBeforeMs, notAfterMs }: Certificate,
	chain: readonly Certificate[],
	atMs: number,
	intermediate: boolean,
): string {
	const [critical] = path.unhandledCritical;
	if (critical !== undefined) return `has the critical extension ${critical}, which is not understood`;
	if (!(atMs >= notBeforeMs)) return `is not valid before ${rfc3339(notBeforeMs)}; judged at ${rfc3339(atMs)}`;
	if (atMs > notAfterMs) return `expired on ${rfc3339(notAfterMs)}; judged at ${rfc3339(atMs)}`;
	if (intermediate && !(path.hasBasicConstraints && path.isCa)) return 'is no certificate authority';
	if (path.hasBasicConstraints && path.pathLengthMax >= 0 && chain.length - 1 > path.pathLengthMax)
		return `allows ${path.pathLengthMax} authorities below it, found ${chain.length - 1}`;
	return '';
}

/** The same authority again (subject, key, names), though perhaps with another certificate: cross-signed ones go round. */
function isInChain({ path }: Certificate, chain: readonly Certificate[]): boolean {
	for (const other of chain) {
		if (!sameBytes(path.subjectDer, other.path.subjectDer) || !sameBytes(path.spkiDer, other.path.spkiDer)) continue;
		const names = path.alternativeNameDer;
		const otherNames = other.path.alternativeNameDer;
		if (!names || !otherNames) return !names && !otherNames;
		if (sameBytes(names, otherNames)) return true;
	}
	return false;
}

/** The chain when what is judged on the whole of it holds: policies, key usage, names. */
function acceptable(search: Search, chain: Certificate[]): Certificate[] | null {
	const reason = wholeProblem(chain, search.request.extendedKeyUsage);
	if (reason === '') return chain;
	note(search, reason);
	return null;
}

function wholeProblem(chain: readonly Certificate[], extendedKeyUsage: string | undefined): string {
	if (!policiesHold(chain))
		return 'a certificate of the chain requires a certificate policy that the chain does not have';
	if (extendedKeyUsage !== undefined)
		for (const certificate of chain) {
			const { extendedKeyUsages } = certificate.path;
			const allows = extendedKeyUsages.includes(extendedKeyUsage) || extendedKeyUsages.includes(anyExtendedKeyUsage);
			if (extendedKeyUsages.length > 0 && !allows)
				return `certificate ${quoted(certificate)} is not for the extended key usage ${extendedKeyUsage}`;
		}
	const violation = nameViolation(chain);
	return violation === '' ? '' : `name constraints: ${violation}`;
}

const quoted = ({ subject }: Certificate): string => `"${subject}"`;

const rfc3339 = (ms: number): string =>
	Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString().replace('.000Z', 'Z') : `${ms} ms`;

const refused = (reason: string): ChainResult => ({ kind: 'refused', reason });
