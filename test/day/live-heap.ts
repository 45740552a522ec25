// Loaded into each service of the day before its own code (`node --import`): collects garbage now and then and prints what is
// left. The service itself is the one that users run. Query: `everyMs`, and `leakBytes` and `leakFrom`, a file that says when, for the proof
// that the check can fail.
import { existsSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface HeapNews {
	event: 'live-heap';
	/** Objects and buffers after a garbage collection, bytes. */
	liveBytes: number;
	rssBytes: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const { searchParams } = new URL(import.meta.url);
const leakBytes = Number(searchParams.get('leakBytes') ?? 0);
const leakFrom = searchParams.get('leakFrom');
const leaked: Buffer[] = [];

setInterval(
	() => {
		if (leakFrom !== null && existsSync(leakFrom)) leaked.push(Buffer.alloc(leakBytes, leaked.length));
		collect();
		const { heapUsed, external, rss } = process.memoryUsage();
		const news: HeapNews = { event: 'live-heap', liveBytes: heapUsed + external, rssBytes: rss };
		process.stdout.write(`${JSON.stringify(news)}\n`);
	},
	Number(searchParams.get('everyMs') ?? 5_000),
).unref();
