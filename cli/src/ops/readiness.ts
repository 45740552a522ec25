// Whether a process can do its work now: the answers of its probes, asked for at most every few seconds.

export interface Probe {
	/** Names the dependency: kafka, redis, hosts, partitions. */
	name: string;
	/** Rejects with the reason while it is not usable. */
	check(): Promise<void>;
}

export interface CheckResult {
	name: string;
	ok: boolean;
	/** Why not; '' when ok. */
	message: string;
}

export interface Readiness {
	ready: boolean;
	checks: CheckResult[];
}

export interface ReadinessOptions {
	/** Milliseconds, never going back. */
	now: () => number;
	/** An answer is good for so long. Default 1 s. */
	freshMs?: number;
	/** A probe that takes longer has failed. Default 3 s. */
	timeoutMs?: number;
}

const messageCharsMax = 500;

/** Never rejects. A probe is not asked again while it hangs, however often readiness is. */
export function createReadiness(probes: readonly Probe[], options: ReadinessOptions): () => Promise<Readiness> {
	const asked = probes.map((probe) => createAsked(probe, options));
	return async () => {
		const checks = await Promise.all(asked.map((ask) => ask()));
		return { ready: checks.every((check) => check.ok), checks };
	};
}

function createAsked(probe: Probe, options: ReadinessOptions): () => Promise<CheckResult> {
	const { now, freshMs = 1000, timeoutMs = 3000 } = options;
	let last: { result: CheckResult; at: number } | null = null;
	let running: { result: Promise<CheckResult>; since: number } | null = null;

	const start = (): Promise<CheckResult> =>
		run(probe).then((result) => {
			last = { result, at: now() };
			running = null;
			return result;
		});

	return async () => {
		if (last && now() - last.at < freshMs) return last.result;
		running ??= { result: start(), since: now() };
		const left = running.since + timeoutMs - now();
		const late = { name: probe.name, ok: false, message: `no answer within ${timeoutMs} ms` };
		if (left <= 0) return late;
		let timer: NodeJS.Timeout | undefined;
		const timeout = new Promise<CheckResult>((resolve) => {
			timer = setTimeout(() => resolve(late), left);
		});
		try {
			return await Promise.race([running.result, timeout]);
		} finally {
			clearTimeout(timer);
		}
	};
}

async function run({ name, check }: Probe): Promise<CheckResult> {
	try {
		await check();
		return { name, ok: true, message: '' };
	} catch (error) {
		const text = error instanceof Error ? error.message : String(error);
		return { name, ok: false, message: text.slice(0, messageCharsMax) || 'failed' };
	}
}
