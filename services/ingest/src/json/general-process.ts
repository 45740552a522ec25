// tetragon.Process as parsed JSON.

import { complain, type Problems } from '../event/problem.ts';
import type { RawProcess } from '../event/process-info.ts';
import { knownUid, maxInt32, maxUint32 } from '../event/range.ts';
import { timeOutOfRange, timeStringUs } from '../event/time.ts';
import {
	type JsonObject,
	pick,
	readArray,
	readBoolean,
	readInteger,
	readObject,
	readText,
	wrongType,
} from './fields.ts';

export function readProcess(problems: Problems, p: JsonObject, field: string): RawProcess {
	const execId = readText(problems, pick(p, 'exec_id', 'execId'), `${field}.exec_id`);
	if (execId === '') complain(problems, 'missing-field', `${field}.exec_id: expected a string, found nothing`);
	const pod = readObject(problems, p['pod'], `${field}.pod`);
	const ns = readObject(problems, p['ns'], `${field}.ns`);
	const mnt = ns && readObject(problems, ns['mnt'], `${field}.ns.mnt`);
	const inum = mnt ? readInteger(problems, mnt['inum'], `${field}.ns.mnt.inum`, 0, maxUint32) : -1;
	return {
		execId,
		parentExecId: readText(problems, pick(p, 'parent_exec_id', 'parentExecId'), `${field}.parent_exec_id`),
		// Avro int: a pid fits, the kernel's limit is 2^22.
		pid: readInteger(problems, p['pid'], `${field}.pid`, 0, maxInt32),
		uid: knownUid(readInteger(problems, p['uid'], `${field}.uid`, 0, maxUint32)),
		cwd: readText(problems, p['cwd'], `${field}.cwd`),
		binary: readText(problems, p['binary'], `${field}.binary`),
		arguments: readText(problems, p['arguments'], `${field}.arguments`),
		flags: readText(problems, p['flags'], `${field}.flags`),
		startUs: readStart(problems, pick(p, 'start_time', 'startTime'), `${field}.start_time`),
		docker: readText(problems, p['docker'], `${field}.docker`),
		inInitTree: readBoolean(problems, pick(p, 'in_init_tree', 'inInitTree'), `${field}.in_init_tree`),
		mountNamespace: inum === -1 ? 0 : inum,
		podNamespace: pod ? readText(problems, pod['namespace'], `${field}.pod.namespace`) : '',
		podName: pod ? readText(problems, pod['name'], `${field}.pod.name`) : '',
		environment: readEnvironment(
			problems,
			pick(p, 'environment_variables', 'environmentVariables'),
			`${field}.environment_variables`,
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
	const entries = readArray(problems, value, field);
	for (let i = 0; i < entries.length; i++) {
		const entry = readObject(problems, entries[i], `${field}[${i}]`);
		if (!entry) continue;
		const name = readText(problems, entry['Key'], `${field}[${i}].Key`);
		// An empty value is left out by the exporter.
		pairs.push(name, readText(problems, entry['Value'], `${field}[${i}].Value`));
	}
	return pairs;
}
