// What one process on the embedded log and store makes of the hosts' streams: the yardstick of every fleet.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { affidavit, type SessionObject, sessionsOf } from '../e2e/affidavit.ts';
import type { SimulatedFleet } from './hosts.ts';

export interface ExpectedSession {
	host: string;
	verdict: SessionObject['verdict'];
	/** `predicateType payloadSha256`, sorted. */
	statements: string[];
	/** Ids of the confirmed findings, sorted. */
	confirmed: string[];
}

/** By session id. */
export type Expected = ReadonlyMap<string, ExpectedSession>;

/** Runs `affidavit process` over all hosts' streams, undisturbed. */
export async function expectedSessions({ hosts, repositories, indicatorsFile }: SimulatedFleet): Promise<Expected> {
	const data = mkdtempSync(join(tmpdir(), 'affidavit-expected-'));
	try {
		const args = ['process', ...hosts.map((host) => host.eventsFile), '--data', data, '--json'];
		for (const [name, location] of Object.entries(repositories)) args.push('--repo', `${name}=${location}`);
		const run = await affidavit([...args, '--indicators', indicatorsFile]);
		const sessions = sessionsOf(run);
		// 1: a session failed.
		if (run.code !== 1 || new Set(sessions.map((s) => s.host)).size !== hosts.length)
			throw new Error(`process: ended with ${run.code} and ${sessions.length} sessions\n${run.stderr}`);
		return new Map(sessions.map((session) => [session.session, expectedOf(session)]));
	} finally {
		rmSync(data, { recursive: true, force: true });
	}
}

const expectedOf = ({ host, verdict, statements, findings }: SessionObject): ExpectedSession => ({
	host,
	verdict,
	statements: statements.map((s) => `${s.predicateType} ${s.payloadSha256}`).sort(),
	confirmed: (findings as unknown as { id: string }[]).map((finding) => finding.id).sort(),
});
