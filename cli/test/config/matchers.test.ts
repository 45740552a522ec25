import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readMatchers } from '../../src/config/matchers.ts';
import { CliError } from '../../src/errors.ts';
import { repoRoot, temporaryFolder } from '../run-cli.ts';

test('matchers come from YAML or JSON; a wrong file is named', async (t) => {
	const dir = temporaryFolder(t);
	const shipped = await readMatchers(join(repoRoot, 'services/correlate/src/matchers/presets.json'));
	assert.equal(shipped[0]?.id, 'github-actions');
	const yaml = join(dir, 'm.yaml');
	writeFileSync(yaml, 'matchers:\n  - { kind: command, id: bazel, binary: [bazel] }\n');
	assert.deepEqual(
		(await readMatchers(yaml)).map((m) => m.id),
		['bazel'],
	);
	for (const text of ['matchers: 3', 'matchers: [{kind: command}]', '[', '']) {
		writeFileSync(yaml, text);
		await assert.rejects(
			readMatchers(yaml),
			(error) => error instanceof CliError && error.exitCode === 78 && error.message.includes(yaml),
		);
	}
	await assert.rejects(readMatchers(join(dir, 'absent')), CliError);
});
