// Ours and the peer's CPU time over the same input, taken turn about in one process, so that both meet the same machine.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc') as (options: { type: 'minor' }) => void;
/** The young generation only: a full collection would also throw away compiled code. */
const collectGarbage = (): void => gc({ type: 'minor' });

export interface DecodeBench {
	/** CPU seconds (user and system) for a million lines or messages. */
	cpuSecondsPerMillion: number;
	peerCpuSecondsPerMillion: number;
	/** The peer's time over ours: above 1 we are faster. */
	ratio: number;
}

export interface Contest {
	/** Lines or messages that one call of `ours` and of `peer` takes. */
	count: number;
	/** Return something of every result, so that nothing is optimised away. */
	ours: () => number;
	peer: () => number;
	rounds: number;
	/** Rounds before the first that counts: both are compiled by then. */
	warmUpRounds: number;
}

export function contest({ count, ours, peer, rounds, warmUpRounds }: Contest): DecodeBench {
	const ourTimes: number[] = [];
	const peerTimes: number[] = [];
	let sum = 0;
	for (let round = 0; round < warmUpRounds + rounds; round++) {
		// Who goes first changes: what the machine does meanwhile meets both.
		const first = round % 2 === 0 ? ours : peer;
		const second = round % 2 === 0 ? peer : ours;
		// Neither pays for the other's garbage, nor for the round before.
		collectGarbage();
		const firstTime = cpuMicroseconds(() => {
			sum += first();
		});
		collectGarbage();
		const secondTime = cpuMicroseconds(() => {
			sum += second();
		});
		if (round < warmUpRounds) continue;
		ourTimes.push(first === ours ? firstTime : secondTime);
		peerTimes.push(first === ours ? secondTime : firstTime);
	}
	if (sum === 0) throw new Error('contest: expected results');
	const cpuSecondsPerMillion = median(ourTimes) / count;
	const peerCpuSecondsPerMillion = median(peerTimes) / count;
	return { cpuSecondsPerMillion, peerCpuSecondsPerMillion, ratio: peerCpuSecondsPerMillion / cpuSecondsPerMillion };
}

/** Microseconds for `count` things are seconds for a million of them, divided by `count`. */
function cpuMicroseconds(work: () => void): number {
	const before = process.cpuUsage();
	work();
	const { user, system } = process.cpuUsage(before);
	return user + system;
}

function median(values: readonly number[]): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[sorted.length >> 1] as number;
}
