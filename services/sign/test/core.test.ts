import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { canonicalJson } from '@affidavit/model/digests.ts';
import { compareFileFacts } from '@affidavit/model/fact-order.ts';
import type { FileFact } from '@affidavit/model/facts.ts';
import fc from 'fast-check';
import { splitArguments } from '../src/core/command-run.ts';
import { rfc3339 } from '../src/core/event-time.ts';
import { fileFactJson, fileLogLine, logLine } from '../src/core/fact-line.ts';
import { createMaterialCollector } from '../src/core/materials.ts';
import { createOpenedFileCollector } from '../src/core/opened-files.ts';
import { digestOf, fileFact, manifest, workspace } from './session-builder.ts';

test('a file fact written by hand has the canonical bytes', () => {
	const text = fc.string({ unit: 'grapheme' });
	const fact = fc.record({
		path: text,
		path2: text,
		execId: text,
		heldBy: text,
		ino: text,
		size: fc.integer(),
		firstUs: fc.maxSafeInteger(),
	});
	fc.assert(
		fc.property(fact, (over) => {
			const f = fileFact(over);
			assert.equal(fileFactJson(f), canonicalJson(f));
			assert.equal(fileLogLine(f), logLine('file', f));
		}),
	);
});

test('event times keep their microseconds', () => {
	assert.equal(rfc3339(1_780_000_000_123_456), '2026-05-28T20:26:40.123456Z');
	assert.equal(rfc3339(-1), '1970-01-01T00:00:00.000000Z');
	assert.match(rfc3339(Number.MAX_VALUE), /^2255-/);
});

test('arguments are split as the sensor joins them', () => {
	assert.deepEqual(splitArguments(''), []);
	assert.deepEqual(splitArguments('-c "a b"  ""x c'), ['-c', 'a b', 'x', 'c']);
	assert.deepEqual(splitArguments('a "" b'), ['a', '', 'b']);
});

suite('materials', () => {
	const collect = (
		facts: Partial<FileFact>[],
		disputed: string[] = [],
		withManifest = true,
	): Record<string, string> => {
		const collector = createMaterialCollector({
			workspace,
			manifest: withManifest ? manifest() : null,
			disputed: new Set(disputed),
			filesMax: 100,
		});
		for (const f of facts.map(fileFact).sort(compareFileFacts)) collector.add(f);
		return Object.fromEntries(collector.end().digests);
	};
	const other = { path: `${workspace}/gen.c`, ino: '11', digest: digestOf('gen') };
	test('one open is enough where the repository agrees', () => {
		assert.deepEqual(collect([{}]), { 'main.c': digestOf('main') });
		assert.deepEqual(collect([{ size: 5 }]), {});
		assert.deepEqual(collect([{ digest: digestOf('evil') }]), {});
		assert.deepEqual(collect([{ digest: digestOf('evil'), count: 9 }]), {});
	});
	test('elsewhere two opens must agree, and none disagree', () => {
		assert.deepEqual(collect([other]), {});
		assert.deepEqual(collect([{ ...other, count: 2 }]), { 'gen.c': digestOf('gen') });
		assert.deepEqual(collect([other, { ...other, execId: 'cpp' }]), { 'gen.c': digestOf('gen') });
		assert.deepEqual(
			collect([
				{ ...other, count: 2 },
				{ ...other, digest: digestOf('x') },
			]),
			{},
		);
		assert.deepEqual(
			collect([
				{ ...other, count: 2, copies: 3 },
				{ ...other, size: 9 },
			]),
			{},
		);
	});
	test('not what the session wrote, nor uncertain digests, nor outside the workspace, nor .git, nor a finding', () => {
		assert.deepEqual(collect([{ writer: 'make' }]), {});
		assert.deepEqual(collect([{ writer: 'tar', writerForeign: true }]), { 'main.c': digestOf('main') });
		assert.deepEqual(collect([{ otherSize: 99 }]), {});
		assert.deepEqual(collect([{ assurance: 'agent' }]), {});
		assert.deepEqual(collect([{ foreign: true }]), {});
		assert.deepEqual(collect([{ op: 'open_write' }]), {});
		assert.deepEqual(collect([{ path: '/etc/passwd', count: 2 }]), {});
		assert.deepEqual(collect([{ path: `${workspace}/.git/config`, count: 2 }]), {});
		assert.deepEqual(collect([{}], ['main.c']), {});
		assert.deepEqual(collect([{}], [`${workspace}/main.c`]), {});
	});
	test('without a manifest only agreement counts', () => {
		assert.deepEqual(collect([{}], [], false), {});
		assert.deepEqual(collect([{ count: 2 }], [], false), { 'main.c': digestOf('main') });
	});
});

suite('opened files', () => {
	const opened = (facts: Partial<FileFact>[]): (string | undefined)[] => {
		const collector = createOpenedFileCollector(workspace, 100);
		for (const f of facts.map(fileFact).sort(compareFileFacts)) collector.add(f);
		return [...(collector.end().byProcess.get('cc')?.values() ?? [])];
	};
	test('a mix-up leaves the path without a digest, unless another open is sound', () => {
		assert.deepEqual(opened([{ otherSize: 7 }]), ['']);
		assert.deepEqual(opened([{ otherSize: 7, digest: digestOf('x') }, {}]), [digestOf('main')]);
	});
	test('of one content version what most opens show counts, of two versions the later', () => {
		assert.deepEqual(opened([{}, { digest: digestOf('b') }]), ['']);
		assert.deepEqual(opened([{}, { execId: 'cpp', count: 2, digest: digestOf('b') }]), ['']);
		assert.deepEqual(opened([{}, { execId: 'cpp', count: 1 }, { execId: 'as', digest: digestOf('b') }]), [
			digestOf('main'),
		]);
		assert.deepEqual(opened([{}, { digest: digestOf('b'), version: 1, lastUs: 9e15 }]), [digestOf('b')]);
	});
});
