// semver.compare and semver.is_valid: SemVer 2.0.0, with a leading v as OPA allows it.
import { type Builtin, BuiltinError } from './builtin.ts';
import { binary, dearCall, textSteps, unary, wrongType } from './operand.ts';

interface Version {
	numbers: readonly bigint[];
	preRelease: string;
}

const identifiers = /^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
/** A number among the identifiers of a pre-release. */
const leadingZero = /(?:^|\.)0[0-9]+(?:\.|$)/;
const int64Max = 2n ** 63n - 1n;

/** Before and after the first separator. */
function cut(text: string, separator: string): [string, string | undefined] {
	const at = text.indexOf(separator);
	return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}

function parse(text: string): Version | undefined {
	const [plain, metadata] = cut(text.startsWith('v') ? text.slice(1) : text, '+');
	if (metadata !== undefined && !identifiers.test(metadata)) return undefined;
	const [core, preRelease] = cut(plain, '-');
	if (preRelease !== undefined && (!identifiers.test(preRelease) || leadingZero.test(preRelease))) return undefined;
	const parts = core.split('.');
	if (parts.length !== 3) return undefined;
	const numbers: bigint[] = [];
	for (const part of parts) {
		if (!/^(?:0|[1-9][0-9]{0,18})$/.test(part) || BigInt(part) > int64Max) return undefined;
		numbers.push(BigInt(part));
	}
	return { numbers, preRelease: preRelease ?? '' };
}

function compare(a: Version, b: Version): number {
	for (let i = 0; i < 3; i++) {
		const [left, right] = [a.numbers[i] as bigint, b.numbers[i] as bigint];
		if (left !== right) return left > right ? 1 : -1;
	}
	if (a.preRelease === b.preRelease) return 0;
	// The release follows its pre-releases.
	if (a.preRelease === '') return 1;
	return b.preRelease === '' ? -1 : comparePreReleases(a.preRelease.split('.'), b.preRelease.split('.'));
}

function comparePreReleases(a: readonly string[], b: readonly string[]): number {
	for (let i = 0; ; i++) {
		const [left, right] = [a[i], b[i]];
		if (left === undefined || right === undefined) return left === right ? 0 : left === undefined ? -1 : 1;
		const order = compareIdentifiers(left, right);
		if (order !== 0) return order;
	}
}

function compareIdentifiers(a: string, b: string): number {
	const [numericA, numericB] = [/^[0-9]+$/.test(a), /^[0-9]+$/.test(b)];
	if (numericA !== numericB) return numericA ? -1 : 1;
	if (!numericA) return a < b ? -1 : a > b ? 1 : 0;
	// Without leading zeros the longer is the greater: no number is made of a long text.
	if (a.length !== b.length) return a.length > b.length ? 1 : -1;
	return a < b ? -1 : a > b ? 1 : 0;
}

export const semvers: readonly Builtin[] = [
	binary('semver.compare', (a, b, context) => {
		if (typeof a !== 'string') return wrongType(1, a, 'string');
		if (typeof b !== 'string') return wrongType(2, b, 'string');
		context.charge(dearCall + textSteps(a.length + b.length));
		const left = parse(a);
		if (left === undefined) return new BuiltinError(`operand 1: string ${a} is not a valid SemVer`);
		const right = parse(b);
		if (right === undefined) return new BuiltinError(`operand 2: string ${b} is not a valid SemVer`);
		return compare(left, right);
	}),
	unary('semver.is_valid', (text, context) => {
		if (typeof text !== 'string') return false;
		context.charge(dearCall + textSteps(text.length));
		return parse(text) !== undefined;
	}),
];
