// A webhook receiver that misbehaves as told, and findings to send it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { findingCodec } from '@affidavit/model/codec.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';

export const secret = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`;

export interface Received {
	headers: Record<string, string>;
	body: string;
	path: string;
}

export type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

export const ok: Answer = (response) => response.writeHead(204).end();
export const status =
	(code: number, headers: Record<string, string> = {}): Answer =>
	(response) =>
		response.writeHead(code, headers).end();

export interface Receiver {
	url: string;
	received: Received[];
	answer: Answer;
	[Symbol.asyncDispose](): Promise<void>;
}

export async function startReceiver(answer: Answer = ok): Promise<Receiver> {
	const received: Received[] = [];
	const sockets = new Set<Socket>();
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		response.on('error', () => {});
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const headers = Object.fromEntries(Object.entries(request.headers).map(([k, v]) => [k, String(v)]));
			received.push({ headers, body: Buffer.concat(chunks).toString(), path: request.url ?? '' });
			receiver.answer(response, request, received.length);
		});
	});
	server.on('connection', (socket) => {
		sockets.add(socket);
		socket.on('error', () => {});
		socket.on('close', () => sockets.delete(socket));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const receiver: Receiver = {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
		received,
		answer,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
	return receiver;
}

const process = { execId: 'aG9zdDoxOjI=', binary: '/usr/bin/python3', arguments: 'agent.py', pid: 1298 };

export const finding = (change: Partial<Finding> = {}): Finding => ({
	id: 'f'.repeat(64),
	session: 's'.repeat(64),
	rule: 'compiler-read-differs-from-repo',
	title: 'The compiler read something else than the commit holds',
	severity: 'critical',
	state: 'confirmed',
	path: 'main.go',
	digest: 'b'.repeat(64),
	expectedDigest: '6'.repeat(64),
	process,
	writer: process,
	products: ['bin/goapp'],
	attribution: 'certain',
	attack: ['T1195.002'],
	explanation: 'written by python3, read by compile',
	evidence: [{ timeUs: 1, what: 'write', process, path: '/w/main.go', digest: '', size: -1, assurance: '' }],
	firstUs: 1_790_000_000_000_000,
	lastUs: 1_790_000_001_000_000,
	count: 1,
	...change,
});

export const numbered = (n: number, change: Partial<Finding> = {}): Finding =>
	finding({ id: n.toString(16).padStart(64, '0'), ...change });

export const record = (offset: number, value: Finding | Uint8Array): LogRecord => ({
	topic: 'finding',
	partition: 0,
	offset,
	key: 's',
	value: value instanceof Uint8Array ? value : findingCodec.encode(value),
	timestampUs: -1,
	origin: null,
	seal: null,
	traceparent: null,
});
