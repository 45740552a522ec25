// What the services' logs tell of a run: whether the faults hit what they were meant to.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Number of internal events by `name reason`, of all processes. */
export function seenEvents(logs: string): Map<string, number> {
	const seen = new Map<string, number>();
	for (const file of readdirSync(logs))
		for (const [, name, reason] of readFileSync(join(logs, file), 'utf8').matchAll(event)) {
			const key = `${name} ${reason}`;
			seen.set(key, (seen.get(key) ?? 0) + 1);
		}
	return seen;
}

const event = /"event":"([a-z_]+)","stage":"[^"]*","reason":"([a-z-]+)"/g;
