// What enrolling, rotating and revoking make of a host's keys (pure). Each change can be made again on what another operator
// wrote meanwhile: it never takes anything away that it did not mean to.
import type { EnrolledKey, HostKeys } from '@affidavit/model/generated/host.ts';

export interface NewKey {
	keyId: string;
	publicKeyPem: string;
	validFromUs: number;
	/** -1: open. */
	validToUs: number;
	enrolledBy: string;
}

export type HostChange =
	/** A first key, or one more beside those that are valid. */
	| { kind: 'enroll'; key: NewKey }
	/** A new key; the others that are open end at `oldValidToUs`, so that what is still in the spool is taken. */
	| { kind: 'rotate'; key: NewKey; oldValidToUs: number }
	/** `keyId` null: all keys. Records that the log took from `atUs` on are refused. */
	| { kind: 'revoke'; keyId: string | null; atUs: number; reason: string };

export type Changed =
	| { kind: 'changed'; keys: HostKeys }
	/** It is so already. */
	| { kind: 'unchanged'; keys: HostKeys }
	| { kind: 'refused'; code: 'unknown-host' | 'unknown-key' | 'known-key' | 'too-many-keys'; message: string };

/** As the directory of packages/model reads them. */
export const keysMax = 64;

const hasEnded = (key: EnrolledKey): boolean => key.revokedUs !== -1 || key.validToUs !== -1;

export function applyChange(host: string, known: HostKeys | null, change: HostChange): Changed {
	const keys = known?.keys ?? [];
	switch (change.kind) {
		case 'enroll':
			return withKey(host, keys, change.key, keys);
		case 'rotate': {
			if (keys.length === 0) return unknownHost(host);
			const ended = keys.map((key) =>
				key.keyId === change.key.keyId || hasEnded(key) ? key : { ...key, validToUs: change.oldValidToUs },
			);
			return withKey(host, keys, change.key, ended);
		}
		case 'revoke':
			return revoked(host, keys, change);
	}
}

function withKey(host: string, before: readonly EnrolledKey[], key: NewKey, others: readonly EnrolledKey[]): Changed {
	const same = before.find((known) => known.keyId === key.keyId);
	if (same !== undefined && (same.revokedUs !== -1 || same.validFromUs !== key.validFromUs))
		return refused('known-key', `${host} has had key ${key.keyId} before: expected a new one`);
	const keys = same === undefined ? [...others, { ...key, revokedUs: -1, revokedReason: '' }] : [...others];
	if (keys.length > keysMax) return refused('too-many-keys', `${host}: expected at most ${keysMax} keys`);
	return compared(host, before, keys);
}

function revoked(
	host: string,
	before: readonly EnrolledKey[],
	{ keyId, atUs, reason }: Extract<HostChange, { kind: 'revoke' }>,
): Changed {
	if (before.length === 0) return unknownHost(host);
	if (keyId !== null && !before.some((key) => key.keyId === keyId))
		return refused('unknown-key', `${host} has no key ${keyId}: \`affidavit hosts list\` shows those that it has`);
	const keys = before.map((key) =>
		(keyId === null || key.keyId === keyId) && (key.revokedUs === -1 || key.revokedUs > atUs)
			? { ...key, revokedUs: atUs, revokedReason: reason }
			: key,
	);
	return compared(host, before, keys);
}

const compared = (host: string, before: readonly EnrolledKey[], keys: EnrolledKey[]): Changed => ({
	kind:
		keys.length === before.length && keys.every((key, i) => sameKey(key, before[i] as EnrolledKey))
			? 'unchanged'
			: 'changed',
	keys: { host, keys },
});

const sameKey = (a: EnrolledKey, b: EnrolledKey): boolean =>
	a.keyId === b.keyId && a.validFromUs === b.validFromUs && a.validToUs === b.validToUs && a.revokedUs === b.revokedUs;

const refused = (code: Extract<Changed, { kind: 'refused' }>['code'], message: string): Changed => ({
	kind: 'refused',
	code,
	message,
});

const unknownHost = (host: string): Changed =>
	refused('unknown-host', `${host} is not enrolled; \`affidavit hosts list\` shows who is`);

/**
 * What two operators wrote at once, as one: every key of either; of one key, the earlier end and the earlier revocation. The
 * order does not matter, so that both come to the same.
 */
export function mergeKeys(host: string, records: readonly HostKeys[]): HostKeys {
	const byId = new Map<string, EnrolledKey>();
	for (const { keys } of records)
		for (const key of keys) {
			const other = byId.get(key.keyId);
			byId.set(key.keyId, other === undefined ? key : mergeKey(other, key));
		}
	const keys = [...byId.values()].sort(
		(a, b) => a.validFromUs - b.validFromUs || (a.keyId < b.keyId ? -1 : a.keyId > b.keyId ? 1 : 0),
	);
	return { host, keys };
}

const earlier = (a: number, b: number): number => (a === -1 ? b : b === -1 ? a : Math.min(a, b));

function mergeKey(a: EnrolledKey, b: EnrolledKey): EnrolledKey {
	const revokedUs = earlier(a.revokedUs, b.revokedUs);
	const [first, second] = a.revokedReason <= b.revokedReason ? [a, b] : [b, a];
	return {
		...a,
		validFromUs: Math.max(a.validFromUs, b.validFromUs),
		validToUs: earlier(a.validToUs, b.validToUs),
		revokedUs,
		revokedReason: first.revokedUs === revokedUs ? first.revokedReason : second.revokedReason,
		enrolledBy: a.enrolledBy <= b.enrolledBy ? a.enrolledBy : b.enrolledBy,
	};
}
