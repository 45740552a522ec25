// The predicates that are signed are what their published JSON Schemas say.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { z } from 'zod';
import { derive } from '../../services/sign/test/derive-helper.ts';
import { buildFacts, fileFact, workspace } from '../../services/sign/test/session-builder.ts';

const schemaFiles = [
	['collection', 'witness-collection-v0.1'],
	['runtime-trace', 'runtime-trace-v0.1'],
	['index', 'index-v0.1'],
	['vsa', 'verification-summary-v1'],
] as const;

const schemaOf = (file: string): z.ZodType =>
	z.fromJSONSchema(
		JSON.parse(readFileSync(new URL(`../../schemas/predicates/${file}.schema.json`, import.meta.url), 'utf8')),
	);

for (const listedFilesMax of [20_000, 2])
	test(`predicates match their schemas (${listedFilesMax === 2 ? 'with' : 'without'} a log)`, async () => {
		const facts = buildFacts();
		facts.files.push(fileFact({ path: `${workspace}/more.h`, ino: '77', otherSize: 9 }));
		facts.gaps.push({ cause: 'loss-counter', detail: 'c', fromUs: 1, toUs: 2, count: 3 });
		const { statements } = await derive([facts], {}, { listedFilesMax });
		for (const [name, file] of schemaFiles) {
			const schema = schemaOf(file);
			const predicate = statements.get(name)?.predicate as Record<string, unknown>;
			const parsed = schema.safeParse(predicate);
			assert.ok(parsed.success, `${name}: ${parsed.error}`);
			// Each field that the schema requires is really required.
			for (const field of Object.keys(predicate))
				assert.equal(schema.safeParse({ ...predicate, [field]: undefined }).success, false, `${name}.${field}`);
		}
	});
