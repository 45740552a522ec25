// Simulated hosts of a fleet: each replays a recorded stream under a name of its own, with a key of its own.
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { keyIdOf } from '@affidavit/model/batch-signature.ts';
import { fixtures } from '../e2e/affidavit.ts';
import { readExpectation } from '../e2e/expectation.ts';

/** Recordings with different repositories, the small ones most often: 17,700 and 14,700 events of 48,000 on twenty hosts. */
const streams = ['07-net-foreign', '08d-container-ns'] as const;
const largeStreams = ['05-npm', '03-go-trojan-compiler', '01b-go-clean-warm'] as const;

export interface SimulatedHost {
	name: string;
	stream: string;
	/** Its recorded stream, with the host's name in place of the recorded one. */
	eventsFile: string;
	events: number;
	privateKey: KeyObject;
	publicKey: KeyObject;
	keyId: string;
	/** PKCS #8 PEM, 0600. */
	keyFile: string;
	/** SPKI PEM. */
	publicKeyFile: string;
}

export interface SimulatedFleet {
	hosts: readonly SimulatedHost[];
	/** Repository name → bundle. */
	repositories: Readonly<Record<string, string>>;
	indicatorsFile: string;
}

/** Of so many hosts, in order. */
export const streamsOf = (count: number): string[] =>
	Array.from({ length: count }, (_, i) => largeStreams[i - streams.length] ?? (streams[i % streams.length] as string));

/** A host for each of the streams: host-01, host-02... */
export function makeHosts(folder: string, hostStreams: readonly string[]): SimulatedFleet {
	mkdirSync(folder, { recursive: true });
	const texts = new Map<string, string>();
	const repositories: Record<string, string> = {};
	const indicators: string[] = [];
	const hosts: SimulatedHost[] = [];
	for (const [i, stream] of hostStreams.entries()) {
		let text = texts.get(stream);
		if (text === undefined) {
			text = gunzipSync(readFileSync(join(fixtures, stream, 'events.jsonl.gz'))).toString();
			texts.set(stream, text);
			const expectation = readExpectation(stream);
			for (const [name, file] of Object.entries(expectation.repos)) repositories[name] = join(fixtures, stream, file);
			indicators.push(...(expectation.indicators ?? []));
		}
		hosts.push(makeHost(folder, `host-${String(i + 1).padStart(2, '0')}`, stream, text));
	}
	const indicatorsFile = join(folder, 'indicators.txt');
	writeFileSync(indicatorsFile, indicators.map((line) => `${line}\n`).join(''));
	return { hosts, repositories, indicatorsFile };
}

function makeHost(folder: string, name: string, stream: string, text: string): SimulatedHost {
	const renamed = text.replaceAll(/"node_name":"[^"]*"/g, `"node_name":"${name}"`);
	const eventsFile = join(folder, `${name}.jsonl`);
	writeFileSync(eventsFile, renamed);
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const keyFile = join(folder, `${name}.pem`);
	const publicKeyFile = join(folder, `${name}.pub.pem`);
	writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
	writeFileSync(publicKeyFile, publicKey.export({ type: 'spki', format: 'pem' }));
	const events = renamed.trimEnd().split('\n').length;
	return { name, stream, eventsFile, events, privateKey, publicKey, keyId: keyIdOf(publicKey), keyFile, publicKeyFile };
}
