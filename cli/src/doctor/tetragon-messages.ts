// The few messages of Tetragon's gRPC service that the doctor reads, from their bytes (field numbers of
// api/v1/tetragon/sensors.proto and tetragon.proto). Anything else in them is skipped.
import type { LoadedPolicy, PolicyState } from './probes.ts';

/** GetHealthStatusRequest { event_set: [HEALTH_STATUS_TYPE_STATUS] } */
export const healthRequest: Uint8Array = Uint8Array.of(0x0a, 0x01, 0x01);
export const emptyRequest: Uint8Array = new Uint8Array(0);

interface Field {
	number: number;
	/** Of a varint; 0 for other wire types. */
	value: number;
	/** Of a length-delimited field; empty for other wire types. */
	bytes: Uint8Array;
}

/** Throws RangeError on bytes that are no message. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
	let at = 0;
	const varint = (): number => {
		let value = 0;
		let scale = 1;
		for (let i = 0; i < 10; i++) {
			const byte = bytes[at++];
			if (byte === undefined) throw new RangeError('the message ends in a number');
			value += (byte & 0x7f) * scale;
			scale *= 128;
			if (byte < 0x80) return value;
		}
		throw new RangeError('a number has no end');
	};
	const take = (length: number): Uint8Array => {
		if (length > bytes.length - at) throw new RangeError('a field is longer than its message');
		at += length;
		return bytes.subarray(at - length, at);
	};
	const none = new Uint8Array(0);
	while (at < bytes.length) {
		const tag = varint();
		const number = Math.floor(tag / 8);
		const wireType = tag % 8;
		if (wireType === 0) yield { number, value: varint(), bytes: none };
		else if (wireType === 2) yield { number, value: 0, bytes: take(varint()) };
		else if (wireType === 1) take(8);
		else if (wireType === 5) take(4);
		else throw new RangeError(`wire type ${wireType} is not in use`);
	}
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');

/** GetVersionResponse.version = 1 */
export function decodeVersion(bytes: Uint8Array): string {
	let version = '';
	for (const field of fieldsOf(bytes)) if (field.number === 1) version = textOf(field.bytes);
	return version;
}

const healthNames = ['undefined', 'running', 'stopped', 'error'];

/** GetHealthStatusResponse.health_status = 1 { status = 2, details = 3 }: the worst of them. */
export function decodeHealth(bytes: Uint8Array): string {
	let worst = '';
	for (const entry of fieldsOf(bytes)) {
		if (entry.number !== 1) continue;
		let status = 0;
		let details = '';
		for (const field of fieldsOf(entry.bytes)) {
			if (field.number === 2) status = field.value;
			else if (field.number === 3) details = textOf(field.bytes);
		}
		const name = healthNames[status] ?? `status ${status}`;
		if (name !== 'running') return details === '' ? name : `${name}: ${details}`;
		worst = name;
	}
	return worst === '' ? 'undefined' : worst;
}

const stateNames: readonly PolicyState[] = [
	'unknown',
	'enabled',
	'disabled',
	'load-error',
	'error',
	'loading',
	'unloading',
];

/** ListTracingPoliciesResponse.policies = 1 { name = 2, enabled = 6, error = 8, state = 9 } */
export function decodePolicies(bytes: Uint8Array): LoadedPolicy[] {
	const policies: LoadedPolicy[] = [];
	for (const entry of fieldsOf(bytes)) if (entry.number === 1) policies.push(decodePolicy(entry.bytes));
	return policies;
}

function decodePolicy(bytes: Uint8Array): LoadedPolicy {
	let name = '';
	let error = '';
	let isEnabled = false;
	let state: PolicyState = 'unknown';
	for (const field of fieldsOf(bytes)) {
		if (field.number === 2) name = textOf(field.bytes);
		else if (field.number === 6) isEnabled = field.value === 1;
		else if (field.number === 8) error = textOf(field.bytes);
		else if (field.number === 9) state = stateNames[field.value] ?? 'unknown';
	}
	// Agents from before `state` say `enabled` alone.
	if (state === 'unknown' && isEnabled) state = 'enabled';
	return { name, state, error };
}
