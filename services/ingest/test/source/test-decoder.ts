// A decoder for tests: {"host","t"(seconds),"id","path"} a line; real lines of an export get just host, time and exec_id.
import { emptyEvent, type ProcessInfo, unknownProcess } from '@affidavit/model/trace-event.ts';
import type { DecodeResult, Decoder } from '../../src/decode-result.ts';

export const baseUs = Date.parse('2026-11-23T04:00:00Z') * 1000;

export function testDecoder(): Decoder {
	const processes = new Map<string, ProcessInfo>();
	const processOf = (execId: string): ProcessInfo => {
		let process = processes.get(execId);
		if (process === undefined) {
			process = { ...unknownProcess(execId), parentExecId: 'root', pid: 7 };
			processes.set(execId, process);
		}
		return process;
	};
	return {
		decode(bytes): DecodeResult {
			let line: Record<string, unknown>;
			try {
				line = JSON.parse(Buffer.from(bytes).toString());
			} catch (cause) {
				return { kind: 'error', code: 'not-json', message: `line: ${String(cause)}` };
			}
			if (typeof line['host'] !== 'string' || typeof line['t'] !== 'number')
				return { kind: 'error', code: 'missing-field', message: 'host: expected a string' };
			const execId = String(line['id'] ?? 'e1');
			const event = emptyEvent('open', baseUs + line['t'] * 1e6, execId, 'file_post_open');
			event.path = String(line['path'] ?? '');
			return { kind: 'event', host: line['host'], event, process: processOf(execId), parent: processOf('root') };
		},
	};
}
