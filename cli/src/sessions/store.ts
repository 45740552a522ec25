// The session summaries that `process` and `up` leave in DATA/sessions/SESSION.json.
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../errors.ts';
import { type SessionSummary, sessionIdPattern, summarySchema } from './summary.ts';

const summaryBytesMax = 64 * 1024 * 1024;
const fileNamePattern = /^([0-9a-f]{64})\.json$/;

export const sessionsDir = (dataDir: string): string => join(dataDir, 'sessions');

/** Ids of the kept sessions; empty when there is no folder yet. */
export async function sessionIds(dataDir: string): Promise<string[]> {
	try {
		const names = await readdir(sessionsDir(dataDir));
		return names.flatMap((name) => fileNamePattern.exec(name)?.[1] ?? []).sort();
	} catch (cause) {
		const code = (cause as NodeJS.ErrnoException).code;
		if (code === 'ENOENT') return [];
		throw new CliError('session-unreadable', `cannot read ${sessionsDir(dataDir)}: ${code ?? String(cause)}`, cause);
	}
}

/** Throws CliError('session-unreadable') that names the file and the field. */
export async function readSummary(dataDir: string, id: string): Promise<SessionSummary> {
	const path = join(sessionsDir(dataDir), `${id}.json`);
	let value: unknown;
	try {
		const { size } = await stat(path);
		if (size > summaryBytesMax) throw new RangeError(`${size} bytes: expected at most ${summaryBytesMax}`);
		value = JSON.parse(await readFile(path, 'utf8'));
	} catch (cause) {
		throw new CliError('session-unreadable', `cannot read ${path}: ${(cause as Error).message}`, cause);
	}
	const parsed = summarySchema.safeParse(value);
	if (parsed.success) return parsed.data;
	const issue = parsed.error.issues[0];
	throw new CliError('session-unreadable', `${path}: ${issue?.path.join('.')}: ${issue?.message}`);
}

/** The one session whose id begins with `prefix`. Throws CliError (usage, session-unknown, session-ambiguous). */
export async function findSession(dataDir: string, prefix: string): Promise<SessionSummary> {
	if (!sessionIdPattern.test(prefix))
		throw new CliError('usage', `${JSON.stringify(prefix)}: expected a session id or its beginning, lower-case hex`);
	const matching = (await sessionIds(dataDir)).filter((id) => id.startsWith(prefix));
	const [id] = matching;
	if (id === undefined)
		throw new CliError(
			'session-unknown',
			`no session ${prefix} in ${sessionsDir(dataDir)}; \`affidavit sessions\` lists the known ones`,
		);
	if (matching.length > 1)
		throw new CliError('session-ambiguous', `${prefix}: ${matching.length} sessions begin so; give more of the id`);
	return readSummary(dataDir, id);
}
