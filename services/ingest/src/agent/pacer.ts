// Keeps the process to a share of the CPU: a token bucket on CPU time. The clocks come in as arguments.
import { sleep } from '@affidavit/stream/runner/wait.ts';

export interface PacerOptions {
	/** In cores: 0.25 is a quarter of one. */
	share: number;
	/** CPU time that may be used at once after a pause, milliseconds. */
	burstMs: number;
	/** Longest wait at once, milliseconds: heartbeats go on. */
	waitMsMax: number;
	/** Monotonic, milliseconds. */
	nowMs: () => number;
	/** CPU time of this process so far, milliseconds. */
	cpuMs: () => number;
}

export const pacerDefaults = { burstMs: 2000, waitMsMax: 1000 } as const;

export interface Pacer {
	/** Milliseconds to wait until the share is kept to again; 0 when it is. */
	owedMs(): number;
	/** Waits for what is owed, at most `waitMsMax`; the rest stays owed. */
	pace(signal: AbortSignal): Promise<void>;
	/** Milliseconds waited so far. */
	waitedMs(): number;
}

export function createPacer(options: PacerOptions): Pacer {
	const { share, burstMs } = options;
	let tokensMs = burstMs;
	let wallMs = options.nowMs();
	let cpuMs = options.cpuMs();
	let waitedMs = 0;
	const owedMs = (): number => {
		const nowMs = options.nowMs();
		const usedMs = options.cpuMs();
		tokensMs = Math.min(burstMs, tokensMs + (nowMs - wallMs) * share) - (usedMs - cpuMs);
		// A debt is paid, but one long stall must not stop the agent for minutes.
		tokensMs = Math.max(tokensMs, -burstMs);
		wallMs = nowMs;
		cpuMs = usedMs;
		return tokensMs < 0 ? -tokensMs / share : 0;
	};
	return {
		owedMs,
		async pace(signal) {
			const owed = owedMs();
			if (owed <= 0) return;
			const waitMs = Math.min(owed, options.waitMsMax);
			waitedMs += waitMs;
			await sleep(waitMs, signal);
		},
		waitedMs: () => waitedMs,
	};
}
