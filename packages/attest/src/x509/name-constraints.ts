// Name constraints of authorities: reading them, and holding the names below to them, as Go's x509 does.
import { isIP } from 'node:net';
import type { Certificate, NameConstraints, NameSubtrees } from './certificate.ts';
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, isContext, isSequence, readDer } from './der.ts';
import { asciiOf } from './der-text.ts';
import type { Mailbox } from './domain-name.ts';
import { isDomain, readMailbox } from './domain-name.ts';
import { readUri } from './uri.ts';

/** Comparisons of names with constraints in one chain. */
export const comparisonsMax = 250_000;

export type NameConstraintsResult =
	/** `unhandled`: it also constrains names of other kinds (directory names). */
	{ kind: 'constraints'; constraints: NameConstraints; unhandled: boolean } | { kind: 'invalid'; reason: string };

export function readNameConstraints(value: Uint8Array): NameConstraintsResult {
	const sequence = readDer(value);
	if (!sequence || !isSequence(sequence)) return invalid('expected a sequence of subtrees');
	const sides = childrenOf(sequence);
	const permitted = sides.find((node) => isContext(node, 0));
	const excluded = sides.find((node) => isContext(node, 1));
	const count = childrenOf(permitted).length + childrenOf(excluded).length;
	if (count === 0 || sides.length !== (permitted ? 1 : 0) + (excluded ? 1 : 0)) return invalid('expected subtrees');
	const constraints = { permitted: noSubtrees(), excluded: noSubtrees() };
	let unhandled = false;
	for (const [side, subtrees] of [
		[permitted, constraints.permitted],
		[excluded, constraints.excluded],
	] as const)
		for (const subtree of childrenOf(side)) {
			const base = childrenOf(subtree)[0];
			if (!isSequence(subtree) || !base) return invalid('expected a subtree');
			const read = addSubtree(subtrees, base);
			if (read === 'invalid') return invalid('a subtree that cannot be read');
			if (read === 'other') unhandled = true;
		}
	return { kind: 'constraints', constraints, unhandled };
}

const noSubtrees = (): NameSubtrees => ({ dnsNames: [], emails: [], uriDomains: [], ipRanges: [] });

function addSubtree(subtrees: NameSubtrees, base: DerNode): 'added' | 'other' | 'invalid' {
	if (base.idBlock.tagClass !== 3 || base.idBlock.isConstructed) return 'other';
	const content = contentOf(base);
	if (base.idBlock.tagNumber === 7) return addIpRange(subtrees, content);
	const text = asciiOf(content);
	switch (base.idBlock.tagNumber) {
		case 1:
			if (text === null || !(text.includes('@') ? readMailbox(text) : isDomain(text, true))) return 'invalid';
			subtrees.emails.push(text);
			return 'added';
		case 2:
			if (text === null || !isDomain(text, true)) return 'invalid';
			subtrees.dnsNames.push(text);
			return 'added';
		case 6:
			if (text === null || isIP(text) !== 0 || !isDomain(text, true)) return 'invalid';
			subtrees.uriDomains.push(text);
			return 'added';
		default:
			return 'other';
	}
}

function addIpRange(subtrees: NameSubtrees, content: Uint8Array): 'added' | 'invalid' {
	if (content.length !== 8 && content.length !== 32) return 'invalid';
	const half = content.length / 2;
	const mask = content.subarray(half);
	const bits = Array.from(mask, (byte) => byte.toString(2).padStart(8, '0')).join('');
	if (!/^1*0*$/.test(bits)) return 'invalid';
	subtrees.ipRanges.push({ address: content.subarray(0, half), mask });
	return 'added';
}

/** '' when every name of the chain (leaf first) is allowed by all authorities above it, else why not. */
export function nameViolation(chain: readonly Certificate[]): string {
	const work = { left: comparisonsMax };
	for (let i = 0; i < chain.length; i++) {
		const names = chain[i] as Certificate;
		if (!names.path.alternativeNameDer) continue;
		for (let above = i + 1; above < chain.length; above++) {
			const { nameConstraints } = (chain[above] as Certificate).path;
			if (!nameConstraints) continue;
			const reason = violation(names, nameConstraints, work);
			if (reason !== '') return reason;
			if (work.left < 0) return `more than ${comparisonsMax} comparisons of names with constraints`;
		}
	}
	return '';
}

interface Work {
	left: number;
}

function violation({ path, dnsNames, uris, emails }: Certificate, all: NameConstraints, work: Work): string {
	for (const ip of path.ipAddresses) {
		const reason = judge(all.permitted.ipRanges, all.excluded.ipRanges, work, (range) => inRange(range, ip));
		if (reason !== '') return `IP address ${ip.join('.')} ${reason}`;
	}
	for (const name of dnsNames) {
		const reason = isDomain(name, false) ? judgeDomain(all, 'dnsNames', name, work) : 'cannot be read';
		if (reason !== '') return `DNS name ${JSON.stringify(name)} ${reason}`;
	}
	for (const uri of uris) {
		const host = (readUri(uri)?.host ?? '').toLowerCase().replace(/:[0-9]*$/, '');
		const readable = host !== '' && isDomain(host, false) && isIP(host) === 0;
		const reason = readable ? judgeDomain(all, 'uriDomains', host, work) : 'has no domain to compare';
		if (reason !== '') return `URI ${JSON.stringify(uri)} ${reason}`;
	}
	for (const email of emails) {
		const mailbox = readMailbox(email);
		const reason = mailbox
			? judge(all.permitted.emails, all.excluded.emails, work, (c, excluded) => matchesEmail(c, mailbox, excluded))
			: 'cannot be read';
		if (reason !== '') return `email ${JSON.stringify(email)} ${reason}`;
	}
	return '';
}

const judgeDomain = (all: NameConstraints, kind: 'dnsNames' | 'uriDomains', name: string, work: Work): string =>
	judge(all.permitted[kind], all.excluded[kind], work, (c, excluded) => matchesDomain(c, name, excluded));

function judge<Constraint>(
	permitted: readonly Constraint[],
	excluded: readonly Constraint[],
	work: Work,
	matches: (constraint: Constraint, excluded: boolean) => boolean,
): string {
	work.left -= permitted.length + excluded.length;
	if (work.left < 0) return 'is one of too many to compare';
	if (permitted.length > 0 && !permitted.some((c) => matches(c, false))) return 'is not permitted by any constraint';
	return excluded.some((c) => matches(c, true)) ? 'is excluded by a constraint' : '';
}

/** The domain itself and all below; with a leading dot only those below. A wildcard name also meets an exclusion one label down. */
function matchesDomain(constraint: string, name: string, excluded: boolean): boolean {
	if (constraint === '') return true;
	const suffix = constraint.toLowerCase();
	const lower = name.toLowerCase();
	if (lower.endsWith(suffix)) {
		const before = lower.length - suffix.length - 1;
		if (suffix.startsWith('.') || before < 0 || lower[before] === '.') return true;
	}
	if (!excluded || !lower.startsWith('*')) return false;
	const parent = fromFirstDot(suffix);
	return parent !== '' && parent === fromFirstDot(lower);
}

const fromFirstDot = (name: string): string => (name.includes('.') ? name.slice(name.indexOf('.')) : '');

function matchesEmail(constraint: string, mailbox: Mailbox, excluded: boolean): boolean {
	if (!constraint.includes('@')) return matchesDomain(constraint, mailbox.domain, excluded);
	const exact = readMailbox(constraint);
	return exact !== null && exact.local === mailbox.local && exact.domain === mailbox.domain;
}

function inRange({ address, mask }: { address: Uint8Array; mask: Uint8Array }, ip: Uint8Array): boolean {
	if (ip.length !== address.length) return false;
	return ip.every((byte, i) => (byte & (mask[i] as number)) === ((address[i] as number) & (mask[i] as number)));
}

const invalid = (reason: string): NameConstraintsResult => ({ kind: 'invalid', reason });
