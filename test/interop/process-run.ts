// Runs `affidavit process` on a recorded stream and reads what it signed.
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrustedKey } from '@affidavit/attest/dsse.ts';
import { parseEnvelope, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { keyIdOf } from '@affidavit/attest/keys.ts';
import type { Statement } from '@affidavit/attest/statement.ts';
import { parseStatement } from '@affidavit/attest/statement.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const streams = join(root, 'test/fixtures/traces');

export interface SignedSession {
	ciRunId: string;
	verdict: string;
	/** Statement by predicate type, its signature checked; the first of several. */
	statements: Map<string, Statement>;
	/** File by predicate type. */
	files: Map<string, string>;
}

export interface ProcessRun {
	sessions: SignedSession[];
	key: TrustedKey;
}

interface PrintedSession {
	ciRunId: string;
	verdict: string;
	statements: { predicateType: string; envelope: string }[];
}

/** Processes one stream of test/fixtures/traces without indicators into `folder`. */
export function processStream(stream: string, folder: string): ProcessRun {
	const from = join(streams, stream);
	const expected = JSON.parse(readFileSync(join(from, 'expect.json'), 'utf8')) as { repos: Record<string, string> };
	const repos = Object.entries(expected.repos).flatMap(([name, bundle]) => ['--repo', `${name}=${join(from, bundle)}`]);
	const out = join(folder, 'out');
	const keyFile = join(folder, 'signing.pem');
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	writeFileSync(keyFile, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
	const key: TrustedKey = { key: publicKey, keyId: keyIdOf(publicKey) };
	const places = ['--out', out, '--data', join(folder, 'data'), '--key', keyFile];
	const { status, stdout, stderr } = spawnSync(
		process.execPath,
		[join(root, 'cli/bin/affidavit.js'), 'process', join(from, 'events.jsonl.gz'), ...repos, ...places, '--json'],
		{ encoding: 'utf8', maxBuffer: 64 * 1024 * 1024, timeout: 300_000 },
	);
	if (status !== 0 && status !== 1) throw new Error(`affidavit process ${stream}: exit ${status}: ${stderr}`);
	const lines = stdout.trimEnd().split('\n');
	return { key, sessions: lines.map((l) => readSession(JSON.parse(l) as PrintedSession, out, key)) };
}

function readSession(printed: PrintedSession, out: string, key: TrustedKey): SignedSession {
	const statements = new Map<string, Statement>();
	const files = new Map<string, string>();
	for (const { predicateType, envelope } of printed.statements) {
		if (files.has(predicateType)) continue;
		const file = resolve(out, envelope);
		const parsed = parseEnvelope(readFileSync(file));
		if (parsed.kind === 'invalid') throw new Error(`${file}: ${parsed.reason}`);
		if (verifyEnvelope(parsed.envelope, [key]).kind !== 'verified') throw new Error(`${file}: bad signature`);
		const statement = parseStatement(parsed.envelope.payload);
		if (statement.kind === 'invalid') throw new Error(`${file}: ${statement.reason}`);
		files.set(predicateType, file);
		statements.set(predicateType, statement.statement);
	}
	return { ciRunId: printed.ciRunId, verdict: printed.verdict, statements, files };
}

/** Digests of a stream's sources (by path in the repository) and genuine tools (by absolute path), from its truth.jsonl. */
export function truthOf(stream: string): { sources: Map<string, Set<string>>; tools: Map<string, string> } {
	const sources = new Map<string, Set<string>>();
	const tools = new Map<string, string>();
	for (const line of readFileSync(join(streams, stream, 'truth.jsonl'), 'utf8')
		.trimEnd()
		.split('\n')) {
		const fact = JSON.parse(line) as Record<string, unknown>;
		const { kind, path, real, sha256 } = fact;
		if (typeof path !== 'string' || typeof sha256 !== 'string') continue;
		if (kind === 'source') sources.set(path, (sources.get(path) ?? new Set()).add(sha256));
		if (kind === 'tool' && fact['genuine'] !== false) {
			tools.set(path, sha256);
			if (typeof real === 'string') tools.set(real, sha256);
		}
	}
	return { sources, tools };
}
