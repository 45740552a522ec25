// A process as the agent lets it leave the host: arguments and environment redacted, environment allow-listed.
import type { ProcessInfo } from '@affidavit/model/trace-event.ts';

/** What a decoder read of tetragon.Process; absent strings '', absent numbers -1 (mountNamespace 0). */
export interface RawProcess {
	execId: string;
	parentExecId: string;
	pid: number;
	uid: number;
	cwd: string;
	binary: string;
	arguments: string;
	flags: string;
	startUs: number;
	docker: string;
	inInitTree: boolean;
	mountNamespace: number;
	podNamespace: string;
	podName: string;
	/** Alternating name and value, as the sensor sent them. */
	environment: string[];
}

export const emptyRawProcess = (): RawProcess => ({
	execId: '',
	parentExecId: '',
	pid: -1,
	uid: -1,
	cwd: '',
	binary: '',
	arguments: '',
	flags: '',
	startUs: -1,
	docker: '',
	inInitTree: false,
	mountNamespace: 0,
	podNamespace: '',
	podName: '',
	environment: [],
});

export type Redactor = (text: string) => string;
export type ProcessBuilder = (raw: RawProcess) => ProcessInfo;

/** `environmentAllow`: exact names, or a prefix that ends with `*`. */
export function createProcessBuilder(environmentAllow: readonly string[], redact: Redactor): ProcessBuilder {
	const names = new Set(environmentAllow.filter((name) => !name.endsWith('*')));
	const prefixes = environmentAllow.filter((name) => name.endsWith('*')).map((name) => name.slice(0, -1));
	const redactOnce = rememberLast(redact);
	const allowed = (name: string): boolean => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix));
	return (raw) => ({
		execId: raw.execId,
		parentExecId: raw.parentExecId,
		pid: raw.pid,
		uid: raw.uid,
		binary: raw.binary,
		arguments: redact(raw.arguments),
		cwd: raw.cwd,
		flags: raw.flags,
		startUs: raw.startUs,
		container: raw.docker,
		inInitTree: raw.inInitTree,
		mountNamespace: raw.mountNamespace,
		pod: raw.podName === '' ? '' : `${raw.podNamespace}/${raw.podName}`,
		environment: allowedEnvironment(raw.environment, allowed, redactOnce),
	});
}

function allowedEnvironment(
	pairs: readonly string[],
	allowed: (name: string) => boolean,
	redactVariable: RedactVariable,
): Record<string, string> {
	// A null prototype: an environment variable may be called __proto__.
	const environment: Record<string, string> = Object.create(null);
	for (let i = 0; i + 1 < pairs.length; i += 2) {
		const name = pairs[i] as string;
		// The first of two equal names counts, as getenv(3) has it.
		if (!allowed(name) || name in environment) continue;
		environment[name] = redactVariable(name, pairs[i + 1] as string);
	}
	return environment;
}

type RedactVariable = (name: string, value: string) => string;

/** All processes of a build carry the same few variables: each one's last value is not redacted again. */
function rememberLast(redact: Redactor): RedactVariable {
	const last = new Map<string, { value: string; redacted: string }>();
	return (name, value) => {
		const known = last.get(name);
		if (known?.value === value) return known.redacted;
		const redacted = redactValue(name, value, redact);
		if (last.size >= rememberedMax) last.clear();
		last.set(name, { value, redacted });
		return redacted;
	};
}

const rememberedMax = 256;

/** The name tells what a value is (FOO_TOKEN=...), so it is redacted as an assignment. */
function redactValue(name: string, value: string, redact: Redactor): string {
	const assignment = redact(`${name}=${value}`);
	return assignment.startsWith(`${name}=`) ? assignment.slice(name.length + 1) : redact(value);
}
