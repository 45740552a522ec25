// yaml.*: YAML 1.1 with JSON's values, one document; dates and times stay text.
import { parseAllDocuments, type ScalarTag, type Tags } from 'yaml';
import { integer, RegoMap, type Value } from '../value/value.ts';
import { type Builtin, type BuiltinContext, BuiltinError } from './builtin.ts';
import { jsonDepthMax } from './json.ts';
import { beyondLimit, chargeValue, stepsOf, unary, wrongType } from './operand.ts';
import { yamlText } from './yaml-text.ts';

/** Values that aliases make, over those that are written. */
const aliasesMax = 100;
/** Steps of a character: reading YAML takes about a microsecond for it. */
const characterSteps = 8;
/** Of the shortest document. */
const readerSteps = 100;

/** Outside YAML's characters. */
const unreadable = /[^\t\n\r -~\u0085\u00a0-\ufefe\uff00-\ufffd]/;

/** Dates and times stay text, and so do yes, no, on and off. */
const isReplaced = (tag: Tags[number]): boolean =>
	typeof tag === 'object' &&
	(['tag:yaml.org,2002:timestamp', 'tag:yaml.org,2002:bool'].includes(tag.tag) || (tag as ScalarTag).format === 'TIME');

const booleans: readonly ScalarTag[] = [
	{ tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:true|True|TRUE)$/, resolve: () => true },
	{ tag: 'tag:yaml.org,2002:bool', default: true, test: /^(?:false|False|FALSE)$/, resolve: () => false },
];

/** Of YAML 1.2, which the real reader knows too. */
const octal: ScalarTag = {
	tag: 'tag:yaml.org,2002:int',
	default: true,
	test: /^[-+]?0o[0-7_]+$/,
	resolve: (text) => {
		const magnitude = BigInt(text.replaceAll('_', '').replace(/^[-+]/, ''));
		return text.startsWith('-') ? -magnitude : magnitude;
	},
};

const parseOptions = {
	version: '1.1',
	customTags: (tags: Tags): Tags => [octal, ...booleans, ...tags.filter((tag) => !isReplaced(tag))],
	intAsBigInt: true,
	uniqueKeys: false,
	merge: true,
	prettyErrors: false,
	logLevel: 'silent',
} as const;

/** What JSON can hold: no infinity, and text keys. */
function toValue(value: unknown, context: BuiltinContext, depth: number): Value | BuiltinError {
	if (depth > jsonDepthMax) context.charge(beyondLimit);
	context.charge(1);
	if (typeof value === 'bigint') return integer(value);
	if (typeof value === 'number') {
		return Number.isFinite(value) ? value + 0 : new BuiltinError('error converting YAML to JSON: unsupported value');
	}
	if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
	// !!binary
	if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
	if (Array.isArray(value)) {
		const items: Value[] = [];
		for (const item of value) {
			const converted = toValue(item, context, depth + 1);
			if (converted instanceof BuiltinError) return converted;
			items.push(converted);
		}
		return items;
	}
	if (value instanceof Map) {
		const object = new RegoMap();
		for (const [key, item] of value) {
			const name = toKey(key);
			if (name instanceof BuiltinError) return name;
			context.charge(1);
			const converted = toValue(item, context, depth + 1);
			if (converted instanceof BuiltinError) return converted;
			object.set(name, converted);
		}
		return object;
	}
	return new BuiltinError('error converting YAML to JSON: unsupported value');
}

function toKey(key: unknown): string | BuiltinError {
	if (typeof key === 'string') return key;
	if (typeof key === 'bigint' || typeof key === 'boolean' || typeof key === 'number') return String(key);
	return new BuiltinError('error converting YAML to JSON: unsupported key');
}

type Reading = { kind: 'plain'; value: unknown } | { kind: 'refused'; reason: string } | { kind: 'too deep' };

const isDeep = (message: string): boolean => message.includes('call stack');

/** The first document as plain values; all of them must be well-formed where `all` is asked for. */
function read(text: string, all: boolean): Reading {
	try {
		const documents = parseAllDocuments(text, parseOptions);
		const first = Array.isArray(documents) ? documents[0] : undefined;
		if (first === undefined) {
			// Directives without a document are no stream.
			return /^%/m.test(text) ? { kind: 'refused', reason: 'unexpected directive' } : { kind: 'plain', value: null };
		}
		const looked = all && Array.isArray(documents) ? documents : [first];
		const error = looked.flatMap(({ errors, warnings }) => [...errors, ...warnings.filter(isFatal)])[0];
		if (error !== undefined) return refused(error.message);
		return { kind: 'plain', value: first.toJS({ mapAsMap: true, maxAliasCount: aliasesMax }) };
	} catch (error) {
		// The library throws errors of many classes: for too many aliases, for what cannot be merged, for depth.
		return refused(error instanceof Error ? error.message : 'unreadable');
	}
}

const refused = (reason: string): Reading => (isDeep(reason) ? { kind: 'too deep' } : { kind: 'refused', reason });

function parse(text: string, all: boolean, context: BuiltinContext): Value | BuiltinError {
	context.charge(readerSteps + characterSteps * text.length);
	if (unreadable.test(text)) return new BuiltinError(`${notYaml} control characters are not allowed`);
	const reading = read(text, all);
	if (reading.kind === 'too deep') context.charge(beyondLimit);
	if (reading.kind !== 'plain')
		return new BuiltinError(`${notYaml} ${reading.kind === 'refused' ? reading.reason : ''}`);
	return toValue(reading.value ?? null, context, 0);
}

const notYaml = 'error converting YAML to JSON: yaml:';

/** Directives that YAML does not know. */
const isFatal = ({ code }: { code: string }): boolean => code === 'BAD_DIRECTIVE';

export const yamls: readonly Builtin[] = [
	unary('yaml.marshal', (value, context) => {
		chargeValue(value, context);
		// Indentation repeats with the depth.
		context.charge(readerSteps + characterSteps * stepsOf(value));
		return yamlText(value);
	}),
	unary('yaml.unmarshal', (text, context) =>
		typeof text === 'string' ? parse(text, false, context) : wrongType(1, text, 'string'),
	),
	unary('yaml.is_valid', (text, context) =>
		typeof text === 'string' ? !(parse(text, true, context) instanceof BuiltinError) : false,
	),
];
