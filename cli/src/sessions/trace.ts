// The full facts of a session: the runtime-trace statement that was signed for it.
import { readdir, readFile, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { envelopeBytesMax, parseEnvelope, payloadSha256 } from '@affidavit/attest/dsse.ts';
import type { RuntimeTrace } from '@affidavit/attest/generated/runtime-trace-v0.1.ts';
import { isObject, parseStatement } from '@affidavit/attest/statement.ts';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import { CliError } from '../errors.ts';
import type { SessionSummary } from './summary.ts';

export type TraceResult =
	| { kind: 'trace'; path: string; trace: RuntimeTrace }
	/** The envelope is not (or no longer) where the summary and the attestations folder say. */
	| { kind: 'absent'; reason: string };

/** Arrays that the commands read; the rest is printed as it is. */
const arrays = ['processes', 'files', 'connections', 'ptraces', 'gaps', 'notes', 'products'] as const;

/** Throws CliError('session-unreadable') when the envelope is there but is not this session's statement. */
export async function readTrace(summary: SessionSummary, outDir: string): Promise<TraceResult> {
	const said = summary.statements.find((s) => s.predicateType === runtimeTracePredicateType);
	const candidates = [
		...(said?.envelope ? [isAbsolute(said.envelope) ? said.envelope : join(outDir, said.envelope)] : []),
		...(await newestFirst(join(outDir, summary.session))),
	];
	for (const path of candidates) {
		const bytes = await readEnvelope(path);
		if (bytes) return { kind: 'trace', path, trace: checked(bytes, path, summary.session, said?.payloadSha256) };
	}
	return { kind: 'absent', reason: `no runtime-trace statement of the session in ${outDir}` };
}

/** The statement in the envelope `path`. Throws CliError: file-missing, or session-unreadable when it is not the one that is named. */
export async function readRuntimeTrace(path: string, session: string, payloadSha256: string): Promise<RuntimeTrace> {
	const bytes = await readEnvelope(path);
	if (!bytes) throw new CliError('file-missing', `${path}: no such file`);
	return checked(bytes, path, session, payloadSha256);
}

async function newestFirst(sessionDir: string): Promise<string[]> {
	let names: string[];
	try {
		names = await readdir(sessionDir);
	} catch {
		return [];
	}
	return names
		.flatMap((name) => (/^r\d{1,9}$/.test(name) ? [Number(name.slice(1))] : []))
		.sort((a, b) => b - a)
		.map((revision) => join(sessionDir, `r${revision}`, 'runtime-trace.dsse.json'));
}

async function readEnvelope(path: string): Promise<Uint8Array | null> {
	try {
		if ((await stat(path)).size > envelopeBytesMax)
			throw new CliError('file-too-large', `${path}: expected an envelope of at most ${envelopeBytesMax} bytes`);
		return await readFile(path);
	} catch (cause) {
		if (cause instanceof CliError) throw cause;
		const code = (cause as NodeJS.ErrnoException).code;
		if (code === 'ENOENT') return null;
		throw new CliError('file-unreadable', `cannot read ${path}: ${code ?? String(cause)}`, cause);
	}
}

/** Whoever names the statement does so by its payload's digest: what was meant and what is read are one. */
function checked(bytes: Uint8Array, path: string, session: string, expectedSha256: string | undefined): RuntimeTrace {
	const refuse = (reason: string): CliError => new CliError('session-unreadable', `${path}: ${reason}`);
	const parsed = parseEnvelope(bytes);
	if (parsed.kind === 'invalid') throw refuse(parsed.reason);
	const sha256 = payloadSha256(parsed.envelope);
	if (expectedSha256 !== undefined && sha256 !== expectedSha256)
		throw refuse(`payload has sha256 ${sha256}, expected ${expectedSha256}`);
	const statement = parseStatement(parsed.envelope.payload);
	if (statement.kind === 'invalid') throw refuse(statement.reason);
	const { predicateType, predicate } = statement.statement;
	if (predicateType !== runtimeTracePredicateType || !isObject(predicate))
		throw refuse(`expected a statement of ${runtimeTracePredicateType}`);
	for (const field of arrays)
		if (!Array.isArray(predicate[field])) throw refuse(`predicate.${field}: expected an array`);
	const trace = predicate as unknown as RuntimeTrace;
	if (trace.session?.id !== session) throw refuse(`is of another session than ${session}`);
	return trace;
}
