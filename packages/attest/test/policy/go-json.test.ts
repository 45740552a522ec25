import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attestorType } from '../../src/policy/attestors/registry.ts';
import { plainValue, reshape } from '../../src/policy/go-json.ts';
import { parseGoJson } from '../../src/policy/go-json-text.ts';
import { decodeGoBase64 } from '../../src/policy/go-scalars.ts';
import type { Shape } from '../../src/policy/go-shape.ts';
import {
	any,
	bytes,
	digests,
	int64,
	list,
	map,
	object,
	pointer,
	raw,
	struct,
	text,
	time,
	uint16,
} from '../../src/policy/go-shape.ts';
import { commandRunType } from '../../src/type-uris.ts';

function read(shape: Shape, json: string) {
	const parsed = parseGoJson(Buffer.from(json));
	assert.equal(parsed.kind, 'value', json);
	return reshape(shape, parsed.kind === 'value' ? parsed.value : undefined, 'x');
}

const written = (shape: Shape, json: string): string => {
	const result = read(shape, json);
	assert.equal(result.kind, 'value', JSON.stringify(result));
	return result.kind === 'value' ? JSON.stringify(result.value) : '';
};

const person = struct({ name: text, 'nick?': text, age: int64, 'tags?': list(text), 'extra?': map(int64) });

test('a struct comes out as Go writes it', () => {
	const cases: [json: string, expected: string][] = [
		['{}', '{"name":"","age":0}'],
		['null', '{"name":"","age":0}'],
		[
			'{"name":"a","nick":"b","age":1,"tags":["x"],"extra":{"k":1}}',
			'{"name":"a","nick":"b","age":1,"tags":["x"],"extra":{"k":1}}',
		],
		['{"nick":"","tags":[],"extra":{},"name":"a","age":0}', '{"name":"a","age":0}'],
		['{"name":"a","unknown":{"deep":[1]},"age":2}', '{"name":"a","age":2}'],
		['{"NAME":"a","Age":2}', '{"name":"a","age":2}'],
		['{"name":null,"age":null,"tags":null}', '{"name":"","age":0}'],
		['{"name":"a","NAME":"b"}', '{"name":"b","age":0}'],
		['{"NAME":"b","name":"a"}', '{"name":"a","age":0}'],
		['{"name":"a","name":null}', '{"name":"a","age":0}'],
		['{"tags":["a"],"tags":null,"name":"n"}', '{"name":"n","age":0}'],
		['{"extra":{"a":1},"extra":{"b":2}}', '{"name":"","age":0,"extra":{"a":1,"b":2}}'],
		['{"\u017fick":"no","n\u0131ck":"no"}', '{"name":"","age":0}'],
	];
	for (const [json, expected] of cases) assert.equal(written(person, json), expected, json);
});

test('a Kelvin sign and a long s stand for k and s, as in Go', () => {
	assert.equal(written(person, '{"nic\u212a":"a","tag\u017f":["b"]}'), '{"name":"","nick":"a","age":0,"tags":["b"]}');
});

test('a wrong type is refused with its place', () => {
	const cases: [Shape, string, RegExp][] = [
		[person, '[]', /^x: expected an object, found an array/],
		[person, '{"name":1}', /^x\.name: expected a string, found 1/],
		[person, '{"age":"1"}', /^x\.age: expected an integer.*found "1"/],
		[person, '{"age":1.0}', /^x\.age: expected an integer.*found 1\.0/],
		[person, '{"age":1e2}', /^x\.age: expected an integer/],
		[person, '{"age":9223372036854775808}', /^x\.age: expected an integer/],
		[person, '{"tags":["a",2]}', /^x\.tags\[1\]: expected a string/],
		[person, '{"extra":{"a\\nb":"c"}}', /^x\.extra\["a\\nb"\]: expected an integer/],
		[digests, '{"sha512":"a"}', /unsupported hash function: "sha512"/],
		[digests, '{"SHA256":"a"}', /unsupported hash function: "SHA256"/],
		[digests, '{"sha256":1}', /expected a string/],
		[bytes, '"a_-="', /expected base64/],
		[bytes, '[1,256]', /expected base64/],
		[time, '"2026-02-29T00:00:00Z"', /expected a time/],
		[uint16, '-1', /from 0 to 65535/],
		[object, '[]', /expected an object/],
		[any, '[1e999]', /expected a number that a double holds/],
	];
	for (const [shape, json, expected] of cases) {
		const result = read(shape, json);
		assert.equal(result.kind, 'invalid', json);
		if (result.kind === 'invalid') assert.match(result.reason, expected);
	}
});

test('values of each kind come out as Go writes them', () => {
	const cases: [Shape, string, string][] = [
		[digests, 'null', '{}'],
		[digests, '{"sha256":null}', '{"sha256":""}'],
		[map(digests), '{"a":null,"b":{"sha1":"x"}}', '{"a":{},"b":{"sha1":"x"}}'],
		[map(digests), 'null', 'null'],
		[list(text), 'null', 'null'],
		[list(text), '[null,"a"]', '["","a"]'],
		[bytes, '"YQ=\\n="', '"YQ=="'],
		[bytes, '[97]', '"YQ=="'],
		[bytes, 'null', 'null'],
		[time, '"2026-01-01T00:00:00.5000+02:00"', '"2026-01-01T00:00:00.5+02:00"'],
		[pointer(person), 'null', 'null'],
		[any, '{"a":[1.0,12345678901234567890]}', '{"a":[1,12345678901234567000]}'],
		[struct({ 'p?': pointer(person), 'q?': any, t: time }), '{}', '{"t":"0001-01-01T00:00:00Z"}'],
	];
	for (const [shape, json, expected] of cases) assert.equal(written(shape, json), expected, json);
});

test('whole numbers stay exact, and a raw value stays as it stands', () => {
	const exact = read(int64, '9007199254740993');
	assert.ok(exact.kind === 'value' && exact.value === 9007199254740993n);
	const kept = read(raw, '{"a":9007199254740993,"b":1.5}');
	assert.ok(kept.kind === 'value');
	if (kept.kind === 'value') {
		const plain = plainValue(kept.value, false) as Record<string, unknown>;
		assert.deepEqual({ ...plain }, { a: 9007199254740993n, b: 1.5 });
	}
});

test('a differently-cased field is read and said', () => {
	const result = read(person, '{"Name":"a"}');
	assert.ok(result.kind === 'value' && /x\.Name is read as name/.test(result.ambiguity));
	const exact = read(person, '{"name":"a","other":1}');
	assert.ok(exact.kind === 'value' && exact.ambiguity === '');
	const usual = read(struct({ Issuer: text }, true), '{"issuer":"a"}');
	assert.ok(usual.kind === 'value' && usual.ambiguity === '');
});

test('what was written is written again without a change', () => {
	const shape = attestorType(commandRunType)?.shape as Shape;
	const digest = fc.option(fc.record({ sha256: fc.string(), sha1: fc.string() }, { requiredKeys: [] }));
	const process = fc.record(
		{
			program: fc.string(),
			processid: fc.integer(),
			parentpid: fc.option(fc.integer()),
			programdigest: digest,
			openedfiles: fc.option(fc.dictionary(fc.string(), digest)),
			uid: fc.integer(),
			specbypassisvuln: fc.boolean(),
		},
		{ requiredKeys: [] },
	);
	const run = fc.record(
		{ cmd: fc.array(fc.string()), exitcode: fc.integer(), processes: fc.array(process), other: fc.jsonValue() },
		{ requiredKeys: [] },
	);
	fc.assert(
		fc.property(run, (value) => {
			const once = written(shape, JSON.stringify(value));
			assert.equal(written(shape, once), once);
			for (const one of (JSON.parse(once).processes ?? []) as Record<string, unknown>[]) {
				assert.equal('uid' in one, false);
				assert.ok('processid' in one && 'parentpid' in one);
				assert.ok(one['program'] !== '' && one['specbypassisvuln'] !== false);
			}
		}),
	);
});

test('base64 is what Go takes', () => {
	fc.assert(
		fc.property(fc.uint8Array(), fc.nat(20), (data, at) => {
			const encoded = Buffer.from(data).toString('base64');
			const broken = `${encoded.slice(0, at)}\r\n${encoded.slice(at)}`;
			assert.deepEqual(decodeGoBase64(broken), Buffer.from(data));
		}),
	);
	for (const wrong of ['a', 'aa', 'aaa', 'aa=', 'a===', 'aa==aa==', 'a b=', 'aa-_', '=', 'aa==='])
		assert.equal(decodeGoBase64(wrong), null, wrong);
});
