import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Members, NumberToken, nestingMax, parseGoJson, valuesMax } from '../../src/policy/go-json-text.ts';

const parse = (text: string | Buffer) => parseGoJson(Buffer.from(text));

function readText(text: string | Buffer): unknown {
	const parsed = parse(text);
	assert.equal(parsed.kind, 'value', JSON.stringify(parsed));
	return parsed.kind === 'value' ? parsed.value : undefined;
}

test('a plain text is what JSON.parse makes of it', () => {
	fc.assert(
		fc.property(fc.jsonValue({ maxDepth: 6 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
			const text = JSON.stringify(value, null, indent);
			const parsed = parse(text);
			assert.equal(parsed.kind, 'value');
			if (parsed.kind !== 'value') return;
			assert.equal(parsed.ambiguity, '');
			// Numbers beyond 15 digits, fractions and halves of characters come as they are written.
			if (!parsed.exact) assert.deepEqual(parsed.value, JSON.parse(text));
		}),
		{ numRuns: 500 },
	);
});

test('a field that comes twice keeps both, in order, and is said', () => {
	const parsed = parse('{"a":1,"b":{"x":1,"x":2},"a":null}');
	assert.equal(parsed.kind, 'value');
	if (parsed.kind !== 'value') return;
	assert.match(parsed.ambiguity, /twice/);
	assert.ok(parsed.value instanceof Members);
	assert.deepEqual(parsed.value.keys, ['a', 'b', 'a']);
	assert.equal(parsed.value.values[2], null);
	assert.ok(parsed.value.values[1] instanceof Members);
});

test('names that look special are names', () => {
	const value = readText('{"__proto__":{"a":1},"constructor":2,"1":3}') as Record<string, unknown>;
	assert.deepEqual(Object.keys(value).sort(), ['1', '__proto__', 'constructor']);
	const exact = readText('{"__proto__":{"a":1.5},"toString":2}') as Record<string, unknown>;
	assert.ok(Object.hasOwn(exact, '__proto__'));
	assert.equal(Object.getPrototypeOf(exact), null);
});

test('numbers that a double would change keep their text', () => {
	const list = readText('[1,-0,9007199254740993,1.0,1e3,2E+1,123456789012345,true,false,null]') as unknown[];
	const texts = list.map((item) => (item instanceof NumberToken ? item.text : item));
	assert.deepEqual(texts, [1, -0, '9007199254740993', '1.0', '1e3', '2E+1', 123456789012345, true, false, null]);
	assert.deepEqual(readText('{"a":"1.0 and 9007199254740993 1e3"}'), { a: '1.0 and 9007199254740993 1e3' });
});

test('half a character is U+FFFD, as in Go, and a whole pair is not', () => {
	assert.deepEqual(readText('["\\ud800","\\ud83d\\ude00","\\uD800x"]'), ['\ufffd', '\u{1f600}', '\ufffdx']);
	assert.deepEqual(readText('["\\ud83d\\ud83d\\ude00","\\uDE00","\\ud83d\\\\ude00"]'), [
		'\ufffd\u{1f600}',
		'\ufffd',
		'\ufffd\\ude00',
	]);
	const object = readText('{"\\ud800":1}') as Record<string, unknown>;
	assert.deepEqual(Object.keys(object), ['\ufffd']);
});

test('long strings with quotes and escapes end where they end', () => {
	const long = `${'x'.repeat(100)}"\\:,{${'y'.repeat(200)}\\"\\\\`;
	fc.assert(
		fc.property(
			fc.array(fc.constantFrom('x'.repeat(70), '"', '\\', ':', '\ud83d\ude00', '{'), { maxLength: 40 }),
			(parts) => {
				const text = JSON.stringify({ [parts.join('')]: parts.join(''), b: [long] });
				const parsed = parse(text);
				assert.ok(parsed.kind === 'value' && parsed.ambiguity === '');
				assert.deepEqual(parsed.value, JSON.parse(text));
			},
		),
	);
});

test('what Go refuses is refused', () => {
	for (const text of ['', ' ', '{', '[1,]', '{"a":1}x', '\ufeff{}', '{"a":01}', "{'a':1}", 'nul', '"\n"', '"a'])
		assert.equal(parse(text).kind, 'invalid', text);
	assert.equal(parse(Buffer.from([0x22, 0xff, 0x22])).kind, 'value', 'bytes that are no UTF-8 become U+FFFD');
});

test('nesting and values are bounded', () => {
	assert.equal(parse('['.repeat(nestingMax) + ']'.repeat(nestingMax)).kind, 'value');
	assert.equal(parse('['.repeat(100_000) + ']'.repeat(100_000)).kind, 'invalid');
	const many = parse(`[${'0,'.repeat(valuesMax)}0]`);
	assert.ok(many.kind === 'invalid' && /more than/.test(many.reason));
});

test('no bytes make it throw', () => {
	fc.assert(
		fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
			assert.match(parseGoJson(bytes).kind, /value|invalid/);
		}),
	);
	const pieces = fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', '\\ud800', 'a', '1', '.', 'e', 'true', ' ');
	fc.assert(
		fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
			assert.match(parse(parts.join('')).kind, /value|invalid/);
		}),
		{ numRuns: 2000 },
	);
});
