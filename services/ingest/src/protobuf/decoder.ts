// One GetEventsResponse to a trace event, without a generated decoder: what is known or not needed is passed over.
import { type ProcessInfo, unknownProcess } from '@affidavit/model/trace-event.ts';
import type { DecodeErrorCode, DecodeResult, Decoder } from '../decode-result.ts';
import { asBytes, setInput } from '../event/bytes.ts';
import { complain } from '../event/problem.ts';
import { createProcessCache } from '../event/process-cache.ts';
import { createProcessBuilder, type Redactor } from '../event/process-info.ts';
import { createStringCache } from '../event/string-cache.ts';
import { malformedTime, timeOutOfRange } from '../event/time.ts';
import { defaultEnvironment } from '../redact/environment.ts';
import { createRedactor } from '../redact/redactor.ts';
import { createArgumentList } from './arguments.ts';
import { eventOf, readBody, type State } from './body.ts';
import { takeBytes, takeText, takeTimestamp } from './fields.ts';
import { type Layout, lastEnvelopeField, layoutOf, nodeNameField, timeField } from './layout.ts';
import { createProcessReader } from './process.ts';
import { createWire, nextField, skipValue, type Wire } from './wire.ts';

export interface ProtobufDecoderOptions {
	/** Longest message, bytes; 1 MiB when absent. */
	readonly messageBytesMax?: number;
	/** Processes that are remembered; 16,384 when absent. */
	readonly processesMax?: number;
	/** Bytes of remembered processes; 32 MiB when absent. */
	readonly processBytesMax?: number;
	/** Names of the environment variables that may leave the host (`NAME`, `PREFIX*`); redact/environment.ts when absent. */
	readonly environmentAllow?: readonly string[];
	/** Applied to arguments and environment; the shipped patterns when absent. */
	readonly redact?: Redactor;
}

const defaults = { messageBytesMax: 1 << 20, processesMax: 16_384, processBytesMax: 32 << 20 };

/** No process did it: the sensor reports about itself. */
const noProcess: ProcessInfo = unknownProcess('');

export function createProtobufDecoder(options: ProtobufDecoderOptions = {}): Decoder {
	const bytesMax = options.messageBytesMax ?? defaults.messageBytesMax;
	const cache = createProcessCache({
		entriesMax: options.processesMax ?? defaults.processesMax,
		bytesMax: options.processBytesMax ?? defaults.processBytesMax,
	});
	const build = createProcessBuilder(
		options.environmentAllow ?? defaultEnvironment,
		options.redact ?? createRedactor(),
	);
	const state: State = {
		wire: createWire(),
		body: { list: createArgumentList(), process: null, parent: null, text: '', second: '', digest: '', number: 0 },
		processes: createProcessReader(cache, build),
		strings: createStringCache(),
		digests: createStringCache(),
		hooks: new Map(),
		lastProcess: null,
		lastParent: null,
	};
	return {
		decode(bytes) {
			if (bytes.length > bytesMax)
				return failure('too-long', `message: expected at most ${bytesMax} bytes, found ${bytes.length}`);
			return decodeMessage(state, bytes);
		},
	};
}

const noEvent = 'message: expected an event, found none';
const unknownEvent = 'message: expected process_exec, process_kprobe or another known event';

const failure = (code: DecodeErrorCode, message: string): DecodeResult => ({ kind: 'error', code, message });

function decodeMessage(state: State, bytes: Uint8Array): DecodeResult {
	const { wire, body } = state;
	setInput(wire.input, asBytes(bytes));
	wire.first = null;
	wire.pos = 0;
	const envelope = readEnvelope(state);
	if (!envelope) return problemOf(wire);
	const { layout, host, timeUs } = envelope;
	if (!readBody(state, layout, envelope.start, envelope.end)) return problemOf(wire);
	const event = eventOf(state, layout, timeUs);
	const process = body.process ? body.process.info : noProcess;
	return { kind: 'event', host, event, process, parent: body.parent ? body.parent.info : null };
}

function problemOf(wire: Wire): DecodeResult {
	return wire.first ? failure(wire.first.code, wire.first.message) : failure('missing-field', noEvent);
}

interface Envelope {
	readonly layout: Layout;
	/** Of the event's body. */
	readonly start: number;
	readonly end: number;
	readonly host: string;
	readonly timeUs: number;
}

/** null when something is wrong, with the reason in the wire. */
function readEnvelope(state: State): Envelope | null {
	const { wire } = state;
	const { end } = wire.input;
	let layout: Layout | null = null;
	let bodyStart = 0;
	let bodyEnd = 0;
	let unknown = 0;
	let host = '';
	let timeUs = malformedTime;
	let timed = false;
	while (nextField(wire, end)) {
		const { field } = wire;
		if (field === nodeNameField) host = takeText(wire, end, 'node_name', state.strings);
		else if (field === timeField) {
			timeUs = takeTimestamp(wire, end, 'time');
			timed = true;
		} else {
			const found = layoutOf(field);
			if (found && takeBytes(wire, end, found.name)) {
				layout = found;
				bodyStart = wire.start;
				bodyEnd = wire.end;
			} else if (!found) {
				if (field < nodeNameField || field > lastEnvelopeField) unknown = field;
				skipValue(wire, end);
			}
		}
	}
	if (wire.first !== null) return null;
	if (!layout) {
		if (unknown === 0) complain(wire, 'missing-field', noEvent);
		else complain(wire, 'unknown-event', `${unknownEvent}, found field ${unknown}`);
		return null;
	}
	if (host === '') complain(wire, 'missing-field', 'node_name: expected a string, found nothing');
	else if (!timed) complain(wire, 'missing-field', 'time: expected a timestamp, found nothing');
	else if (timeUs === timeOutOfRange) complain(wire, 'out-of-range', 'time: expected a time from 1970 to 2199');
	else if (timeUs < 0) complain(wire, 'wrong-type', 'time: expected a timestamp');
	else return { layout, start: bodyStart, end: bodyEnd, host, timeUs };
	return null;
}
