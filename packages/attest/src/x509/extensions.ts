// Extensions of a certificate, as Go's x509 takes them; a critical one that nobody understands makes the certificate unusable.
import * as pkijs from 'pkijs';
import type { AlternativeNames } from './alternative-names.ts';
import { readAlternativeNames } from './alternative-names.ts';
import type { NameConstraints } from './certificate.ts';
import type { PolicyFields } from './certificate-policies.ts';
import {
	readInhibitAnyPolicy,
	readPolicies,
	readPolicyConstraints,
	readPolicyMappings,
} from './certificate-policies.ts';
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, isContext, isSequence, readDer } from './der.ts';
import { oidOf } from './distinguished-name.ts';
import { readNameConstraints } from './name-constraints.ts';

export interface RawExtension {
	/** Dotted OID. */
	id: string;
	critical: boolean;
	value: Uint8Array;
}

export interface ExtensionFields extends PolicyFields {
	hasBasicConstraints: boolean;
	isCa: boolean;
	/** -1: unlimited. */
	pathLengthMax: number;
	/** There is a key usage, and it does not say keyCertSign. */
	forbidsCertSign: boolean;
	subjectKeyId: Uint8Array | null;
	authorityKeyId: Uint8Array | null;
	alternativeNames: AlternativeNames | null;
	extendedKeyUsages: string[];
	extendedKeyUsageCritical: boolean;
	nameConstraints: NameConstraints | null;
	unhandledCritical: string[];
}

export type ExtensionsResult = { kind: 'fields'; fields: ExtensionFields } | { kind: 'invalid'; reason: string };

const crlDistributionPoints = '2.5.29.31';
const authorityInfoAccess = '1.3.6.1.5.5.7.1.1';

/** Known, and without say in what we check. */
const ignored: ReadonlySet<string> = new Set([crlDistributionPoints, authorityInfoAccess]);

/** RFC 5280: these are never critical, and Go refuses the certificate where they are. */
const neverCritical: ReadonlySet<string> = new Set(['2.5.29.14', '2.5.29.35', authorityInfoAccess]);

export function readExtensions(extensions: readonly RawExtension[]): ExtensionsResult {
	const fields = noFields();
	const seen = new Set<string>();
	for (const extension of extensions) {
		const { id, critical } = extension;
		if (seen.has(id)) return invalid(id, 'appears twice');
		seen.add(id);
		if (critical && neverCritical.has(id)) return invalid(id, 'must not be critical');
		const read = readExtension(fields, extension);
		if (read.startsWith('!')) return invalid(id, read.slice(1));
		if (critical && read === 'unhandled') fields.unhandledCritical.push(id);
	}
	return { kind: 'fields', fields };
}

const noFields = (): ExtensionFields => ({
	hasBasicConstraints: false,
	isCa: false,
	pathLengthMax: -1,
	forbidsCertSign: false,
	subjectKeyId: null,
	authorityKeyId: null,
	alternativeNames: null,
	extendedKeyUsages: [],
	extendedKeyUsageCritical: false,
	nameConstraints: null,
	policies: [],
	policyMappings: [],
	requireExplicitPolicy: -1,
	inhibitPolicyMapping: -1,
	inhibitAnyPolicy: -1,
	unhandledCritical: [],
});

/** handled, unhandled, or ! and what is wrong. */
type Read = 'handled' | 'unhandled' | `!${string}`;

function readExtension(fields: ExtensionFields, { id, critical, value }: RawExtension): Read {
	switch (id) {
		case '2.5.29.17':
			return readSubjectAlternativeName(fields, value);
		case '2.5.29.30': {
			const result = readNameConstraints(value);
			if (result.kind === 'invalid') return `!${result.reason}`;
			fields.nameConstraints = result.constraints;
			return result.unhandled ? 'unhandled' : 'handled';
		}
	}
	if (ignored.has(id)) return 'handled';
	const reader = readers.get(id);
	if (!reader) return 'unhandled';
	const node = readDer(value);
	if (!node || !reader(fields, node)) return '!cannot be read';
	if (id === '2.5.29.37') fields.extendedKeyUsageCritical = critical;
	return 'handled';
}

function readSubjectAlternativeName(fields: ExtensionFields, value: Uint8Array): Read {
	const result = readAlternativeNames(value);
	if (result.kind === 'invalid') return `!${result.reason}`;
	const { names } = result;
	fields.alternativeNames = names;
	const count = names.dnsNames.length + names.emails.length + names.uris.length + names.ipAddresses.length;
	return count === 0 ? 'unhandled' : 'handled';
}

type Reader = (fields: ExtensionFields, node: DerNode) => boolean;

const readers: ReadonlyMap<string, Reader> = new Map<string, Reader>([
	['2.5.29.14', readSubjectKeyId],
	['2.5.29.15', readKeyUsage],
	['2.5.29.19', readBasicConstraints],
	['2.5.29.32', readPolicies],
	['2.5.29.33', readPolicyMappings],
	['2.5.29.35', readAuthorityKeyId],
	['2.5.29.36', readPolicyConstraints],
	['2.5.29.37', readExtendedKeyUsage],
	['2.5.29.54', readInhibitAnyPolicy],
]);

function readSubjectKeyId(fields: ExtensionFields, node: DerNode): boolean {
	if (node.idBlock.tagClass !== 1 || node.idBlock.tagNumber !== 4) return false;
	fields.subjectKeyId = contentOf(node);
	return true;
}

function readKeyUsage(fields: ExtensionFields, node: DerNode): boolean {
	if (node.idBlock.tagClass !== 1 || node.idBlock.tagNumber !== 3) return false;
	const [first = 0, second = 0] = contentOf(node);
	// Bit 5 of bits 0 to 8; none of them set is as good as no extension.
	fields.forbidsCertSign = (first !== 0 || (second & 0x80) !== 0) && (first & 0x04) === 0;
	return true;
}

function readBasicConstraints(fields: ExtensionFields, node: DerNode): boolean {
	try {
		const { cA, pathLenConstraint } = new pkijs.BasicConstraints({ schema: node });
		if (pathLenConstraint !== undefined && typeof pathLenConstraint !== 'number') return false;
		if (pathLenConstraint !== undefined && pathLenConstraint < 0) return false;
		fields.hasBasicConstraints = true;
		fields.isCa = cA;
		fields.pathLengthMax = pathLenConstraint ?? -1;
		return true;
	} catch {
		return false;
	}
}

function readAuthorityKeyId(fields: ExtensionFields, node: DerNode): boolean {
	if (!isSequence(node)) return false;
	const [first] = childrenOf(node);
	fields.authorityKeyId = isContext(first, 0) ? contentOf(first) : null;
	return true;
}

/** Extended key usages of one certificate. */
const usagesMax = 64;

function readExtendedKeyUsage(fields: ExtensionFields, node: DerNode): boolean {
	if (!isSequence(node)) return false;
	const usages = childrenOf(node).map(oidOf);
	if (usages.length > usagesMax || usages.includes('')) return false;
	fields.extendedKeyUsages = usages;
	return true;
}

const invalid = (id: string, reason: string): ExtensionsResult => ({
	kind: 'invalid',
	reason: `extension ${id}: ${reason}`,
});
