// The frozen versions, and what CI refuses of a schema's change.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import avsc from 'avsc';
import { incompatibilities } from '../../../scripts/schema-compatibility.ts';
import { historyProblems } from '../../../scripts/schema-history-check.ts';
import { canonicalForm } from '../src/canonical-schema.ts';
import { currentSchema, frozenSchema, schemaName, schemaVersions, versionsOf } from '../src/schema-history.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'affidavit-schemas-'));
after(() => rmSync(folder, { recursive: true, force: true }));

describe('the frozen schemas', () => {
	it('are those in force, and each reads all before it', () => {
		assert.deepEqual(historyProblems(root), []);
	});

	for (const version of schemaVersions)
		it(`${schemaName(version)} has the canonical form that another implementation gives it`, () => {
			const schema = frozenSchema(version);
			assert.equal(canonicalForm(schema), JSON.stringify(avsc.Type.forSchema(schema as avsc.Schema).schema()));
		});

	it('of a trace batch begin with the host: it is read before anything is decoded', () => {
		for (const version of versionsOf('trace')) {
			const { fields } = frozenSchema(version) as { fields: { name: string; type: unknown }[] };
			assert.deepEqual([fields[0]?.name, fields[0]?.type], ['host', 'string']);
		}
	});
});

/** A copy in which one text of one file is replaced. */
function copyWith(file: string, from: string | RegExp, to: string): string {
	const copy = mkdtempSync(join(folder, 'root-'));
	cpSync(join(root, 'schemas'), join(copy, 'schemas'), { recursive: true });
	const path = join(copy, 'schemas', file);
	const text = readFileSync(path, 'utf8');
	const changed = text.replace(from, to);
	assert.notEqual(changed, text);
	writeFileSync(path, changed);
	return copy;
}

describe('the check in CI', () => {
	const problemsWith = (file: string, from: string | RegExp, to: string): string[] =>
		historyProblems(copyWith(file, from, to));

	it('refuses a change that is not frozen', () => {
		const problems = problemsWith('host.avsc', /("name": "enrolledBy",\s+"type": "string",)/, '$1 "default": "",');
		assert.deepEqual(problems, ['schemas/host.avsc is not its last frozen version (1): run npm run schemas:freeze']);
	});

	it('lets words change', () => {
		assert.deepEqual(problemsWith('host.avsc', 'Node name.', 'Name of the node.'), []);
	});

	it('names a removed symbol by its path', () => {
		const problems = problemsWith('verdict.avsc', /"medium",\s+/, '');
		assert.ok(
			problems.includes(
				'schemas/verdict.avsc cannot read what version 1 wrote: findings[].severity: symbols removed: medium',
			),
		);
		assert.ok(problems.some((p) => p.includes('what version 2 wrote')));
	});

	it('refuses a frozen version that was touched, and one that is not in the list', () => {
		assert.deepEqual(
			problemsWith('history/verdict.1.avsc', '"revision"', '"revison"').filter((p) => p.includes('after')),
			['schemas/history/verdict.1.avsc was changed after it was frozen'],
		);
		const gone = problemsWith('history/history.json', /,\s+\{\s+"id": 11[^}]*\}/, '');
		assert.ok(gone.includes('schemas/history/verdict.2.avsc: no version of history.json'));
		assert.ok(
			problemsWith('history/history.json', '"id": 10,', '"id": 12,').includes('schemas/history: id 12: expected 10'),
		);
	});
});

describe('schemas:freeze', () => {
	const freeze = (copy: string): { status: number | null; stderr: string } =>
		spawnSync(process.execPath, [join(root, 'scripts/schemas-freeze.ts'), copy], { encoding: 'utf8' });
	const history = (copy: string): string => readFileSync(join(copy, 'schemas/history/history.json'), 'utf8');
	const newField = '$1{"name": "note", "type": "string", "doc": "", "default": ""}, ';

	it('adds a version with the next id, once, and touches no other', () => {
		const copy = copyWith('host.avsc', /("fields": \[\s+)/, newField);
		const before = history(copy);
		const { status, stderr } = freeze(copy);
		assert.deepEqual([status, stderr], [0, `frozen: host version 2, id ${schemaVersions.length + 1}\n`]);
		assert.deepEqual(historyProblems(copy), []);
		assert.ok(history(copy).startsWith(before.trimEnd().slice(0, -1).trimEnd()));
		assert.deepEqual([freeze(copy).stderr, historyProblems(copy)], ['', []]);
	});

	it('refuses what could not read older records, or could not be told from them, and writes nothing', () => {
		const bare = newField.replace(', "default": ""', '');
		const refusals: [RegExp, string, RegExp][] = [
			[/("fields": \[\s+)/, bare, /^host: cannot read version 1: note: new field without a default$/m],
			[/("name": "enrolledBy",)/, '$1 "default": "",', /^host: differs from version 1 in no field or type/],
		];
		for (const [from, to, why] of refusals) {
			const copy = copyWith('host.avsc', from, to);
			const before = history(copy);
			const { status, stderr } = freeze(copy);
			assert.equal(status, 1);
			assert.match(stderr, why);
			assert.equal(history(copy), before);
		}
	});
});

describe('compatibility', () => {
	const wrap = (type: unknown, more: object = {}): object => ({
		type: 'record',
		name: 'R',
		namespace: 'n',
		fields: [
			{
				name: 'list',
				type: { type: 'array', items: { type: 'record', name: 'I', fields: [{ name: 'f', type, ...more }] } },
			},
		],
	});
	const none = {
		type: 'record',
		name: 'R',
		namespace: 'n',
		fields: [{ name: 'list', type: { type: 'array', items: { type: 'record', name: 'I', fields: [] } } }],
	};
	const color = (...symbols: string[]): object => ({ type: 'enum', name: 'E', symbols });
	const cases: [string, unknown, unknown, string[]][] = [
		['the same', wrap('int'), wrap('int'), []],
		['int read as long', wrap('long'), wrap('int'), []],
		['long read as int', wrap('int'), wrap('long'), ['list[].f: type changed from long to int']],
		['another type', wrap('boolean'), wrap('string'), ['list[].f: type changed from string to boolean']],
		['a new field without default', wrap('int'), none, ['list[].f: new field without a default']],
		['a new field with default', wrap('int', { default: 0 }), none, []],
		['a field that went', none, wrap('int'), []],
		['a renamed field', wrap('int', { aliases: ['f'] }), wrap('int'), []],
		['a value become optional', wrap(['null', 'string']), wrap('string'), []],
		[
			'an optional become required',
			wrap('string'),
			wrap(['null', 'string']),
			['list[].f: type changed from null to string'],
		],
		[
			'a branch gone',
			wrap(['null', 'int']),
			wrap(['null', 'string']),
			['list[].f: the union has no branch that reads string'],
		],
		['a new symbol', wrap(color('A', 'B')), wrap(color('A')), []],
		['a removed symbol', wrap(color('B')), wrap(color('A', 'B', 'C')), ['list[].f: symbols removed: A, C']],
		[
			'an array of another type',
			wrap({ type: 'array', items: 'int' }),
			wrap({ type: 'array', items: 'string' }),
			['list[].f[]: type changed from string to int'],
		],
		[
			'a map of another type',
			wrap({ type: 'map', values: 'int' }),
			wrap({ type: 'map', values: 'string' }),
			['list[].f{}: type changed from string to int'],
		],
		[
			'another size',
			wrap({ type: 'fixed', name: 'F', size: 2 }),
			wrap({ type: 'fixed', name: 'F', size: 3 }),
			['list[].f: size changed from 3 to 2'],
		],
		[
			'a renamed type',
			wrap({ type: 'record', name: 'X', fields: [] }),
			wrap({ type: 'record', name: 'Y', fields: [] }),
			['list[].f: renamed from n.Y to n.X without an alias'],
		],
		[
			'a type renamed with an alias',
			wrap({ type: 'record', name: 'X', aliases: ['Y'], fields: [] }),
			wrap({ type: 'record', name: 'Y', fields: [] }),
			[],
		],
		[
			'a recursive type',
			wrap({ type: 'record', name: 'T', fields: [{ name: 'next', type: ['null', 'T'] }] }),
			wrap({ type: 'record', name: 'T', fields: [{ name: 'next', type: ['null', 'n.T'] }] }),
			[],
		],
	];
	for (const [what, reader, writer, reasons] of cases)
		it(`of ${what}`, () => {
			assert.deepEqual(incompatibilities(reader, writer), reasons);
			// The library that reads the records says the same.
			const resolve = (): unknown =>
				avsc.Type.forSchema(reader as avsc.Schema).createResolver(avsc.Type.forSchema(writer as avsc.Schema));
			if (reasons.length === 0) assert.doesNotThrow(resolve);
			else assert.throws(resolve);
		});

	it('holds between each schema and its versions by the library too', () => {
		for (const version of schemaVersions)
			avsc.Type.forSchema(currentSchema(version.subject) as avsc.Schema).createResolver(
				avsc.Type.forSchema(frozenSchema(version) as avsc.Schema),
			);
	});
});
