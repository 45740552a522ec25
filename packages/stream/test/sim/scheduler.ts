// Processes that take turns by seed, and die: the machinery of a simulation, whatever the processes do.
import { StreamError } from '../../src/errors.ts';
import type { Log, Store } from '../../src/ports.ts';
import { CrashError } from '../../src/runner/options.ts';
import type { Random } from './random.ts';

export interface Scheduler {
	/** Waits for its turn; rejects with CrashError when the process dies here. */
	gate(point: string): Promise<void>;
	/** For places where a process cannot wait: throws or does not. */
	crashPoint(point: string): void;
	/** Lets one waiting call go on; false when none waits. */
	letOneThrough(): boolean;
	/** Takes one waiting call aside (SIGSTOP): it goes on only after `thawOne`. */
	freezeOne(): void;
	thawOne(): void;
	noteFenced(): void;
	crashes(): number;
	fenced(): number;
}

const frozenMax = 4;

export function createScheduler(random: Random, crash: number): Scheduler {
	const waiting: { point: string; resolve: () => void; reject: (error: CrashError) => void }[] = [];
	const frozen: typeof waiting = [];
	let crashes = 0;
	let fenced = 0;
	const dies = (): boolean => {
		if (!random.chance(crash)) return false;
		crashes += 1;
		return true;
	};
	return {
		gate: (point) => new Promise((resolve, reject) => waiting.push({ point, resolve, reject })),
		crashPoint: (point) => {
			if (dies()) throw new CrashError(point);
		},
		letOneThrough: () => {
			const [one] = waiting.splice(random.below(waiting.length), 1);
			if (!one) return false;
			if (dies()) one.reject(new CrashError(one.point));
			else one.resolve();
			return true;
		},
		freezeOne: () => {
			// A few at most, or nobody is left to overtake them.
			if (frozen.length < frozenMax) frozen.push(...waiting.splice(random.below(waiting.length), 1));
		},
		thawOne: () => {
			waiting.push(...frozen.splice(random.below(frozen.length), 1));
		},
		noteFenced: () => {
			fenced += 1;
		},
		crashes: () => crashes,
		fenced: () => fenced,
	};
}

/** Every call waits before and after it is done, so that a process can die or be overtaken on either side. */
export function gated(log: Log, store: Store, scheduler: Scheduler): { log: Log; store: Store } {
	const around = async <T>(name: string, call: () => Promise<T>): Promise<T> => {
		await scheduler.gate(`before ${name}`);
		const result = await call();
		await scheduler.gate(`after ${name}`);
		return result;
	};
	return {
		log: {
			...log,
			// One by one, as a broker without transactions may do it.
			append: async (records) => {
				for (const record of records) await around('append', () => log.append([record]));
			},
			read: (...args) => around('read', () => log.read(...args)),
			saveLowWater: (...args) => around('saveLowWater', () => log.saveLowWater(...args)),
		},
		store: {
			...store,
			load: (scope) => around('load', () => store.load(scope)),
			commit: (scope, commit) => around('commit', () => store.commit(scope, commit)),
			published: (scope, id, at) => around('published', () => store.published(scope, id, at)),
			lastOutboxId: (scope) => around('lastOutboxId', () => store.lastOutboxId(scope)),
		},
	};
}

/** Runs a process, and starts it anew when it dies or is fenced. */
export async function restarting(scheduler: Scheduler, life: () => Promise<'done' | 'fenced'>): Promise<void> {
	for (;;) {
		try {
			if ((await life()) === 'done') return;
			scheduler.noteFenced();
		} catch (error) {
			if (!(error instanceof CrashError) && !(error instanceof StreamError && error.code === 'fenced')) throw error;
		}
	}
}
