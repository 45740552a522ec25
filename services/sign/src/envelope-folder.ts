// Envelopes on disk: written whole or not at all, never overwritten. The first published envelope of a payload wins (design 4.3).
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseEnvelope, payloadSha256, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { gitoid, gitoidOfPieces } from '@affidavit/attest/gitoid.ts';
import type { DerivedStatement } from './derive.ts';
import { SignError } from './errors.ts';
import { removeLeftovers, temporaryName } from './leftovers.ts';
import type { EnvelopeSigner } from './signing/envelope-signer.ts';

export interface PublishedEnvelope {
	/** Path below the attestations folder. */
	reference: string;
	/** Of the published bytes: this call's, or an earlier one's. */
	gitoid: string;
	/** True when the name was held by another statement and another one had to be taken. */
	renamed: boolean;
}

/** Signs and writes `<session>/r<revision>/<name>.dsse.json` and the Sigstore bundle beside it, unless they are there. */
export async function publishEnvelope(
	outDir: string,
	place: { session: string; revision: number },
	statement: DerivedStatement,
	signer: EnvelopeSigner,
): Promise<PublishedEnvelope> {
	const folder = join(place.session, `r${place.revision}`);
	mkdirSync(join(outDir, folder), { recursive: true });
	removeLeftovers(join(outDir, folder));
	// The plain name, unless another statement (or another key's signature) holds it: then one made of the payload and the key.
	const names = [
		statement.name,
		`${statement.name}.${statement.sha256.slice(0, 12)}.${signer.verifier.keyId.slice(0, 8)}`,
	];
	let fresh: Awaited<ReturnType<EnvelopeSigner['sign']>> | null = null;
	for (const [attempt, name] of names.entries()) {
		const reference = join(folder, `${name}.dsse.json`);
		const path = join(outDir, reference);
		const earlier = readIfThere(path);
		if (earlier) {
			if (isPublished(earlier, statement, signer)) return { reference, gitoid: gitoid(earlier), renamed: attempt > 0 };
		} else {
			fresh ??= await signer.sign(statement.bytes);
			// The bundle first: the envelope is what says that both are there.
			writeOnce(join(outDir, folder, `${name}.sigstore.json`), fresh.bundle);
			// Who took the name in between holds it; the next name is free of races by its payload and key.
			if (writeOnce(path, fresh.envelope))
				return { reference, gitoid: gitoidOfPieces(fresh.envelope), renamed: attempt > 0 };
		}
	}
	throw new SignError(
		'envelope-conflict',
		`${join(outDir, folder)}: ${names.join(' and ')} are held by other statements`,
	);
}

function isPublished(bytes: Buffer, statement: DerivedStatement, signer: EnvelopeSigner): boolean {
	const parsed = parseEnvelope(bytes);
	return (
		parsed.kind === 'envelope' &&
		payloadSha256(parsed.envelope) === statement.sha256 &&
		verifyEnvelope(parsed.envelope, [signer.verifier]).kind === 'verified'
	);
}

function readIfThere(path: string): Buffer | null {
	try {
		return readFileSync(path);
	} catch (cause) {
		if (isCode(cause, 'ENOENT')) return null;
		throw new SignError('write-failed', `${path}: expected a readable file`, cause);
	}
}

/** Atomic and durable; false when the name is taken. A link, since a rename would replace. */
function writeOnce(path: string, pieces: readonly Buffer[]): boolean {
	const temporary = temporaryName(path);
	try {
		const fd = openSync(temporary, 'w', 0o644);
		try {
			for (const piece of pieces) writeFileSync(fd, piece);
			fsyncSync(fd);
		} finally {
			closeSync(fd);
		}
		try {
			linkSync(temporary, path);
		} catch (cause) {
			if (isCode(cause, 'EEXIST')) return false;
			throw cause;
		} finally {
			rmSync(temporary, { force: true });
		}
		syncFolder(dirname(path));
		return true;
	} catch (cause) {
		throw new SignError('write-failed', `${path}: cannot be written`, cause);
	}
}

function syncFolder(path: string): void {
	const fd = openSync(path, 'r');
	try {
		fsyncSync(fd);
	} finally {
		closeSync(fd);
	}
}

const isCode = (cause: unknown, code: string): boolean =>
	cause instanceof Error && 'code' in cause && cause.code === code;
