// The hosts' public keys, from topic `host`: which host may sign with which key, and when. Times are compared with the log's own
// time of a batch, so that a replay judges as the first reader did. Pure.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { keyIdOf } from './batch-signature.ts';
import { hostKeysCodec } from './codec.ts';
import type { EnrolledKey, HostKeys } from './generated/host.ts';

/** What a directory says of a key. With all but `unknown` comes the key, so that the caller can tell who really signed. */
export type KeyAnswer =
	| { kind: 'ok'; publicKey: KeyObject }
	| { kind: 'unknown' }
	| { kind: 'not-yet-valid'; publicKey: KeyObject; validFromUs: number }
	| { kind: 'expired'; publicKey: KeyObject; validToUs: number }
	| { kind: 'revoked'; publicKey: KeyObject; revokedUs: number; reason: string }
	/** The key is another host's. */
	| { kind: 'wrong-host'; publicKey: KeyObject; owner: string };

export type HostRecordTaken =
	| { kind: 'enrolled'; host: string; keys: number }
	/** An empty value (a tombstone): the host's keys are forgotten. */
	| { kind: 'removed'; host: string }
	/** Not a record that counts: what was known of the host stays. `message` names the field and what was expected. */
	| { kind: 'refused'; host: string; message: string };

export interface HostDirectory {
	/** Takes a record of topic `host`, in the log's order. Never throws. */
	take(record: { key: string; value: Uint8Array }): HostRecordTaken;
	/** `atUs`: the log's time of the batch; -1 where the log keeps none: validity is not checked, and a revoked key is revoked. */
	resolve(host: string, keyId: string, atUs: number): KeyAnswer;
	/** Hosts with at least one key, in order of enrolment. */
	hosts(): IterableIterator<string>;
}

export interface HostDirectoryLimits {
	hosts: number;
	keysPerHost: number;
}

export const defaultHostDirectoryLimits: HostDirectoryLimits = { hosts: 65_536, keysPerHost: 64 };

/** Longest name of a host, bytes: DNS's bound. */
export const hostNameBytesMax = 253;
const publicKeyPemMax = 1024;
const reasonMax = 1000;

interface KnownKey {
	host: string;
	publicKey: KeyObject;
	validFromUs: number;
	validToUs: number;
	revokedUs: number;
	reason: string;
}

export function createHostDirectory(over: Partial<HostDirectoryLimits> = {}): HostDirectory {
	const limits = { ...defaultHostDirectoryLimits, ...over };
	const byHost = new Map<string, Map<string, KnownKey>>();
	/** Of the hosts that share a key id, the one enrolled last. */
	const byKeyId = new Map<string, KnownKey>();

	const forget = (host: string): void => {
		for (const [keyId, known] of byHost.get(host) ?? []) if (byKeyId.get(keyId) === known) byKeyId.delete(keyId);
		byHost.delete(host);
	};

	return {
		take: ({ key, value }) => {
			if (value.byteLength === 0) {
				forget(key);
				return { kind: 'removed', host: key };
			}
			const read = readKeys(key, value, limits.keysPerHost);
			if (typeof read === 'string') return { kind: 'refused', host: key, message: read };
			if (!byHost.has(key) && byHost.size >= limits.hosts)
				return { kind: 'refused', host: key, message: `hosts: expected at most ${limits.hosts}` };
			forget(key);
			byHost.set(key, read);
			for (const [keyId, known] of read) byKeyId.set(keyId, known);
			return { kind: 'enrolled', host: key, keys: read.size };
		},
		resolve: (host, keyId, atUs) => {
			const known = byHost.get(host)?.get(keyId);
			if (known !== undefined) return judge(known, atUs);
			const other = byKeyId.get(keyId);
			if (other === undefined) return { kind: 'unknown' };
			return { kind: 'wrong-host', publicKey: other.publicKey, owner: other.host };
		},
		hosts: () => byHost.keys(),
	};
}

function judge({ publicKey, validFromUs, validToUs, revokedUs, reason }: KnownKey, atUs: number): KeyAnswer {
	// Without a time it cannot be said that the batch is older than the revocation.
	if (revokedUs !== -1 && (atUs === -1 || atUs >= revokedUs)) return { kind: 'revoked', publicKey, revokedUs, reason };
	if (atUs === -1) return { kind: 'ok', publicKey };
	if (atUs < validFromUs) return { kind: 'not-yet-valid', publicKey, validFromUs };
	if (validToUs !== -1 && atUs >= validToUs) return { kind: 'expired', publicKey, validToUs };
	return { kind: 'ok', publicKey };
}

/** The keys by id, or why the record does not count: all of it or nothing. */
function readKeys(host: string, value: Uint8Array, keysMax: number): Map<string, KnownKey> | string {
	if (host === '' || Buffer.byteLength(host) > hostNameBytesMax)
		return `key: expected a host name of 1 to ${hostNameBytesMax} bytes`;
	let record: HostKeys;
	try {
		record = hostKeysCodec.decode(value);
	} catch (cause) {
		return cause instanceof Error ? cause.message : String(cause);
	}
	if (record.host !== host) return 'host: expected the name that the record is keyed by';
	if (record.keys.length > keysMax) return `keys: ${record.keys.length}: expected at most ${keysMax}`;
	const keys = new Map<string, KnownKey>();
	for (let i = 0; i < record.keys.length; i++) {
		const enrolled = record.keys[i] as EnrolledKey;
		const known = knownKey(host, enrolled);
		if (typeof known === 'string') return `keys.${i}.${known}`;
		if (keys.has(enrolled.keyId)) return `keys.${i}.keyId: expected each key once`;
		keys.set(enrolled.keyId, known);
	}
	return keys;
}

function knownKey(host: string, key: EnrolledKey): KnownKey | string {
	if (key.publicKeyPem.length > publicKeyPemMax)
		return `publicKeyPem: ${key.publicKeyPem.length} characters: expected at most ${publicKeyPemMax}`;
	if (key.publicKeyPem.includes('PRIVATE')) return 'publicKeyPem: expected a public key, not a private one';
	let publicKey: KeyObject;
	try {
		publicKey = createPublicKey(key.publicKeyPem);
	} catch {
		return 'publicKeyPem: expected an SPKI PEM public key';
	}
	if (publicKey.asymmetricKeyType !== 'ed25519') return 'publicKeyPem: expected an ed25519 key';
	if (key.keyId !== keyIdOf(publicKey)) return "keyId: expected the sha256 of the public key's PEM";
	const { validFromUs, validToUs, revokedUs } = key;
	if (validFromUs < 0) return `validFromUs: ${validFromUs}: expected microseconds since 1970`;
	if (validToUs !== -1 && validToUs < validFromUs)
		return `validToUs: ${validToUs}: expected -1 or a time after validFromUs`;
	if (revokedUs < -1) return `revokedUs: ${revokedUs}: expected -1 or microseconds since 1970`;
	return { host, publicKey, validFromUs, validToUs, revokedUs, reason: key.revokedReason.slice(0, reasonMax) };
}
