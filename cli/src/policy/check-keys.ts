// Expiry, keys and certificates of a policy.
import { parsePublicKey } from '@affidavit/attest/keys.ts';
import { parseRfc3339 } from '@affidavit/attest/policy/rfc3339.ts';
import { parseCertificate } from '@affidavit/attest/x509/parse.ts';
import type { PolicyDocument, PolicyRoot } from './document.ts';
import { error, type Report, warning } from './finding.ts';

const dayMs = 24 * 60 * 60 * 1000;

export interface CheckTime {
	nowMs: number;
	/** A policy that expires within so many days is said to expire soon. */
	soonDays: number;
}

export function checkKeys(document: PolicyDocument, time: CheckTime, report: Report): void {
	checkExpiry(document.expires, time, report);
	checkPublicKeys(document, report);
	checkRoots(document, time, report);
}

function checkExpiry(expires: string, { nowMs, soonDays }: CheckTime, report: Report): void {
	const time = parseRfc3339(expires, false);
	if (time === null) {
		report(error('expires-unreadable', 'expires', 'expected a time as in 2030-01-31T00:00:00Z'));
		return;
	}
	const days = Math.floor((time.ms - nowMs) / dayMs);
	if (time.ms < nowMs) report(error('expired', 'expires', `expired on ${expires}`));
	else if (days < soonDays) report(warning('expires-soon', 'expires', `expires on ${expires}, in ${days} days`));
}

function checkPublicKeys({ publickeys, steps }: PolicyDocument, report: Report): void {
	const used = new Set(steps.flatMap((step) => step.functionaries.map((f) => f.publickeyid)));
	for (const { id, keyid, key } of publickeys) {
		const place = `publickeys.${id}`;
		const parsed = parsePublicKey(key.toString('utf8'), 'key');
		if (parsed.kind === 'invalid') report(error('key-unusable', place, parsed.reason));
		else if (parsed.keyId !== keyid)
			report(error('key-id-mismatch', place, `keyid is ${keyid || 'empty'}, but the key's own id is ${parsed.keyId}`));
		else if (!used.has(keyid)) report(warning('key-unused', place, 'no functionary names this key'));
	}
}

function checkRoots({ roots, timestampauthorities, steps }: PolicyDocument, time: CheckTime, report: Report): void {
	const used = new Set(steps.flatMap((step) => step.functionaries.flatMap((f) => f.certConstraint.roots)));
	for (const root of roots) {
		const place = `roots.${root.id}`;
		checkCertificates(root, place, time, report);
		if (!used.has(root.id) && !used.has('*')) report(warning('root-unused', place, 'no functionary names this root'));
	}
	for (const authority of timestampauthorities)
		checkCertificates(authority, `timestampauthorities.${authority.id}`, time, report);
}

function checkCertificates(
	{ certificate, intermediates }: PolicyRoot,
	place: string,
	{ nowMs }: CheckTime,
	report: Report,
): void {
	const all: [string, Buffer][] = [
		[`${place}.certificate`, certificate],
		...intermediates.map((bytes, i): [string, Buffer] => [`${place}.intermediates[${i}]`, bytes]),
	];
	for (const [where, bytes] of all) {
		const parsed = parseCertificate(bytes);
		if (parsed.kind === 'invalid') {
			report(error('certificate-unusable', where, parsed.reason));
			continue;
		}
		const { notAfterMs } = parsed.certificate;
		if (notAfterMs < nowMs)
			report(warning('certificate-expired', where, `expired on ${new Date(notAfterMs).toISOString()}`));
	}
}
