// Lines that no Tetragon should write, made from a real line of a recorded stream; each with what must become of it.

export interface BadLine {
	what: string;
	bytes: Buffer;
	/** Code of its dead letter; null: it is an event, however odd. */
	code: string | null;
}

/** In no output may this be read. */
export const leakedSecret = 'ghp_0123456789abcdefghijklmnopqrstuvwxyz';
export const hostilePath = 'src/evil\nname\u001b[31m\u202e.c';
/** Names that objects inherit. */
export const prototypeNames = ['__proto__', 'constructor', 'toString'];
/** Run id of the session whose processes are each other's parents. */
export const cycleRunId = '7777';

interface Line {
	process_lsm?: Body;
	process_exec?: Body;
	node_name: string;
	time: string;
}

interface Body {
	process: Record<string, unknown>;
	parent: Record<string, unknown>;
	args?: Record<string, unknown>[];
}

/** `open`: an open of a file by a process of a session; `exec`: an execution by a process with the session's variables. */
export function badLines(open: string, exec: string, workspace: string): BadLine[] {
	const lines: BadLine[] = [];
	const add = (what: string, code: string | null, text: string | Buffer): void => {
		lines.push({ what, code, bytes: Buffer.from(text as string) });
	};
	const opened = (change: (line: Line, body: Body) => void): string => {
		const line = JSON.parse(open) as Line;
		change(line, line.process_lsm as Body);
		return JSON.stringify(line);
	};
	const openOf = (path: string): string =>
		opened((_line, body) => {
			Object.assign(body.args?.[0] ?? {}, { file_arg: { path: `${workspace}/${path}`, permission: '-rw-r--r--' } });
		});
	const at = (time: string): string => opened((line) => Object.assign(line, { time }));

	add('cut in the middle', 'not-json', open.slice(0, open.length >> 1));
	add('not JSON, with a secret', 'not-json', `export TOKEN=${leakedSecret} \u001b[31m`);
	add('an array', 'not-json', '[1,2,3]');
	add('zero bytes', 'not-json', Buffer.alloc(64));
	add(
		'an unknown kind',
		'unknown-event',
		opened((line, body) => {
			Object.assign(line, { process_lsm: undefined, process_frobnicate: body });
		}),
	);
	add(
		'no event',
		'missing-field',
		opened((line) => Object.assign(line, { process_lsm: undefined })),
	);
	add(
		'no time',
		'missing-field',
		opened((line) => Object.assign(line, { time: undefined })),
	);
	add(
		'a pid of the wrong type',
		'wrong-type',
		opened((_line, body) => Object.assign(body.process, { pid: leakedSecret })),
	);
	add(
		'an exec_id of the wrong type',
		'wrong-type',
		opened((_line, body) => Object.assign(body.process, { exec_id: 5 })),
	);
	add(
		'arguments of the wrong type',
		'wrong-type',
		opened((_line, body) => Object.assign(body, { args: { a: 1 } })),
	);
	add('deep nesting', 'wrong-type', `{"process_lsm":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
	add('a pid beyond its range', 'out-of-range', open.replace(/"pid":\d+/, '"pid":99999999999999999999'));
	add('10 MB', 'too-long', openOf('x'.repeat(10 * 1024 * 1024)));
	add('1970', 'event-time', at('1970-01-01T00:00:01Z'));
	add('2100', 'event-time', at('2100-01-01T00:00:00Z'));
	add('invalid UTF-8 in a path', null, Buffer.from(openOf('src/bad-ÿþ.c'), 'latin1'));
	add('a path with newline, escape and override', null, openOf(hostilePath));
	for (const name of prototypeNames) {
		add(`a path named ${name}`, null, openOf(name));
		add(`a key named ${name}`, null, `{"${name}":{"time":1},${open.slice(1)}`);
	}
	add(
		'a binary named __proto__',
		null,
		opened((_line, body) => Object.assign(body.process, { binary: '__proto__' })),
	);
	const [one, two, self] = [91, 92, 93].map((pid) => Buffer.from(`tetravm:1111:${pid}`).toString('base64'));
	const cycle = (id: string | undefined, parent: string | undefined): string => {
		const line = JSON.parse(exec.replaceAll('7001', cycleRunId)) as Line;
		const body = line.process_exec as Body;
		Object.assign(body.process, { exec_id: id, parent_exec_id: parent });
		Object.assign(body.parent, { exec_id: parent, parent_exec_id: id });
		return JSON.stringify({ ...line, time: (JSON.parse(open) as Line).time });
	};
	add('a cycle in parents', null, cycle(one, two));
	add('a cycle in parents, closed', null, cycle(two, one));
	add('its own parent', null, cycle(self, self));
	return lines;
}
