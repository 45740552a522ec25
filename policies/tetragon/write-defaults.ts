// Writes the shipped policies: node policies/tetragon/write-defaults.ts
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultWorkspaces, type PolicyShape, renderPolicies } from './render.ts';

const shapes: PolicyShape[] = ['full', 'watched'];
for (const shape of shapes) {
	const result = renderPolicies({ workspaces: defaultWorkspaces, shape });
	if (result.kind === 'invalid') throw new Error(result.errors.join('\n'));
	const folder = join(import.meta.dirname, shape);
	await mkdir(folder, { recursive: true });
	for (const { file, yaml } of result.policies) await writeFile(join(folder, file), yaml);
}
