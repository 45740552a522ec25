// Calls. Comparisons and membership are done here, without a list of arguments; everything else goes to its built-in or rule.
import { type Builtin, BuiltinError, BuiltinLimit } from '../builtins/builtin.ts';
import type { Place } from '../errors.ts';
import { abort } from '../eval/abort.ts';
import { type CompiledGroup, ruleValue } from '../eval/document.ts';
import { addBytes, costs, enter, type Frame, type Get, type Machine, type Mock } from '../eval/machine.ts';
import { type CallSite, record } from '../eval/read-site.ts';
import { compareValues, equalValues } from '../value/compare.ts';
import { RegoMap, RegoSet, type Value } from '../value/value.ts';
import { spend } from '../value/work.ts';
import { type Bound, type ClauseContext, type ProgramContext, siteOf } from './context.ts';
import { compileGet, evaluateAll } from './get.ts';
import { type CallNode, callerSlot, callSlot, firstFreeSlot } from './ir.ts';
import { contains } from './membership.ts';

type Two = (m: Machine, a: Value, b: Value) => Value | undefined;

const inlined: ReadonlyMap<string, Two> = new Map<string, Two>([
	['equal', (_m, a, b) => equalValues(a, b)],
	['neq', (_m, a, b) => !equalValues(a, b)],
	['lt', (_m, a, b) => compareValues(a, b) < 0],
	['lte', (_m, a, b) => compareValues(a, b) <= 0],
	['gt', (_m, a, b) => compareValues(a, b) > 0],
	['gte', (_m, a, b) => compareValues(a, b) >= 0],
	['internal.member_2', contains],
]);

export function compileCall(node: CallNode, bound: Bound, ctx: ClauseContext): Get {
	const { name } = node;
	const args = node.args.map((arg) => compileGet(arg, bound, ctx));
	const own = compileOwn(node, args, bound, ctx);
	return ctx.program.mocked.has(name) ? mockedCall(name, own, args) : own;
}

const mockedCall =
	(name: string, own: Get, args: readonly Get[]): Get =>
	(m, f) => {
		const mock = m.scope.mocks?.get(name);
		if (mock === undefined) return own(m, f);
		const values = evaluateAll(m, f, args);
		return values === undefined ? undefined : runMock(m, mock, values);
	};

function runMock(m: Machine, mock: Mock, args: readonly Value[]): Value | undefined {
	spend(costs.call);
	// Within a stand-in every function is itself again.
	const outside = m.scope;
	m.scope = { ...outside, mocks: null, documents: [] };
	const value = mock(m, args);
	m.scope = outside;
	return value;
}

function compileOwn(node: CallNode, args: readonly Get[], bound: Bound, ctx: ClauseContext): Get {
	const { target, place } = node;
	if (target.kind === 'function') {
		const sites = node.args.map((arg) => siteOf(arg, place, ctx, (part) => compileGet(part, bound, ctx)));
		return functionCall(groupOf(ctx.program, target.node), args, { args: sites });
	}
	const two = inlined.get(node.name);
	const [left, right] = args;
	if (two !== undefined && left !== undefined && right !== undefined && args.length === 2) {
		return twoCall(two, left, right);
	}
	return builtinCall(target.builtin, args, place);
}

const twoCall =
	(two: Two, left: Get, right: Get): Get =>
	(m, f) => {
		const a = left(m, f);
		if (a === undefined) return undefined;
		const b = right(m, f);
		return b === undefined ? undefined : two(m, a, b);
	};

const builtinCall =
	(builtin: Builtin, args: readonly Get[], place: Place): Get =>
	(m, f) => {
		const values = evaluateAll(m, f, args);
		return values === undefined ? undefined : runBuiltin(m, builtin, values, place);
	};

export function groupOf(program: ProgramContext, node: { group: { id: number } | null }): CompiledGroup {
	const group = node.group === null ? undefined : program.groups[node.group.id];
	if (group === undefined) throw new Error('a call of what is no function');
	return group;
}

/** For the memory that an item of a set or object takes, beside the work of making it. */
const madeItemSteps = 8;

const joinedText = 256;

export function runBuiltin(m: Machine, builtin: Builtin, args: readonly Value[], place: Place): Value | undefined {
	spend(costs.call);
	const result = builtin.run(args, m.builtinContext);
	if (typeof result === 'string') {
		addBytes(m, result.length);
		// A text put together piece by piece is kept by V8 as a tree of its pieces until a character of it is read.
		if (result.length >= joinedText) result.charCodeAt(0);
	} else if (result instanceof RegoMap || result instanceof RegoSet) spend(result.size * madeItemSteps);
	if (!(result instanceof BuiltinError)) return result;
	const reason = result.message.startsWith(`${builtin.name}: `) ? result.message : `${builtin.name}: ${result.message}`;
	if (result instanceof BuiltinLimit) abort('limit', reason, place);
	if (m.strictBuiltinErrors) abort('builtin', reason, place);
	record(m, { kind: 'builtin', subject: builtin.name, module: place.module, row: place.row }, result.message);
	return undefined;
}

/** A function is never within itself, so one frame serves all its calls. */
function functionCall(group: CompiledGroup, args: readonly Get[], site: CallSite): Get {
	return (m, f) => {
		const frame = takeFrame(m, group);
		for (let i = 0; i < args.length; i++) {
			const value = (args[i] as Get)(m, f);
			if (value === undefined) {
				m.idleFrames[group.id] = frame;
				return undefined;
			}
			frame[firstFreeSlot + i] = value;
		}
		frame[callerSlot] = f as unknown as Value;
		frame[callSlot] = site as unknown as Value;
		return runFunction(m, group, frame);
	};
}

/** With values that no frame of a caller holds. */
export function callWith(m: Machine, group: CompiledGroup, args: readonly Value[]): Value | undefined {
	const frame = takeFrame(m, group);
	args.forEach((value, i) => {
		frame[firstFreeSlot + i] = value;
	});
	frame[callerSlot] = undefined;
	frame[callSlot] = undefined;
	return runFunction(m, group, frame);
}

function takeFrame(m: Machine, group: CompiledGroup): Frame {
	const idle = m.idleFrames[group.id];
	m.idleFrames[group.id] = null;
	return idle ?? new Array<Value | undefined>(group.slots).fill(undefined);
}

function runFunction(m: Machine, group: CompiledGroup, frame: Frame): Value | undefined {
	enter(m, 3);
	spend(costs.call);
	const value = ruleValue(m, group, frame);
	m.nesting -= 3;
	m.idleFrames[group.id] = frame;
	return value;
}
