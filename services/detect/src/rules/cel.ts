// Conditions in CEL, compiled once against typed variables. Only this file knows the CEL library.
import type { FileFact } from '@affidavit/model/facts.ts';
import type { ConnectFact, GapFact, OpenedFact, ProcessFact, PtraceFact } from '@affidavit/model/generated/session.ts';
import { Environment } from '@marcbachmann/cel-js';
import type { FactFamily } from './fact-kinds.ts';

/** What a condition sees of a fact. Counts and times are left out: they depend on how the stream was cut into batches. */
export interface CelContext {
	fact: Record<string, unknown>;
	process: Record<string, unknown>;
	session: Record<string, unknown>;
	repo: Record<string, unknown>;
}

export interface CelLookups {
	isBad(digest: string): boolean;
	isGood(digest: string): boolean;
}

/** Compiled: true when the condition holds. A condition that fails at run time (a key that is not there) does not hold. */
export type Condition = (
	context: CelContext,
	lookups: CelLookups,
) => { kind: 'holds' | 'fails' } | { kind: 'error'; message: string };

const factSchemas: Record<FactFamily, Record<string, string>> = {
	file: {
		op: 'string',
		execId: 'string',
		foreign: 'bool',
		path: 'string',
		path2: 'string',
		inWorkspace: 'bool',
		version: 'int',
		size: 'int',
		flags: 'int',
		digest: 'string',
		assurance: 'string',
		mixedUp: 'bool',
		heldByForeign: 'bool',
		writerForeign: 'bool',
	},
	network: { op: 'string', execId: 'string', family: 'string', address: 'string', port: 'int' },
	trace: { op: 'string', execId: 'string', foreign: 'bool', targetExecId: 'string', targetPid: 'int', request: 'int' },
	process: {
		execId: 'string',
		binary: 'string',
		arguments: 'string',
		cwd: 'string',
		uid: 'int',
		container: 'string',
		root: 'bool',
		foreign: 'bool',
		executed: 'bool',
		digest: 'string',
	},
	gap: { cause: 'string', detail: 'string', count: 'int' },
};
const processSchema = {
	binary: 'string',
	arguments: 'string',
	cwd: 'string',
	uid: 'int',
	container: 'string',
	tool: 'string',
	toolKind: 'string',
};
const sessionSchema = {
	host: 'string',
	matcher: 'string',
	repository: 'string',
	commit: 'string',
	workspace: 'string',
	ciRunId: 'string',
};
const repoSchema = { known: 'bool', committed: 'bool', sha256: 'string', size: 'int' };

const limits = { maxAstNodes: 2_000, maxDepth: 50, maxListElements: 500, maxMapEntries: 100, maxCallArguments: 16 };

/** Fields of a family's facts, for `subject` and the templates. */
export const factFields = (family: FactFamily): readonly string[] => Object.keys(factSchemas[family]);

export type CompiledCondition = { kind: 'ok'; condition: Condition } | { kind: 'error'; message: string };

export function compileCondition(source: string, family: FactFamily): CompiledCondition {
	// The lookups change with the indicator set, the compiled expression does not: it reads them through this variable.
	let current: CelLookups = { isBad: () => false, isGood: () => false };
	const environment = new Environment({ limits })
		.registerVariable({ name: 'fact', schema: factSchemas[family] })
		.registerVariable({ name: 'process', schema: processSchema })
		.registerVariable({ name: 'session', schema: sessionSchema })
		.registerVariable({ name: 'repo', schema: repoSchema })
		.registerFunction('isBad(string): bool', (digest: string) => current.isBad(digest))
		.registerFunction('isGood(string): bool', (digest: string) => current.isGood(digest));
	try {
		const check = environment.check(source);
		if (!check.valid) return { kind: 'error', message: firstLine(check.error) };
		if (check.type !== 'bool') return { kind: 'error', message: `expected a bool, not ${check.type}` };
		const evaluate = environment.parse(source);
		return {
			kind: 'ok',
			condition: (context, lookups) => {
				current = lookups;
				try {
					return { kind: evaluate(context) === true ? 'holds' : 'fails' };
				} catch (error) {
					return { kind: 'error', message: firstLine(error) };
				}
			},
		};
	} catch (error) {
		return { kind: 'error', message: firstLine(error) };
	}
}

const firstLine = (error: unknown): string =>
	(error instanceof Error ? error.message : String(error)).split('\n', 1)[0] as string;

const int = (value: number): bigint => (Number.isSafeInteger(value) ? BigInt(value) : -1n);

export const celFile = (f: FileFact, inWorkspace: boolean): Record<string, unknown> => ({
	op: f.op,
	execId: f.execId,
	foreign: f.foreign,
	path: f.path,
	path2: f.path2,
	inWorkspace,
	version: int(f.version),
	size: int(f.size),
	flags: int(f.flags),
	digest: f.digest,
	assurance: f.assurance,
	mixedUp: f.otherSize >= 0,
	heldByForeign: f.heldBy !== '',
	writerForeign: f.writerForeign,
});

export const celConnect = (f: ConnectFact): Record<string, unknown> => ({
	op: f.op,
	execId: f.execId,
	family: f.family,
	address: f.address,
	port: int(f.port),
});

export const celPtrace = (f: PtraceFact): Record<string, unknown> => ({
	op: f.op,
	execId: f.execId,
	foreign: f.foreign,
	targetExecId: f.targetExecId,
	targetPid: int(f.targetPid),
	request: int(f.request),
});

export const celProcessFact = (f: ProcessFact): Record<string, unknown> => ({
	execId: f.execId,
	binary: f.binary,
	arguments: f.arguments,
	cwd: f.cwd,
	uid: int(f.uid),
	container: f.container,
	root: f.root,
	foreign: f.foreign,
	executed: f.executed,
	digest: f.digest,
});

export const celGap = (f: GapFact): Record<string, unknown> => ({
	cause: f.cause,
	detail: f.detail,
	count: int(f.count),
});

export const celProcess = (p: ProcessFact | null, tool: string, toolKind: string): Record<string, unknown> => ({
	binary: p?.binary ?? '',
	arguments: p?.arguments ?? '',
	cwd: p?.cwd ?? '',
	uid: int(p?.uid ?? -1),
	container: p?.container ?? '',
	tool,
	toolKind,
});

export const celSession = (o: OpenedFact | null): Record<string, unknown> => ({
	host: o?.host ?? '',
	matcher: o?.matcher ?? '',
	repository: o?.repository ?? '',
	commit: o?.commit ?? '',
	workspace: o?.workspace ?? '',
	ciRunId: o?.ciRunId ?? '',
});

export const celRepo = (
	known: boolean,
	file: { sha256: string; size: number } | undefined,
): Record<string, unknown> => ({
	known,
	committed: file !== undefined,
	sha256: file?.sha256 ?? '',
	size: int(file?.size ?? -1),
});
