// Where Tetragon listens, and how to speak with it: its socket, or TCP with TLS. Certificates are read at each connection, so that
// renewed ones are used without a restart.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ChannelCredentials, type ClientOptions, credentials } from '@grpc/grpc-js';

export interface GrpcTls {
	/** PEM of the CAs that may sign the server's certificate; absent: Node's own. */
	caFile?: string;
	/** Client certificate with its chain, PEM (mTLS); with `keyFile`. */
	certFile?: string;
	keyFile?: string;
	/** Name that the certificate must hold, where it is not the address's. */
	serverName?: string;
}

export type GrpcTarget =
	| { kind: 'unix'; path: string }
	/** `tls` null: plain text, to this machine only. */
	| { kind: 'tcp'; host: string; port: number; tls: GrpcTls | null };

export type ParsedTarget = { kind: 'ok'; target: GrpcTarget } | { kind: 'invalid'; message: string };

const expected = 'expected unix:///PATH, tcp://HOST:PORT or https://HOST:PORT';

/** `unix:///PATH`; `tcp://HOST:PORT`, with TLS where `tls` is given; `https://HOST:PORT`, always with TLS. */
export function parseTarget(address: string, tls: GrpcTls | null): ParsedTarget {
	const unix = /^unix:(?:\/\/)?(\/[^/].*)$/.exec(address);
	if (unix) {
		if (tls !== null) return { kind: 'invalid', message: `${address}: expected no TLS options for a socket` };
		return { kind: 'ok', target: { kind: 'unix', path: unix[1] as string } };
	}
	const tcp = /^(tcp|https):\/\/(\[[0-9A-Fa-f:.]+\]|[^/?#@:[\]]+):(\d{1,5})\/?$/.exec(address);
	const port = Number(tcp?.[3] ?? 0);
	if (!tcp || port < 1 || port > 65_535) return { kind: 'invalid', message: `${address}: ${expected}` };
	if (tls !== null && (tls.certFile === undefined) !== (tls.keyFile === undefined))
		return { kind: 'invalid', message: `${address}: expected certFile and keyFile together` };
	const host = (tcp[2] as string).replace(/^\[|\]$/g, '');
	const secure = tcp[1] === 'https' || tls !== null;
	// What a build runs, with its arguments, is not for everybody on the wire, and who answers there would be believed.
	if (!secure && !isLoopback(host))
		return { kind: 'invalid', message: `${address}: plain text to another machine: expected TLS options or https://` };
	return { kind: 'ok', target: { kind: 'tcp', host, port, tls: secure ? (tls ?? {}) : null } };
}

const isLoopback = (host: string): boolean =>
	host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));

export function nameOfTarget(target: GrpcTarget): string {
	if (target.kind === 'unix') return target.path;
	return target.host.includes(':') ? `[${target.host}]:${target.port}` : `${target.host}:${target.port}`;
}

export type Channel =
	| { kind: 'usable'; address: string; credentials: ChannelCredentials; options: ClientOptions }
	/** A file cannot be read, or holds no key or certificate. */
	| { kind: 'unusable'; message: string };

/** A dead peer shows after this long without an answer; a shorter interval would break gRPC's rule for idle streams (five minutes). */
const keepaliveMs = 310_000;
const keepaliveTimeoutMs = 20_000;

export function channelOf(target: GrpcTarget): Channel {
	if (target.kind === 'unix')
		return { kind: 'usable', address: `unix:${target.path}`, credentials: credentials.createInsecure(), options: {} };
	const address = nameOfTarget(target);
	const options: ClientOptions = {
		'grpc.keepalive_time_ms': keepaliveMs,
		'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
		// Tetragon is not behind a proxy, whatever the environment says for others.
		'grpc.enable_http_proxy': 0,
	};
	const { tls } = target;
	if (tls === null) return { kind: 'usable', address, credentials: credentials.createInsecure(), options };
	if (tls.serverName !== undefined) {
		options['grpc.ssl_target_name_override'] = tls.serverName;
		options['grpc.default_authority'] = tls.serverName;
	}
	try {
		const [ca, key, cert] = [tls.caFile, tls.keyFile, tls.certFile].map((file) =>
			file === undefined ? null : readFileSync(file),
		);
		return { kind: 'usable', address, credentials: credentials.createSsl(ca, key, cert), options };
	} catch (cause) {
		return { kind: 'unusable', message: `${address}: ${cause instanceof Error ? cause.message : String(cause)}` };
	}
}
