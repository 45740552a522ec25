import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { attestationsMax, loadStatement } from '../../src/policy/collection.ts';
import { commandRunType, productType } from '../../src/type-uris.ts';
import { commandRun, product, statementText } from './maker.ts';

const load = (text: string) => loadStatement(Buffer.from(text));
const one = (entry: string): string => `{"predicate":{"name":"build","attestations":[${entry}]}}`;

test('a statement is read with its collection', () => {
	const loaded = load(statementText([commandRun(), product()], { predicate: { affidavit: { verdict: 'passed' } } }));
	assert.ok(loaded.kind === 'statement');
	const { collection, subjects, affidavit, ambiguity } = loaded.statement;
	assert.deepEqual(
		collection.attestations.map(({ type }) => type),
		[commandRunType, productType],
	);
	assert.equal(subjects.length, 1);
	assert.deepEqual(affidavit, { verdict: 'passed' });
	assert.equal(ambiguity, '');
});

test('what Go refuses to load is refused, with its place', () => {
	const run = JSON.stringify(commandRun());
	const cases: [string, RegExp][] = [
		['{}', /statement\.predicate: expected a value/],
		['[]', /statement: expected an object/],
		['{"predicate":[]}', /predicate: expected an object/],
		['{"predicate":{"name":1}}', /predicate\.name: expected a string/],
		['{"predicate":{"attestations":{}}}', /predicate\.attestations: expected an array/],
		['{"predicate":{},"subject":[{"digest":{"sha256":1}}]}', /subject\[0\]\.digest\.sha256: expected a string/],
		[one('null'), /attestation not found: "" \(attestations\[0\]\.type\)/],
		[one('{"type":"x","attestation":{}}'), /attestation not found: "x"/],
		[one(`{"type":"${commandRunType}"}`), /attestations\[0\]\.attestation: expected a value/],
		[one(`{"type":"${commandRunType}","attestation":null}`), /attestations\[0\]\.attestation: expected a value/],
		[
			one(run.replace('"exitcode":0', '"exitcode":"0"')),
			/attestations\[0\]\.attestation\.exitcode: expected an integer/,
		],
		[one(run.replace('{', '{"starttime":"yesterday",')), /attestations\[0\]\.starttime: expected a time/],
		[one(`${`${run},`.repeat(attestationsMax)}${run}`), /at most 10000/],
	];
	for (const [text, reason] of cases) {
		const loaded = load(text);
		assert.ok(loaded.kind === 'invalid', text.slice(0, 200));
		assert.match(loaded.reason, reason);
	}
});

test('a predicate of null is an empty collection, as in Go', () => {
	const loaded = load('{"predicate":null}');
	assert.ok(loaded.kind === 'statement');
	assert.deepEqual(loaded.statement.collection, { name: '', attestations: [] });
});

test('a list of attestations that a later one replaces must be right as well', () => {
	const good = JSON.stringify([commandRun()]);
	const bad = JSON.stringify([{ type: productType, attestation: { app: 'x' } }]);
	const cases: [string, boolean][] = [
		[`"attestations":${good},"Attestations":${good}`, true],
		[`"attestations":${bad},"Attestations":${good}`, false],
		[`"ATTESTATIONS":${bad},"attestations":${good}`, false],
		[`"attestations":${bad},"attestations":${good}`, false],
		[`"attestations":${good},"attestations":null`, true],
	];
	for (const [fields, loads] of cases) {
		const loaded = load(`{"predicate":{"name":"build",${fields}}}`);
		assert.equal(loaded.kind === 'statement', loads, fields);
		if (loaded.kind === 'statement') assert.notEqual(loaded.statement.ambiguity, '');
	}
});

test('no statement makes it throw', () => {
	const type = fc.constantFrom(commandRunType, productType, 'https://slsa.dev/provenance/v1.0', 'x');
	const entry = fc.record({ type, attestation: fc.jsonValue({ maxDepth: 4 }) }, { requiredKeys: [] });
	const predicate = fc.oneof(fc.jsonValue(), fc.record({ name: fc.string(), attestations: fc.array(entry) }));
	const subject = fc.oneof(fc.jsonValue(), fc.array(fc.record({ name: fc.string(), digest: fc.jsonValue() })));
	fc.assert(
		fc.property(fc.record({ predicate, subject, predicateType: fc.jsonValue() }, { requiredKeys: [] }), (value) => {
			assert.match(load(JSON.stringify(value)).kind, /statement|invalid/);
		}),
		{ numRuns: 300 },
	);
});
