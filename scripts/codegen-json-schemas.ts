// JSON Schemas of what people write by hand (configuration, rules), for editors; the code checks with the zod schemas themselves.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { configJsonSchema } from '../cli/src/config/keys.ts';
import { ruleJsonSchema } from '../services/detect/src/rules/rule-schema.ts';
import type { GeneratedFile } from './codegen-predicates.ts';

export function jsonSchemas(root: string): GeneratedFile[] {
	const schemas: [string, Record<string, unknown>][] = [
		['schemas/config.schema.json', configJsonSchema()],
		['schemas/rule.schema.json', ruleJsonSchema()],
	];
	return schemas.map(([path, schema]) => ({ path, text: formatted(root, path, JSON.stringify(schema)) }));
}

/** As the formatter wants it: a generated file must not fail the lint. */
function formatted(root: string, path: string, text: string): string {
	const biome = join(root, 'node_modules/@biomejs/biome/bin/biome');
	const run = spawnSync(process.execPath, [biome, 'format', `--stdin-file-path=${path}`], {
		cwd: root,
		input: text,
		encoding: 'utf8',
	});
	if (run.status !== 0) throw new Error(`cannot format ${path}: ${run.stderr}`, { cause: run.error });
	return run.stdout;
}
