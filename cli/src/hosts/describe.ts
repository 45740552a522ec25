// A host's keys for people and for scripts (pure).
import type { EnrolledKey, HostKeys } from '@affidavit/model/generated/host.ts';
import { clipped } from '../text/printable.ts';

export type KeyState = 'valid' | 'not-yet-valid' | 'expired' | 'revoked';

/** One line of `hosts list --json`. Times RFC 3339; null: open, or not. */
export interface HostKeyLine {
	host: string;
	keyId: string;
	state: KeyState;
	validFrom: string;
	validTo: string | null;
	revokedAt: string | null;
	revokedReason: string;
	enrolledBy: string;
	publicKeyPem: string;
}

export const describeKeys = ({ host, keys }: HostKeys, nowUs: number): HostKeyLine[] =>
	keys.map((key) => ({
		host,
		keyId: key.keyId,
		state: stateOf(key, nowUs),
		validFrom: rfc3339(key.validFromUs),
		validTo: key.validToUs === -1 ? null : rfc3339(key.validToUs),
		revokedAt: key.revokedUs === -1 ? null : rfc3339(key.revokedUs),
		revokedReason: key.revokedReason,
		enrolledBy: key.enrolledBy,
		publicKeyPem: key.publicKeyPem,
	}));

function stateOf(key: EnrolledKey, nowUs: number): KeyState {
	if (key.revokedUs !== -1 && nowUs >= key.revokedUs) return 'revoked';
	if (nowUs < key.validFromUs) return 'not-yet-valid';
	return key.validToUs !== -1 && nowUs >= key.validToUs ? 'expired' : 'valid';
}

/** Largest time that a Date can hold, microseconds. */
const timeUsMax = 8.64e18;

const rfc3339 = (us: number): string => new Date(Math.min(us, timeUsMax) / 1000).toISOString();

export const keyRows = (keys: readonly HostKeyLine[]): string[][] => [
	['HOST', 'STATE', 'FROM', 'TO', 'BY', 'KEY'],
	...keys.map((key) => [
		clipped(key.host, 60),
		key.state,
		key.validFrom,
		key.revokedAt ?? key.validTo ?? '-',
		clipped(key.enrolledBy, 40),
		key.revokedReason === '' ? key.keyId : `${key.keyId}  ${clipped(key.revokedReason, 80)}`,
	]),
];
