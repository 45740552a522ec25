// Who may sign for a step (go-witness policy/step.go, Functionary.Validate): each verified signature against each functionary.
import type { Envelope } from '../dsse.ts';
import type { CertificateCheck, SignerCheck, SignersRequest } from '../signers.ts';
import type { ChainBudget } from '../x509/chain.ts';
import { verifyChain } from '../x509/chain.ts';
import { allowAll, unmetConstraints } from './constraints.ts';
import type { Functionary, Policy, PolicyStep, TrustBundle } from './policy-model.ts';
import type { FunctionaryNode, PolicyMode, TrapNode } from './result.ts';

/** What the policy trusts, for checkSigners. */
export const trustOf = ({
	keys,
	roots,
	timestampAuthorities,
}: Policy): Pick<SignersRequest, 'keys' | 'roots' | 'intermediates' | 'timestampAuthorities'> => ({
	keys,
	roots: roots.map(({ certificate }) => certificate),
	intermediates: roots.flatMap(({ intermediates }) => intermediates),
	timestampAuthorities: timestampAuthorities.flatMap(({ certificate, intermediates }) => [
		certificate,
		...intermediates,
	]),
});

export interface SignerVerdict {
	accepted: boolean;
	reason: string;
	nodes: FunctionaryNode[];
	traps: TrapNode[];
}

/** Issuers that are tried for one collection, to ask which roots its certificates belong to. */
const candidatesMax = 2_000;

/** Most nodes that are kept; all signatures and functionaries are compared. */
export const functionaryNodesMax = 200;

type Verified = Exclude<SignerCheck, { kind: 'unreadable-certificate' }>;

export function judgeSigners(
	checks: readonly SignerCheck[],
	envelope: Envelope,
	step: PolicyStep,
	policy: Policy,
	mode: PolicyMode,
): SignerVerdict {
	const nodes: FunctionaryNode[] = [];
	const traps: TrapNode[] = [];
	let accepted = '';
	let verified = 0;
	const chains: Chains = { known: new Map(), budget: { candidatesLeft: candidatesMax } };
	for (const check of checks) {
		if (check.kind === 'unreadable-certificate' || !check.verified) continue;
		verified++;
		const trap = mode === 'strict' ? trapOf(check, envelope, policy) : null;
		for (const functionary of step.functionaries) {
			const reason = refusal(functionary, check, policy, chains);
			const good = reason === '' && trap === null;
			if (reason === '' && trap) traps.push(trap);
			if (good) accepted ||= keyIdOf(check);
			const node = nodeOf(functionary, check, good, reason || trap?.message || 'is the functionary');
			if (nodes.length < functionaryNodesMax) nodes.push(node);
		}
	}
	if (accepted !== '') return { accepted: true, reason: `signed by ${accepted}`, nodes, traps: [] };
	if (verified === 0) return { accepted: false, reason: unverified(checks), nodes: unverifiedNodes(checks), traps };
	const [trap] = traps;
	const reason = trap ? trap.message : `no verifiers matched with allowed functionaries for step ${step.name}`;
	return { accepted: false, reason, nodes, traps };
}

/** What strict mode does not take of a signature that verified; null for nothing. */
function trapOf(check: Verified, envelope: Envelope, policy: Policy): TrapNode | null {
	if (check.padding === 'pkcs1') {
		const message = `signature ${check.signature} by ${keyIdOf(check)} is RSA with PKCS #1 v1.5 padding in place of PSS`;
		return { code: 'rsa-pkcs1', message };
	}
	const stamped = (envelope.signatures[check.signature]?.timestamps ?? []).length > 0;
	if (check.kind === 'certificate' && stamped && policy.timestampAuthorities.length === 0) {
		const message = `signature ${check.signature} carries a timestamp, but the policy has no timestamp authority: its certificate was judged at the time of verification`;
		return { code: 'timestamp-ignored', message };
	}
	return null;
}

/** '' when the functionary may have made the signature. */
function refusal(functionary: Functionary, check: Verified, policy: Policy, chains: Chains): string {
	const keyId = keyIdOf(check);
	if (functionary.publicKeyId !== '' && functionary.publicKeyId === keyId) return '';
	if (check.kind === 'key')
		return functionary.publicKeyId === ''
			? `signed by key ${keyId}, which has no certificate`
			: `expected key ${functionary.publicKeyId}, found ${keyId}`;
	const { constraint } = functionary;
	if (constraint.roots.length === 0) return `signed by a certificate, but the functionary names no roots`;
	const unmet = unmetConstraints(constraint, check.certificate);
	if (!belongsToRoot(constraint.roots, check, policy, chains))
		unmet.push(
			`cert doesn't belong to any root specified by constraint ${JSON.stringify(constraint.roots.slice(0, 5))}`,
		);
	return unmet.length === 0 ? '' : `cert failed constraints check: ${unmet.join('; ')}`;
}

/** Whether a certificate leads to a root, found once for all functionaries. */
interface Chains {
	known: Map<CertificateCheck, Map<TrustBundle, boolean>>;
	budget: ChainBudget;
}

function belongsToRoot(rootIds: readonly string[], check: CertificateCheck, policy: Policy, chains: Chains): boolean {
	const all = rootIds.length === 1 && rootIds[0] === allowAll;
	const known = chains.known.get(check) ?? new Map<TrustBundle, boolean>();
	chains.known.set(check, known);
	for (const root of policy.roots) {
		if (!all && !rootIds.includes(root.id)) continue;
		const belongs = known.get(root) ?? chainsTo(root, check, chains.budget);
		known.set(root, belongs);
		if (belongs) return true;
	}
	return false;
}

function chainsTo(
	{ certificate }: TrustBundle,
	{ certificate: leaf, intermediates, atMs, chain }: CertificateCheck,
	budget: ChainBudget,
): boolean {
	if (chain.at(-1) === certificate) return true;
	return verifyChain({ leaf, intermediates, roots: [certificate], atMs, budget }).kind === 'chain';
}

function nodeOf(functionary: Functionary, check: Verified, accepted: boolean, reason: string): FunctionaryNode {
	const byKey = functionary.publicKeyId !== '';
	return {
		kind: byKey ? 'publickey' : 'root',
		expected: byKey ? functionary.publicKeyId : functionary.constraint.roots.join(', '),
		keyId: keyIdOf(check),
		certificate: check.kind === 'certificate' ? check.certificate.subject : '',
		timestamp: check.kind === 'certificate' && check.timestamped ? new Date(check.atMs).toISOString() : '',
		accepted,
		reason,
	};
}

const keyIdOf = (check: Verified): string => (check.kind === 'key' ? check.keyId : check.certificate.keyId);

/** The words when no signature verifies: a certificate's own reason says more than that keys do not match. */
function unverified(checks: readonly SignerCheck[]): string {
	if (checks.length === 0)
		return 'no verifiers present to validate against collection verifiers: no signature, or no key to check it with';
	const certificate = checks.find((check) => check.kind !== 'key');
	if (certificate) return `no signature verifies: ${certificate.reason}`;
	return 'no signature verifies under a key of the policy: altered, or signed by another key';
}

function unverifiedNodes(checks: readonly SignerCheck[]): FunctionaryNode[] {
	const nodes: FunctionaryNode[] = [];
	for (const check of checks.slice(0, functionaryNodesMax)) {
		const certificate = check.kind === 'certificate' ? check.certificate.subject : '';
		const expected = check.kind === 'key' ? check.keyId : '';
		const kind = check.kind === 'key' ? 'publickey' : 'root';
		nodes.push({ kind, expected, keyId: '', certificate, timestamp: '', accepted: false, reason: check.reason });
	}
	return nodes;
}
