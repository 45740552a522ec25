// Who this agent is: its host's key, and whether that key has begun a chain before.
import { access, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { writeSynced } from '@affidavit/ingest/agent/spool-mark.ts';
import type { HostKey } from '@affidavit/model/batch-signature.ts';
import type { Emit } from '@affidavit/stream/internal-event.ts';
import type { Config } from '../config/schema.ts';
import { readHostKey } from '../hosts/key-files.ts';
import { loadOrCreateKey } from '../keys/store.ts';

export interface AgentIdentity {
	key: HostKey;
	publicKeyPem: string;
	keyFile: string;
	/** The file of its public half, when this call made the key: nobody knows it yet. Else null. */
	createdPublicKeyFile: string | null;
}

/** The key of `agent.keyFile`; the data folder's own is made when there is none. Throws CliError (file-missing, key-*). */
export async function loadIdentity({ agent, dataDir }: Config): Promise<AgentIdentity> {
	const keyFile = agent.keyFile;
	if (keyFile !== join(dataDir, 'keys', 'host.pem')) return { ...(await readKey(keyFile)), createdPublicKeyFile: null };
	const own = await loadOrCreateKey(dirname(keyFile), 'host', 'ed25519');
	return { ...(await readKey(keyFile)), createdPublicKeyFile: own.created ? own.publicKeyPath : null };
}

async function readKey(keyFile: string): Promise<Omit<AgentIdentity, 'createdPublicKeyFile'>> {
	const { publicKeyPem, ...key } = await readHostKey(keyFile);
	return { key, publicKeyPem, keyFile };
}

/** A file beside the key that outlives the spool: where it is and the spool is not, the chain was lost with the spool. */
export const chainMarkOf = (keyFile: string): string =>
	join(dirname(keyFile), `${basename(keyFile).replace(/\.pem$/, '')}.chain`);

/** True when this key has begun a chain before. Notes it otherwise; where that cannot be written, it is told. */
export async function noteChain({ keyFile, key }: AgentIdentity, emit: Emit): Promise<boolean> {
	const path = chainMarkOf(keyFile);
	try {
		await access(path);
		// A key that is newer than the mark has begun nothing.
		if ((await stat(path)).mtimeMs >= (await stat(keyFile)).mtimeMs) return true;
	} catch (cause) {
		if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
	}
	try {
		await writeSynced(path, `${key.keyId}\n`);
	} catch (cause) {
		emit({
			name: 'chain_mark_unwritable',
			stage: 'ingest',
			reason: (cause as NodeJS.ErrnoException).code ?? 'unknown',
			intentional: false,
			message: `${path}: cannot be written: a spool that is lost will look like a copy of this host, and be refused`,
		});
	}
	return false;
}
