// A Confluent-compatible schema registry in memory, over HTTP: what openRegistryFrames asks of one, with BACKWARD_TRANSITIVE checks.
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import avsc from 'avsc';

/** Answers in the registry's place and returns true, or returns false. */
export type Interfere = (request: IncomingMessage, response: ServerResponse, path: string) => boolean;

export interface RegistryDouble {
	url: string;
	/** Method and path of each request, in order. */
	requests: string[];
	/** Registered texts, by id. */
	schemas: Map<number, string>;
	/** Ids of each subject, oldest first. */
	subjects: Map<string, number[]>;
	/** Takes a schema as if somebody else had registered it. */
	add(subject: string, text: string): number;
	interfere: Interfere;
	close(): Promise<void>;
}

export interface RegistryDoubleOptions {
	/** Of the first schema; the next get the numbers after it. */
	firstId?: number;
	authorization?: string;
	tls?: { cert: string; key: string };
}

export async function startRegistryDouble(options: RegistryDoubleOptions = {}): Promise<RegistryDouble> {
	const schemas = new Map<number, string>();
	const subjects = new Map<string, number[]>();
	let nextId = options.firstId ?? 1;
	const double: RegistryDouble = {
		url: '',
		requests: [],
		schemas,
		subjects,
		interfere: () => false,
		add: (subject, text) => {
			const canonical = JSON.stringify(JSON.parse(text));
			let id = [...schemas].find(([, known]) => known === canonical)?.[0];
			if (id === undefined) {
				id = nextId++;
				schemas.set(id, canonical);
			}
			const ids = subjects.get(subject) ?? [];
			if (!ids.includes(id)) ids.push(id);
			subjects.set(subject, ids);
			return id;
		},
		close: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
				server.closeAllConnections();
			}),
	};
	const listener: RequestListener = (request, response) => {
		const path = decodeURIComponent(request.url ?? '');
		double.requests.push(`${request.method} ${path}`);
		if (double.interfere(request, response, path)) return;
		if (options.authorization !== undefined && request.headers.authorization !== options.authorization) {
			answer(response, 401, { error_code: 40101, message: 'User cannot access the resource.' });
			return;
		}
		let body = '';
		request.setEncoding('utf8');
		request.on('data', (chunk: string) => {
			body += chunk;
		});
		request.on('end', () => serve(double, request, response, path, body));
	};
	const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	double.url = `${options.tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return double;
}

export function answer(response: ServerResponse, status: number, body: unknown): void {
	response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' });
	response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function serve(
	double: RegistryDouble,
	request: IncomingMessage,
	response: ServerResponse,
	path: string,
	body: string,
): void {
	const [status, found] = outcomeOf(double, `${request.method} ${path}`, body);
	answer(response, status, found);
}

function outcomeOf(double: RegistryDouble, call: string, body: string): [status: number, body: unknown] {
	const byId = /^GET \/schemas\/ids\/(\d+)$/.exec(call);
	if (byId) {
		const schema = double.schemas.get(Number(byId[1]));
		return schema === undefined ? [404, { error_code: 40403, message: 'Schema not found' }] : [200, { schema }];
	}
	const subject = /^POST \/subjects\/([^/]+)(\/versions)?$/.exec(call);
	if (!subject) return [404, { error_code: 404, message: 'HTTP 404' }];
	const name = subject[1] as string;
	const text = (JSON.parse(body) as { schema: string }).schema;
	const ids = double.subjects.get(name) ?? [];
	const known = ids.find((id) => double.schemas.get(id) === JSON.stringify(JSON.parse(text)));
	if (known !== undefined) return [200, { subject: name, id: known, version: 1, schema: text }];
	if (subject[2] === undefined) return [404, { error_code: ids.length === 0 ? 40401 : 40403, message: 'not found' }];
	if (ids.every((id) => reads(text, double.schemas.get(id) as string))) return [200, { id: double.add(name, text) }];
	return [409, { error_code: 409, message: 'Schema being registered is incompatible' }];
}

function reads(reader: string, writer: string): boolean {
	try {
		avsc.Type.forSchema(JSON.parse(reader)).createResolver(avsc.Type.forSchema(JSON.parse(writer)));
		return true;
	} catch {
		return false;
	}
}
