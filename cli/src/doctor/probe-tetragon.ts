// Asks a Tetragon agent over gRPC. The messages are read from their bytes: three fields need no generated code.
import { Client, credentials, status as grpcStatus, type ServiceError } from '@grpc/grpc-js';
import type { LoadedPolicy, Probed, TetragonState } from './probes.ts';
import { decodeHealth, decodePolicies, decodeVersion, emptyRequest, healthRequest } from './tetragon-messages.ts';

const callMsMax = 3000;
const service = '/tetragon.FineGuidanceSensors/';

/** `address` as grpc-js takes it (`unix:///…`, `HOST:PORT`); local and without TLS. */
export async function probeTetragon(address: string): Promise<Probed<TetragonState>> {
	const client = new Client(address, credentials.createInsecure(), { 'grpc.max_receive_message_length': 1024 * 1024 });
	try {
		const version = decodeVersion(await call(client, 'GetVersion', emptyRequest));
		const health = decodeHealth(await call(client, 'GetHealth', healthRequest));
		return { kind: 'found', value: { version, health, policies: await listPolicies(client) } };
	} catch (cause) {
		return { kind: 'unreadable', why: reasonOf(cause) };
	} finally {
		client.close();
	}
}

/** Older agents, and those whose API is restricted, do not list them. */
async function listPolicies(client: Client): Promise<LoadedPolicy[] | null> {
	try {
		return decodePolicies(await call(client, 'ListTracingPolicies', emptyRequest));
	} catch (cause) {
		const { code } = cause as ServiceError;
		if (code === grpcStatus.UNIMPLEMENTED || code === grpcStatus.PERMISSION_DENIED) return null;
		throw cause;
	}
}

function call(client: Client, method: string, request: Uint8Array): Promise<Uint8Array> {
	return new Promise((resolve, reject) => {
		client.makeUnaryRequest(
			service + method,
			(bytes: Uint8Array) => Buffer.from(bytes),
			(bytes: Buffer): Uint8Array => bytes,
			request,
			{ deadline: Date.now() + callMsMax },
			(error, answer) => {
				if (error) reject(error);
				else resolve(answer ?? emptyRequest);
			},
		);
	});
}

/** grpc-js explains at length; the first part says it. */
function reasonOf(cause: unknown): string {
	const { details, message } = cause as Partial<ServiceError>;
	return (details ?? message ?? String(cause)).replace(/ *Resolution note:.*$/s, '');
}
