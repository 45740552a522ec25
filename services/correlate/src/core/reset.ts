// A host starts anew (end of a recording, reboot): nothing of before may leak into what follows, except the batch chain.
import { cellKeysOf } from './cells.ts';
import { createHost, type Host } from './host.ts';

/** `refillFrom`: offset of the first record that belongs to what follows. */
export function resetHost(host: Host, refillFrom: number): void {
	const fresh = createHost(host.name);
	const { chain, dropped, closedSessions } = host;
	for (const key of cellKeysOf(host)) dropped.push(key);
	Object.assign(host, fresh, { chain, dropped, closedSessions, refillFrom });
}
