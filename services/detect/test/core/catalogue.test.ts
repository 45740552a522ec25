import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createCatalogue } from '../../src/catalogue/catalogue.ts';
import { loadCatalogue } from '../../src/catalogue/load.ts';
import { DetectError } from '../../src/core/errors.ts';

const catalogue = loadCatalogue();
const kindOf = (binary: string, args = ''): string => {
	const tool = catalogue.classify(binary, args);
	return tool ? `${tool.kind} ${tool.inputs}` : 'none';
};

describe('the compiler catalogue', () => {
	for (const [binary, args, expected] of [
		['/usr/local/go/pkg/tool/linux_amd64/compile', '', 'compiler workspace'],
		['/home/u/compile', '', 'none'],
		['/usr/local/go/pkg/tool/linux_amd64/asm', '', 'assembler workspace'],
		['/usr/local/go/pkg/tool/linux_amd64/link', '', 'linker workspace'],
		['/usr/local/go/bin/go', 'build ./...', 'build-tool none'],
		['/usr/libexec/gcc/x86_64-linux-gnu/14/cc1', '', 'compiler workspace'],
		['/usr/bin/x86_64-linux-gnu-gcc-14', '', 'driver none'],
		['/usr/bin/gcc', '', 'driver none'],
		['/usr/bin/cc', '', 'driver none'],
		['/usr/bin/as', '', 'assembler workspace'],
		['/usr/bin/x86_64-linux-gnu-ld.bfd', '', 'linker workspace'],
		['/usr/bin/ar', '', 'archiver workspace'],
		['/usr/lib/llvm-18/bin/clang-18', '', 'compiler workspace'],
		['/usr/bin/make', '-j2', 'build-tool committed'],
		['/usr/bin/node', 'script.js', 'interpreter committed'],
		['/usr/bin/python3', '', 'interpreter committed'],
		['/usr/bin/java', '-cp x org.gradle.launcher.daemon', 'compiler committed'],
		['/usr/bin/java', '-jar app.jar', 'interpreter committed'],
		['/usr/bin/dotnet', 'exec /sdk/csc.dll @x.rsp', 'compiler workspace'],
		['/usr/bin/git', 'status', 'none'],
		['/usr/bin/cat', '', 'none'],
		['', '', 'none'],
	] as const)
		it(`${binary || 'an unknown binary'} ${args} is ${expected}`, () => assert.equal(kindOf(binary, args), expected));

	it('refuses a wrong entry by file, field and reason', () => {
		const file = { description: 'x', tools: [{ id: 'a', kind: 'compiler', inputs: 'some', names: ['a'] }] };
		assert.throws(
			() => createCatalogue(new Map([['bad.yaml', file]])),
			(error) => error instanceof DetectError && /bad\.yaml: tools\.0\.inputs: /.test(error.message),
		);
	});

	it('refuses an id that is taken', () => {
		const file = { description: 'x', tools: [{ id: 'a', kind: 'compiler', inputs: 'none', names: ['a'] }] };
		assert.throws(
			() =>
				createCatalogue(
					new Map([
						['1.yaml', file],
						['2.yaml', file],
					]),
				),
			/2\.yaml: tools: id a/,
		);
	});
});
