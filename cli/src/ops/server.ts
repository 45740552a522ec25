// /healthz, /readyz and /metrics on a port of their own. It answers anybody who reaches it, takes nothing from anybody,
// and listens on loopback unless it is told otherwise.
import type { Emit } from '@affidavit/stream/internal-event.ts';
import { fastify } from 'fastify';
import { Registry } from 'prom-client';
import { CliError } from '../errors.ts';
import type { Readiness } from './readiness.ts';

export interface OpsServerOptions {
	host: string;
	/** 0: any free one. */
	port: number;
	readiness: () => Promise<Readiness>;
	registry: Registry;
	emit: Emit;
}

export interface OpsServer {
	/** http://HOST:PORT as bound. */
	url: string;
	close(): Promise<void>;
}

const limits = {
	headerBytes: 8 * 1024,
	requestMs: 10_000,
	keepAliveMs: 30_000,
	connections: 64,
	urlChars: 256,
};
const json = 'application/json; charset=utf-8';

/** Throws CliError('listen-failed') when the port cannot be had. */
export async function openOpsServer(options: OpsServerOptions): Promise<OpsServer> {
	const app = fastify({
		logger: false,
		bodyLimit: 1,
		requestTimeout: limits.requestMs,
		connectionTimeout: limits.requestMs + limits.keepAliveMs,
		keepAliveTimeout: limits.keepAliveMs,
		forceCloseConnections: true,
		routerOptions: { maxParamLength: limits.urlChars },
		http: { maxHeaderSize: limits.headerBytes, headersTimeout: limits.requestMs },
	});
	app.server.maxConnections = limits.connections;
	app.addHook('onRequest', async (request, reply) => {
		if (request.raw.headers['content-length'] !== undefined || request.raw.headers['transfer-encoding'] !== undefined)
			return reply.code(413).header('connection', 'close').send();
		if (request.method !== 'GET' && request.method !== 'HEAD')
			return reply.code(405).header('allow', 'GET, HEAD').send();
		reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
	});
	// That it is answered at all is the news: the event loop turns.
	app.get('/healthz', async (_request, reply) => reply.type(json).send(`${JSON.stringify({ status: 'alive' })}\n`));
	app.get('/readyz', async (_request, reply) => {
		const readiness = await options.readiness();
		return reply
			.code(readiness.ready ? 200 : 503)
			.type(json)
			.send(`${JSON.stringify(readiness)}\n`);
	});
	// OpenMetrics for everybody: prom-client renames its counters on the first such scrape, so the older form cannot be had beside it.
	const registry = options.registry as unknown as Registry<typeof Registry.OPENMETRICS_CONTENT_TYPE>;
	registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
	app.get('/metrics', async (_request, reply) => reply.type(registry.contentType).send(await registry.metrics()));
	app.setNotFoundHandler((_request, reply) => reply.code(404).send());
	// What went wrong is in the log, not for whoever asked.
	app.setErrorHandler((error, request, reply) => {
		options.emit({
			name: 'ops_request_failed',
			stage: 'ops',
			reason: request.routeOptions.url ?? 'unknown',
			intentional: false,
			message: error instanceof Error ? error.message : String(error),
		});
		return reply.code(500).send();
	});
	try {
		const url = await app.listen({ host: options.host, port: options.port });
		return { url, close: () => app.close() };
	} catch (cause) {
		await app.close();
		const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
		throw new CliError(
			'listen-failed',
			`ops.host, ops.port: cannot listen on ${options.host}:${options.port} (${code}); choose another port, or set ops.enabled to false`,
			cause,
		);
	}
}
