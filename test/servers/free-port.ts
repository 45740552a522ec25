import { createServer } from 'node:net';

/** Below the kernel's ephemeral ports: no client's own port can take it while its server is down for a restart. */
const lowest = 15_000;
const highest = 31_900;
const attemptsMax = 200;

const given = new Set<number>();

/** `count` neighbouring loopback ports that nobody listens on, never given out twice by this process; the first of them. */
export async function freePorts(count = 1): Promise<number> {
	for (let attempt = 0; attempt < attemptsMax; attempt++) {
		const first = lowest + Math.floor(Math.random() * (highest - lowest));
		const ports = Array.from({ length: count }, (_, i) => first + i);
		if (ports.some((port) => given.has(port))) continue;
		if (!(await Promise.all(ports.map(isFree))).every(Boolean)) continue;
		for (const port of ports) given.add(port);
		return first;
	}
	throw new Error(`no ${count} free ports found between ${lowest} and ${highest}`);
}

function isFree(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const server = createServer();
		server.once('error', () => resolve(false));
		server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
	});
}
