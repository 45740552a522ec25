// What happens in one run, by its seed alone (pure): who starts when, and what dies, pauses and comes back when.
import { createRandom, type Random } from '../../packages/stream/test/sim/random.ts';

export type FaultedService = 'correlate' | 'detect' | 'sign' | 'alert';
export const faultedServices: readonly FaultedService[] = ['correlate', 'detect', 'sign', 'alert'];

export type Fault =
	/** SIGKILL, and a new start. `host`: index; an agent that is done by then is left alone. */
	| { kind: 'kill-agent'; host: number; downMs: number }
	/** `worker`: index among those that run then. */
	| { kind: 'kill-worker'; service: FaultedService; worker: number; downMs: number }
	/** One worker more for the rest of the run: partitions move. */
	| { kind: 'add-worker'; service: FaultedService }
	/** SIGTERM: it hands its partitions over. */
	| { kind: 'remove-worker'; service: FaultedService; worker: number; downMs: number }
	/** SIGSTOP until its partitions have moved to others, and then SIGCONT. */
	| { kind: 'pause-worker'; service: FaultedService; worker: number; flush: boolean }
	| { kind: 'kill-redis'; downMs: number }
	/** Killed, and restarted with the data that it had `lostMs` before. */
	| { kind: 'roll-back-redis'; lostMs: number; downMs: number }
	/** FLUSHALL, so often, `gapMs` apart. */
	| { kind: 'flush-redis'; times: number; gapMs: number }
	| { kind: 'kill-broker'; downMs: number };

export interface PlannedFault {
	/** Share of the hosts' batches that are in topic `trace` by then, 0 to 1: a busy machine is later, and hits the same. */
	at: number;
	fault: Fault;
}

export interface FaultPlan {
	seed: number;
	partitions: number;
	/** Workers of each service at the start. */
	workers: Readonly<Record<FaultedService, number>>;
	/** When each host's agent starts, milliseconds. */
	agentStartsMs: readonly number[];
	/** In order. */
	faults: readonly PlannedFault[];
}

const agentWindowMs = 4_000;

export function planFaults(seed: number, hosts: number): FaultPlan {
	const random = createRandom(seed);
	const faults: PlannedFault[] = [];
	const add = (fault: Fault, at = 0.03 + random.next() * 0.9): number => {
		faults.push({ at, fault });
		return at;
	};
	const servers = [...serverFaults];
	for (let i = 0; i < 2; i++) {
		const at = add((servers.splice(random.below(servers.length), 1)[0] as Make)(random));
		// What a lost store has done to a worker shows when the next one loads from it.
		if (random.chance(0.7)) add(killWorker(random), at + 0.05 + random.next() * 0.1);
	}
	// Early, so that the worker wakes while its partitions are still at work elsewhere.
	if (random.chance(0.6)) add(pauseWorker(random), 0.02 + random.next() * 0.2);
	const workers = 2 + random.below(4);
	for (let i = 0; i < workers; i++) add((workerFaults[random.below(workerFaults.length)] as Make)(random));
	const agents = 2 + random.below(4);
	for (let i = 0; i < agents; i++)
		add({ kind: 'kill-agent', host: random.below(hosts), downMs: 200 + random.below(1_500) });
	return {
		seed,
		partitions: 3 + random.below(4),
		workers: { correlate: 1 + random.below(2), detect: 1 + random.below(2), sign: 1 + random.below(2), alert: 1 },
		agentStartsMs: Array.from({ length: hosts }, () => random.below(agentWindowMs)),
		faults: faults.sort((a, b) => a.at - b.at),
	};
}

type Make = (random: Random) => Fault;

const anyService = (random: Random): FaultedService =>
	faultedServices[random.below(faultedServices.length)] as FaultedService;
const downMs = (random: Random): number => 300 + random.below(2_500);

const serverFaults: readonly Make[] = [
	(random) => ({ kind: 'kill-redis', downMs: downMs(random) }),
	(random) => ({ kind: 'roll-back-redis', lostMs: 700 + random.below(600), downMs: downMs(random) }),
	() => ({ kind: 'flush-redis', times: 1, gapMs: 0 }),
	(random) => ({ kind: 'flush-redis', times: 2, gapMs: 100 + random.below(2_500) }),
	(random) => ({ kind: 'kill-broker', downMs: downMs(random) }),
];

const killWorker: Make = (random) => ({
	kind: 'kill-worker',
	service: random.chance(0.5) ? 'correlate' : anyService(random),
	worker: random.below(8),
	downMs: downMs(random),
});

const workerFaults: readonly Make[] = [
	killWorker,
	killWorker,
	(random) => ({ kind: 'add-worker', service: anyService(random) }),
	(random) => ({ kind: 'remove-worker', service: anyService(random), worker: random.below(8), downMs: downMs(random) }),
];

const pauseWorker: Make = (random) => ({
	kind: 'pause-worker',
	service: random.chance(0.5) ? 'correlate' : anyService(random),
	worker: random.below(8),
	flush: random.chance(0.5),
});

/** One line each, for the report of a failing seed. */
export const describePlan = ({ partitions, workers, faults }: FaultPlan): string[] => [
	`${partitions} partitions; workers ${JSON.stringify(workers)}`,
	...faults.map(({ at, fault }) => `${at.toFixed(2)} ${JSON.stringify(fault)}`),
];
