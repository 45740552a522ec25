// The shipped TracingPolicies: fresh, within Tetragon's limits, and equal to what was tried on a real kernel where they claim it.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse } from 'yaml';
import {
	defaultWorkspaces,
	type PolicyOptions,
	type PolicyShape,
	prefixValuesMax,
	renderPolicies,
} from '../../../policies/tetragon/render.ts';

const root = join(import.meta.dirname, '../../..');
const shapes: PolicyShape[] = ['full', 'watched'];

interface Hook {
	hook?: string;
	call?: string;
	args: { index: number; type: string; resolve?: string; label?: string }[];
	selectors?: {
		matchArgs?: { index: number; operator: string; values: string[] }[];
		matchActions: { action: string; imaHash?: boolean }[];
	}[];
}

const rendered = (options: PolicyOptions) => {
	const result = renderPolicies(options);
	assert.equal(result.kind, 'policies', JSON.stringify(result));
	return result.kind === 'policies' ? result.policies : [];
};
const hooksOf = (yaml: string): Hook[] => {
	const { spec } = parse(yaml) as { spec: { lsmhooks?: Hook[]; kprobes?: Hook[] } };
	return [...(spec.lsmhooks ?? []), ...(spec.kprobes ?? [])];
};

for (const shape of shapes)
	test(`${shape}: the shipped files are what render.ts makes (node policies/tetragon/write-defaults.ts)`, () => {
		const folder = join(root, 'policies/tetragon', shape);
		const policies = rendered({ workspaces: defaultWorkspaces, shape });
		assert.deepEqual(readdirSync(folder).sort(), policies.map((p) => p.file).sort());
		for (const { file, yaml } of policies) assert.equal(readFileSync(join(folder, file), 'utf8'), yaml);
	});

test('full: hooks and arguments are those that were tried on a real kernel', () => {
	const tried = join(root, 'test/fixtures/policies');
	const policies = rendered({ workspaces: ['/ws'], shape: 'full' });
	for (const file of readdirSync(tried)) {
		const ours = policies.find((p) => p.file === file);
		assert.ok(ours, file);
		const shape = (hooks: Hook[]) => hooks.map(({ hook, call, args }) => ({ hook, call, args }));
		assert.deepEqual(shape(hooksOf(ours.yaml)), shape(hooksOf(readFileSync(join(tried, file), 'utf8'))), file);
		if (file === '10-exec-hash.yaml' || file === '30-mmap.yaml')
			assert.deepEqual(hooksOf(ours.yaml), hooksOf(readFileSync(join(tried, file), 'utf8')));
	}
});

test('any workspaces stay within the limits of a hook', () => {
	const folder = fc
		.stringMatching(/^\/[a-z]{1,8}(\/[a-zA-Z0-9 _.:"'\\#-]{1,12}){0,3}$/)
		.filter((f) => !/\/\.{1,2}(\/|$)/.test(f));
	fc.assert(
		fc.property(fc.array(folder, { maxLength: 9 }), fc.constantFrom(...shapes), (workspaces, shape) => {
			const result = renderPolicies({ workspaces, shape });
			if (result.kind === 'invalid') {
				assert.ok(
					result.errors.every((e) => / lies in /.test(e)),
					result.errors.join(),
				);
				return;
			}
			for (const { yaml } of result.policies)
				for (const { args, selectors = [] } of hooksOf(yaml)) {
					assert.ok(args.length <= 5);
					assert.ok(selectors.length <= 5);
					for (const { matchArgs = [] } of selectors) {
						assert.ok(matchArgs.length <= 5);
						for (const { operator, values } of matchArgs)
							assert.ok(values.length > 0 && values.length <= (operator === 'Equal' ? 4 : prefixValuesMax));
					}
				}
			const writes = hooksOf(result.policies.at(-1)?.yaml ?? '')[0]?.selectors ?? [];
			const prefixes = writes.flatMap((s) => s.matchArgs?.find((m) => m.operator === 'Prefix')?.values ?? []);
			for (const workspace of workspaces) assert.ok(prefixes.includes(`${workspace}/`), workspace);
		}),
	);
});

test("Tetragon's and Affidavit's own outputs are excluded wherever a hook would see them", () => {
	const policies = rendered({ workspaces: ['/ws'], shape: 'full', outputs: ['/root/.local/share/affidavit'] });
	const own = '/root/.local/share/affidavit/';
	const all = policies.flatMap((p) => hooksOf(p.yaml));
	for (const name of [
		'file_post_open',
		'security_file_permission',
		'security_file_truncate',
		'security_path_truncate',
	]) {
		const hook = all.find((h) => (h.hook ?? h.call) === name);
		const excluded = hook?.selectors?.some((s) =>
			s.matchArgs?.some((m) => m.operator === 'NotPrefix' && m.values.includes(own)),
		);
		assert.ok(excluded, name);
	}
});

test('folders that no policy can cover are refused with the reason', () => {
	const cases: [Partial<PolicyOptions>, RegExp][] = [
		[{ workspaces: ['relative'] }, /expected an absolute path/],
		[{ workspaces: ['/'] }, /expected a path below \//],
		[{ workspaces: ['/a/../b'] }, /without empty, \. or \.\. parts/],
		[{ workspaces: ['/a//b'] }, /without empty/],
		[{ workspaces: ['/a\nb'] }, /no control characters/],
		[{ workspaces: [`/${'x'.repeat(300)}`] }, /at most 255 characters/],
		[{ workspaces: Array.from({ length: 10 }, (_, i) => `/w${i}`) }, /expected at most 9/],
		[{ workspaces: ['/run/build'] }, /lies in \/run\/, which is not watched/],
		[{ workspaces: ['/var/lib/affidavit/x'] }, /which is not watched/],
		[{ workspaces: ['/ws'], outputs: ['/ws/out'] }, /lies in the workspace/],
		[{ workspaces: [], outputs: ['/a', '/b', '/c', '/d', '/e', '/f'] }, /outputs: 6 folders: expected at most 5/],
	];
	for (const [options, expected] of cases) {
		const result = renderPolicies({ workspaces: [], shape: 'full', ...options });
		assert.equal(result.kind, 'invalid', JSON.stringify(options));
		if (result.kind === 'invalid') assert.match(result.errors.join('\n'), expected);
	}
});
