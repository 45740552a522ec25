// One job whose runs are killed: its input, its receiver, and everything that can be seen of it once it is done.
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Receiver, startReceiver } from '../../services/detect/test/alert/receiver.ts';
import { affidavit, fixtures, type Run, sessionsOf } from '../e2e/affidavit.ts';
import { processOptions, readExpectation } from '../e2e/expectation.ts';
import { webhookConfig } from '../e2e/webhook-config.ts';

export interface Job {
	stream: string;
	folder: string;
	out: string;
	receiver: Receiver;
	/** Runs the command once; `started` gets what kills the run. */
	run(started?: (kill: () => void) => void): Promise<Run>;
	remove(): Promise<void>;
}

/** `refusals`: so many posts get 503 before the receiver takes any. */
export async function openJob(stream: string, refusals: number): Promise<Job> {
	const folder = mkdtempSync(join(tmpdir(), 'affidavit-kill-'));
	const out = join(folder, 'out');
	// Watched from before the first run on.
	mkdirSync(out);
	const receiver = await startReceiver((response, _request, count) =>
		response.writeHead(count <= refusals ? 503 : 204).end(),
	);
	const { repos, indicators } = processOptions(stream, readExpectation(stream), folder);
	const args = ['process', join(fixtures, stream, 'events.jsonl.gz'), '--data', folder, '--out', out, '--json'];
	for (const [name, location] of Object.entries(repos)) args.push('--repo', `${name}=${location}`);
	if (indicators) args.push('--indicators', indicators);
	args.push(...webhookConfig(folder, receiver.url));
	return {
		stream,
		folder,
		out,
		receiver,
		run: (started) => affidavit(args, started ? { started: (child) => started(() => child.kill('SIGKILL')) } : {}),
		async remove() {
			await receiver[Symbol.asyncDispose]();
			rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
		},
	};
}

/** What must be the same whenever and however often the job was killed. */
export interface Outcome {
	code: number | null;
	/** The printed objects, envelope paths relative to the output folder. */
	sessions: unknown[];
	/** Files of the output folder, with the sha256 of the payload that each envelope holds. */
	envelopes: string[];
	webhookIds: string[];
	/** Jobs that still lie in the data folder. */
	jobsLeft: string[];
}

export function outcomeOf(job: Job, run: Run): Outcome {
	const sessions = sessionsOf(run).map((session) => ({
		...session,
		statements: session.statements.map((s) => ({ ...s, envelope: s.envelope.replace(`${job.out}/`, '') })),
	}));
	const files = readdirSync(job.out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
	const envelopes = files.map((file) => {
		const path = join(file.parentPath, file.name);
		return `${path.replace(`${job.out}/`, '')} ${payloadSha256(path)}`;
	});
	return {
		code: run.code,
		sessions,
		envelopes: envelopes.sort(),
		webhookIds: [...new Set(job.receiver.received.map((r) => r.headers['webhook-id'] ?? ''))].sort(),
		jobsLeft: readdirSync(join(job.folder, 'jobs')),
	};
}

/** Of a DSSE envelope, bare or in a Sigstore bundle. */
function payloadSha256(path: string): string {
	const text = readFileSync(path, 'utf8');
	try {
		const { payload, dsseEnvelope } = JSON.parse(text) as { payload?: string; dsseEnvelope?: { payload: string } };
		const bytes = Buffer.from(payload ?? dsseEnvelope?.payload ?? '', 'base64');
		return createHash('sha256').update(bytes).digest('hex');
	} catch {
		return `holds ${text.length} characters that are no JSON`;
	}
}
