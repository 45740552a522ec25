import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Manifest } from '@affidavit/model/manifest.ts';
import { createRepository } from '../../src/core/repository.ts';
import { declaredManifest, orDeclared } from '../../src/manifest/declared.ts';

const digest = 'a'.repeat(64);
const request = { repository: 'example/app', commit: 'c'.repeat(40), workspace: '/w' };
const real: Manifest = { version: 1, repository: 'example/app', commit: 'c'.repeat(40), files: {}, unresolved: {} };

describe('a declared manifest', () => {
	it('holds the materials without size and commit, also one that is called __proto__', () => {
		const manifest = declaredManifest('example/app', new Map([['__proto__', digest]]));
		assert.equal(manifest?.commit, '');
		const repository = createRepository(manifest);
		assert.deepEqual(repository.file('__proto__'), { sha256: digest, size: -1 });
		assert.equal(repository.file('constructor'), undefined);
	});

	it('is none without materials', () => assert.equal(declaredManifest('', new Map()), null));

	it('stands in for a repository that cannot be had, and says so', async () => {
		const declared = declaredManifest('', new Map([['a', digest]]));
		const absent = { manifest: null, note: 'unreachable: x' };
		const answer = await orDeclared(async () => absent, declared, true)(request);
		assert.equal(answer.manifest, declared);
		assert.equal(answer.declared, true);
		assert.match(answer.note, /^declared: .* \(unreachable: x\)$/);
		assert.deepEqual(await orDeclared(async () => absent, null, true)(request), absent);
	});

	it('never stands in for one that can', async () => {
		const declared = declaredManifest('', new Map([['a', digest]]));
		assert.deepEqual(await orDeclared(async () => ({ manifest: real, note: '' }), declared, true)(request), {
			manifest: real,
			note: '',
		});
	});

	it('asks no repository where none is configured', async () => {
		const never = async (): Promise<never> => assert.fail('asked');
		const answer = await orDeclared(never, null, false)(request);
		assert.match(answer.note, /^not-configured: /);
	});
});
