import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { loadCatalogue } from '../../src/catalogue/load.ts';
import { DetectError } from '../../src/core/errors.ts';
import { loadRuleSet, shippedRules } from '../../src/rules/load.ts';
import { ruleJsonSchema } from '../../src/rules/rule-schema.ts';
import { createRuleSet, withOptions } from '../../src/rules/rule-set.ts';

const catalogue = loadCatalogue();
const shipped = (): Map<string, Record<string, unknown>> =>
	new Map(
		readdirSync(shippedRules)
			.filter((name) => name.endsWith('.yaml'))
			.map((name) => [name, parse(readFileSync(new URL(name, shippedRules), 'utf8'))]),
	);

/** The shipped rules with one of them changed. */
function refusal(file: string, change: Record<string, unknown>): string {
	const files = shipped();
	files.set(file, { ...files.get(file), ...change });
	try {
		createRuleSet(files, catalogue);
	} catch (error) {
		assert.ok(error instanceof DetectError);
		assert.equal(error.code, 'rule-invalid');
		return error.message;
	}
	throw new assert.AssertionError({ message: 'expected the rule to be refused' });
}

describe('createRuleSet', () => {
	it('says file, field and reason', () => {
		assert.match(refusal('foreign-ptrace.yaml', { severity: 'fatal' }), /^foreign-ptrace\.yaml: severity: /);
		assert.match(refusal('foreign-ptrace.yaml', { colour: 'red' }), /^foreign-ptrace\.yaml: rule: .*colour/);
		assert.match(
			refusal('foreign-ptrace.yaml', { attack: ['T9999'] }),
			/^foreign-ptrace\.yaml: attack\.0: .*shipped list/,
		);
		assert.match(refusal('foreign-ptrace.yaml', { attack: ['1055'] }), /^foreign-ptrace\.yaml: attack\.0: /);
		assert.match(refusal('foreign-ptrace.yaml', { id: 'other' }), /^foreign-ptrace\.yaml: id: /);
		assert.match(refusal('foreign-ptrace.yaml', { cases: [] }), /^foreign-ptrace\.yaml: cases: /);
	});

	it('refuses conditions that do not compile, by type too', () => {
		assert.match(refusal('foreign-ptrace.yaml', { when: 'fact.request ==' }), /^foreign-ptrace\.yaml: when: /);
		assert.match(refusal('foreign-ptrace.yaml', { when: 'fact.nothing == 1' }), /when: .*nothing/);
		assert.match(refusal('foreign-ptrace.yaml', { when: 'fact.request' }), /when: expected a bool/);
		assert.match(refusal('foreign-ptrace.yaml', { when: 'fact.op == 1' }), /when: /);
	});

	it('refuses kinds of two families, unknown fields and unknown names', () => {
		assert.match(refusal('foreign-ptrace.yaml', { on: ['ptrace', 'read'] }), /on: read/);
		assert.match(refusal('foreign-ptrace.yaml', { subject: ['size'] }), /subject: size/);
		assert.match(refusal('foreign-ptrace.yaml', { explain: 'It was {whom}.' }), /explain: \{whom\}/);
	});

	it('refuses code rules that have no judge, and judges that have no rule', () => {
		const files = shipped();
		files.set('own.yaml', { ...files.get('trace-incomplete.yaml'), id: 'own' });
		assert.throws(() => createRuleSet(files, catalogue), /own\.yaml: engine: /);
		files.delete('own.yaml');
		files.delete('trace-incomplete.yaml');
		assert.throws(() => createRuleSet(files, catalogue), /trace-incomplete\.yaml: engine: /);
	});

	it('has one digest for one content, and another for another', () => {
		const one = loadRuleSet();
		assert.equal(one.digest, loadRuleSet().digest);
		assert.match(one.digest, /^[0-9a-f]{64}$/);
		assert.notEqual(withOptions(one, { strictSources: true }).digest, one.digest);
	});
});

describe('schemas/rule.schema.json', () => {
	it('is what the code says', () => {
		const file = readFileSync(new URL('../../../../schemas/rule.schema.json', import.meta.url), 'utf8');
		assert.deepEqual(
			JSON.parse(file),
			JSON.parse(JSON.stringify(ruleJsonSchema())),
			'write it anew with ruleJsonSchema()',
		);
	});
});
