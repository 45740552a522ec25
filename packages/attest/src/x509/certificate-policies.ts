// Certificate policies: reading them, and whether a chain that insists on one has one (RFC 5280, section 6.1, with RFC 9618).
import type { Certificate } from './certificate.ts';
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, isContext, isSequence, sameBytes } from './der.ts';
import { oidOf } from './distinguished-name.ts';

export interface PolicyFields {
	/** OIDs; anyPolicy among them. */
	policies: string[];
	/** Policies of the issuer that the subject calls otherwise. */
	policyMappings: { issuer: string; subject: string }[];
	/** Certificates that may still follow before a policy is required; -1: not said. */
	requireExplicitPolicy: number;
	/** The same before mappings stop; -1: not said. */
	inhibitPolicyMapping: number;
	/** The same before anyPolicy stops; -1: not said. */
	inhibitAnyPolicy: number;
}

/** Policies, and mappings, of one certificate. */
export const policiesMax = 256;

const anyPolicy = '2.5.29.32.0';

/** false when they cannot be read, or one stands there twice. */
export function readPolicies(fields: PolicyFields, node: DerNode): boolean {
	const nodes = childrenOf(node);
	if (!isSequence(node) || nodes.length > policiesMax) return false;
	for (const information of nodes) {
		const [type] = childrenOf(information);
		const id = isSequence(information) && type ? oidOf(type) : '';
		if (id === '' || fields.policies.includes(id)) return false;
		fields.policies.push(id);
	}
	return true;
}

export function readPolicyMappings(fields: PolicyFields, node: DerNode): boolean {
	const nodes = childrenOf(node);
	if (!isSequence(node) || nodes.length > policiesMax) return false;
	for (const mapping of nodes) {
		const [issuer = '', subject = ''] = childrenOf(mapping).map(oidOf);
		if (!isSequence(mapping) || issuer === '' || subject === '') return false;
		fields.policyMappings.push({ issuer, subject });
	}
	return true;
}

export function readPolicyConstraints(fields: PolicyFields, node: DerNode): boolean {
	if (!isSequence(node)) return false;
	const parts = childrenOf(node);
	const explicit = parts.find((part) => isContext(part, 0));
	const mapping = parts.find((part) => isContext(part, 1));
	fields.requireExplicitPolicy = explicit ? countOf(explicit) : -1;
	fields.inhibitPolicyMapping = mapping ? countOf(mapping) : -1;
	return !(explicit && fields.requireExplicitPolicy < 0) && !(mapping && fields.inhibitPolicyMapping < 0);
}

export function readInhibitAnyPolicy(fields: PolicyFields, node: DerNode): boolean {
	fields.inhibitAnyPolicy = node.idBlock.tagClass === 1 && node.idBlock.tagNumber === 2 ? countOf(node) : -1;
	return fields.inhibitAnyPolicy >= 0;
}

/** A count of certificates; -1 for what is none. */
function countOf(node: DerNode): number {
	const bytes = contentOf(node);
	const [first = 0x80] = bytes;
	if (first >= 0x80) return -1;
	// More than four bytes are more certificates than there are in any chain.
	return bytes.reduce((sum, byte) => Math.min(sum * 256 + byte, 2 ** 32), 0);
}

/** Policies that are valid so far, with the names under which the next certificate may have them; null: none ever again. */
type Level = Map<string, Set<string>>;

/** True when the chain (leaf first, root last) has a policy, or no certificate of it insists on one. */
export function policiesHold(chain: readonly Certificate[]): boolean {
	// Nearly no chain insists on one, or has mappings that could be wrong.
	const matters = ({ path }: Certificate) => path.requireExplicitPolicy >= 0 || path.policyMappings.length > 0;
	if (!chain.slice(0, -1).some(matters)) return true;
	const length = chain.length - 1;
	const left = { explicit: length + 1, mapping: length + 1, any: length + 1 };
	let level: Level | null = new Map([[anyPolicy, new Set([anyPolicy])]]);
	for (let i = length - 1; i >= 0; i--) {
		const { path } = chain[i] as Certificate;
		const isLeaf = i === 0;
		const isSelfIssued = sameBytes(path.issuerDer, path.subjectDer);
		if (path.policies.length === 0) level = null;
		if (left.explicit === 0 && level === null) return false;
		if (level !== null) level = nextLevel(level, path.policies, left.any > 0 || (!isLeaf && isSelfIssued));
		if (isLeaf) break;
		if (level !== null && !mapPolicies(level, path.policyMappings, left.mapping > 0)) return false;
		if (!isSelfIssued) {
			left.explicit = Math.max(0, left.explicit - 1);
			left.mapping = Math.max(0, left.mapping - 1);
			left.any = Math.max(0, left.any - 1);
		}
		left.explicit = lower(left.explicit, path.requireExplicitPolicy);
		left.mapping = lower(left.mapping, path.inhibitPolicyMapping);
		left.any = lower(left.any, path.inhibitAnyPolicy);
	}
	const required = left.explicit <= 1 || (chain[0] as Certificate).path.requireExplicitPolicy === 0;
	return !required || (level !== null && level.size > 0);
}

const lower = (left: number, stated: number): number => (stated >= 0 ? Math.min(left, stated) : left);

/** Of the certificate's policies those that the level above expects; anyPolicy stands for all of those, where it still may. */
function nextLevel(above: Level, policies: readonly string[], anyAllowed: boolean): Level {
	const expected = new Set<string>();
	for (const names of above.values()) for (const name of names) expected.add(name);
	const level: Level = new Map();
	for (const policy of policies)
		if (policy !== anyPolicy && (expected.has(policy) || above.has(anyPolicy))) level.set(policy, new Set([policy]));
	if (anyAllowed && policies.includes(anyPolicy))
		for (const name of expected) if (!level.has(name)) level.set(name, new Set([name]));
	return level;
}

/** false for a mapping from or to anyPolicy, which nobody may make. */
function mapPolicies(level: Level, mappings: PolicyFields['policyMappings'], allowed: boolean): boolean {
	const mapped = new Map<string, Set<string>>();
	for (const { issuer, subject } of mappings) {
		if (!allowed) {
			level.delete(issuer);
			continue;
		}
		if (issuer === anyPolicy || subject === anyPolicy) return false;
		const names = mapped.get(issuer) ?? new Set();
		mapped.set(issuer, names.add(subject));
	}
	for (const [issuer, names] of mapped) if (level.has(issuer) || level.has(anyPolicy)) level.set(issuer, names);
	return true;
}
