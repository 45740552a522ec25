// Runs a case by the real library and by ours, on the same bytes.
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { PeerAnswer, PeerFiles } from '../peerverify.ts';
import { askPeer } from '../peerverify.ts';
import type { Inputs } from './case.ts';

/** Writes a case's files into `folder`, which is made. */
export function writeInputs(folder: string, inputs: Inputs): PeerFiles {
	mkdirSync(join(folder, 'attestations'), { recursive: true });
	const write = (name: string, bytes: Uint8Array | string): string => {
		const file = join(folder, name);
		writeFileSync(file, bytes);
		return file;
	};
	return {
		policy: write('policy.json', inputs.policy),
		policyKey: write('policy.pub', inputs.policyKey),
		attestations: inputs.attestations.map(({ name, bytes }, i) =>
			write(join('attestations', `${i}-${basename(name)}`), bytes),
		),
		artifact: write('artifact', inputs.artifact),
	};
}

/** Asks the peer of a case's files in `folder`. */
export function askPeerOf(binary: string, folder: string, inputs: Inputs): PeerAnswer {
	const files = writeInputs(folder, inputs);
	try {
		return askPeer(binary, files);
	} catch (error) {
		// A crash of the real library accepts nothing.
		if (error instanceof Error && error.message.includes('panic:')) return { accepted: false, output: error.message };
		throw error;
	}
}
