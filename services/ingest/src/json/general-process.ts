// tetragon.Process as parsed JSON.

import { complain, type Problems } from '../event/problem.ts';
import type { RawProcess } from '../event/process-info.ts';
import { knownUid, maxInt32, maxUint32 } from '../event/range.ts';
import { timeOutOfRange, timeStringUs } from '../event/time.ts';
import {
	isObject,
	type JsonObject,
	pick,
	readArray,
	readBoolean,
	readInteger,
	readObject,
	readText,
	wrongType,
} from './fields.ts';

/** A problem is named from `field` on. */
export function readProcess(problems: Problems, p: JsonObject, field: string): RawProcess {
	const own: Problems = { first: null };
	const raw = readFields(own, p);
	if (own.first) complain(problems, own.first.code, `${field}.${own.first.message}`);
	return raw;
}

/** Names without the owner: they are put together only when something is wrong. */
function readFields(problems: Problems, p: JsonObject): RawProcess {
	const execId = readText(problems, pick(p, 'exec_id', 'execId'), 'exec_id');
	if (execId === '') complain(problems, 'missing-field', 'exec_id: expected a string, found nothing');
	const pod = readObject(problems, p['pod'], 'pod');
	const ns = readObject(problems, p['ns'], 'ns');
	const mnt = ns && readObject(problems, ns['mnt'], 'ns.mnt');
	const inum = mnt ? readInteger(problems, mnt['inum'], 'ns.mnt.inum', 0, maxUint32) : -1;
	return {
		execId,
		parentExecId: readText(problems, pick(p, 'parent_exec_id', 'parentExecId'), 'parent_exec_id'),
		// Avro int: a pid fits, the kernel's limit is 2^22.
		pid: readInteger(problems, p['pid'], 'pid', 0, maxInt32),
		uid: knownUid(readInteger(problems, p['uid'], 'uid', 0, maxUint32)),
		cwd: readText(problems, p['cwd'], 'cwd'),
		binary: readText(problems, p['binary'], 'binary'),
		arguments: readText(problems, p['arguments'], 'arguments'),
		flags: readText(problems, p['flags'], 'flags'),
		startUs: readStart(problems, pick(p, 'start_time', 'startTime'), 'start_time'),
		docker: readText(problems, p['docker'], 'docker'),
		inInitTree: readBoolean(problems, pick(p, 'in_init_tree', 'inInitTree'), 'in_init_tree'),
		mountNamespace: inum === -1 ? 0 : inum,
		podNamespace: pod ? readText(problems, pod['namespace'], 'pod.namespace') : '',
		podName: pod ? readText(problems, pod['name'], 'pod.name') : '',
		environment: readEnvironment(
			problems,
			pick(p, 'environment_variables', 'environmentVariables'),
			'environment_variables',
		),
	};
}

/** -1 when absent or before 1970 (Go's zero time): a process older than the sensor may have none. */
function readStart(problems: Problems, value: unknown, field: string): number {
	const text = readText(problems, value, field);
	if (text === '') return -1;
	const us = timeStringUs(text);
	if (us >= 0) return us;
	if (us !== timeOutOfRange) wrongType(problems, field, 'an RFC 3339 time', value);
	return -1;
}

function readEnvironment(problems: Problems, value: unknown, field: string): string[] {
	const pairs: string[] = [];
	for (const entry of readArray(problems, value, field)) {
		if (!isObject(entry)) {
			wrongType(problems, field, 'an array of objects', entry);
			continue;
		}
		// An empty value is left out by the exporter.
		pairs.push(readText(problems, entry['Key'], 'environment_variables.Key'));
		pairs.push(readText(problems, entry['Value'], 'environment_variables.Value'));
	}
	return pairs;
}
