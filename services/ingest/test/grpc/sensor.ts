// A gRPC server on a unix socket that plays Tetragon's part: a real one, so that the client's own code is what is tested.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type handleServerStreamingCall, Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';

export type SensorCall = ServerWritableStream<Buffer, Buffer>;

const asIs = (bytes: Buffer): Buffer => bytes;

export interface Sensor {
	/** Starts (again) at the same socket. */
	start(play: (call: SensorCall) => void): Promise<void>;
	/** As a crash: connections are cut. */
	stop(): void;
}

/** The sensor's service on a server that is not bound yet. */
export function sensorServer(play: (call: SensorCall) => void): Server {
	const server = new Server();
	const handler: handleServerStreamingCall<Buffer, Buffer> = play;
	server.addService(
		{
			GetEvents: {
				path: '/tetragon.FineGuidanceSensors/GetEvents',
				requestStream: false,
				responseStream: true,
				requestSerialize: asIs,
				requestDeserialize: asIs,
				responseSerialize: asIs,
				responseDeserialize: asIs,
			},
		},
		{ GetEvents: handler },
	);
	return server;
}

/** Resolves with the port; 0 for a socket. */
export function bind(server: Server, address: string, credentials: ServerCredentials): Promise<number> {
	return new Promise((resolve, reject) => {
		server.bindAsync(address, credentials, (error, port) => (error ? reject(error) : resolve(port)));
	});
}

export async function withSensor(use: (socketPath: string, sensor: Sensor) => Promise<void>): Promise<void> {
	const folder = await mkdtemp(join(tmpdir(), 'sensor-'));
	const socketPath = join(folder, 's');
	let server: Server | null = null;
	const sensor: Sensor = {
		async start(play) {
			const started = sensorServer(play);
			await rm(socketPath, { force: true });
			await bind(started, `unix:${socketPath}`, ServerCredentials.createInsecure());
			server = started;
		},
		stop() {
			server?.forceShutdown();
			server = null;
		},
	};
	try {
		await use(socketPath, sensor);
	} finally {
		sensor.stop();
		await rm(folder, { recursive: true, force: true });
	}
}
