// A small OTLP receiver over HTTP: keeps what was posted, by path.
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface Posted {
	path: string;
	headers: IncomingHttpHeaders;
	body: Buffer;
}

export interface Receiver {
	url: string;
	posted: Posted[];
	/** The next answers have this status. */
	answer: (status: number) => void;
}

export async function openReceiver(t: TestContext): Promise<Receiver> {
	const posted: Posted[] = [];
	let status = 200;
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			posted.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks) });
			response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	t.after(() => {
		server.closeAllConnections();
		server.close();
	});
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		posted,
		answer: (next) => {
			status = next;
		},
	};
}
