// The sockets of one client, so that none outlives it: kafkajs loses some of those it opens while a broker is away or a group moves,
// and a process would wait for the broker to end them (connections.max.idle.ms, ten minutes).
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

export interface Sockets {
	readonly factory: ISocketFactory;
	/** Ends all that are open. */
	destroy(): void;
}

const keepAliveMs = 60_000;

export function createSockets(): Sockets {
	const open = new Set<Socket>();
	return {
		factory: ({ host, port, ssl, onConnect }) => {
			const socket = ssl
				? // A name is asked for by name (SNI); an address has none.
					connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
				: connect({ host, port }, onConnect);
			socket.setKeepAlive(true, keepAliveMs);
			open.add(socket);
			socket.once('close', () => open.delete(socket));
			return socket;
		},
		destroy: () => {
			for (const socket of open) socket.destroy();
		},
	};
}
