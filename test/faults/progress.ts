// How much of what the hosts send has arrived: faults come by it, not by the clock.
import { setTimeout as sleep } from 'node:timers/promises';
import type { FleetWorld } from './world.ts';

export interface Progress {
	/** Resolves when that share has arrived, or when nothing has come for so long that the rest may wait for the fault. */
	reached(share: number): Promise<void>;
	stop(): void;
}

const pollMs = 100;
const standstillMsMax = 15_000;

export function watchProgress(world: FleetWorld): Progress {
	let arrived = 0;
	let movedMs = performance.now();
	let stopped = false;
	const poll = async (): Promise<void> => {
		while (!stopped) {
			// While the broker is away nothing arrives.
			const now = await arrivedIn(world).catch(() => arrived);
			if (now > arrived) movedMs = performance.now();
			arrived = Math.max(arrived, now);
			await sleep(pollMs);
		}
	};
	void poll();
	return {
		async reached(share) {
			while (arrived < share * world.batches && performance.now() - movedMs < standstillMsMax) await sleep(pollMs / 2);
		},
		stop: () => {
			stopped = true;
		},
	};
}

async function arrivedIn({ log }: FleetWorld): Promise<number> {
	let arrived = 0;
	for (let partition = 0; partition < log.partitions('trace'); partition++)
		arrived += (await log.bounds('trace', partition)).end;
	return arrived;
}
