import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { artifactsOf, compareArtifacts, describeComparison, isSame, materialsOf } from '../../src/policy/artifacts.ts';
import { loadStatement } from '../../src/policy/collection.ts';
import { mismatchesShownMax } from '../../src/policy/result.ts';
import { material, product, statementText } from './maker.ts';

const files = (paths: Record<string, string>) => new Map(Object.entries(paths).map(([p, d]) => [p, { sha256: d }]));

test('materials are compared with artifacts path by path', () => {
	const cases: [Record<string, string>, Record<string, string>, boolean, RegExp][] = [
		[{ a: '1' }, { a: '1' }, true, /1 artifacts in common/],
		[{ a: '1', b: '2' }, { b: '2', c: '3' }, true, /1 artifacts in common/],
		[{ a: '1' }, { a: '2' }, false, /mismatched digests for a$/],
		[{ a: '1', b: '1' }, { a: '1', b: '2' }, false, /mismatched digests for b$/],
		[{ a: '1', b: '1' }, { a: '2', b: '2' }, false, /mismatched digests for a and 1 more/],
		[{ a: '1' }, { b: '1' }, false, /no artifacts in common/],
		[{}, { b: '1' }, false, /no artifacts in common/],
		[{ './a': '1' }, { a: '1' }, false, /no artifacts in common/],
		[{ __proto__x: '1' }, { __proto__x: '1' }, true, /1 artifacts in common/],
	];
	for (const [materials, artifacts, same, words] of cases) {
		const comparison = compareArtifacts(files(materials), files(artifacts));
		assert.equal(isSame(comparison), same);
		assert.match(describeComparison(comparison), words);
	}
});

test('mismatches are counted in full and shown in part, in the order of paths', () => {
	const many = (digest: string) => files(Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`f${i}`, digest])));
	const comparison = compareArtifacts(many('1'), many('2'));
	assert.equal(comparison.common, 50);
	assert.equal(comparison.differing, 50);
	assert.equal(comparison.mismatches.length, mismatchesShownMax);
	assert.deepEqual(comparison.mismatches[0], { path: 'f0', material: 'sha256:1', artifact: 'sha256:2' });
});

test('a product stands for the material that it replaced, a hostile path is a path', () => {
	const text = statementText([material({ a: '1', b: '1', ['__proto__']: '3' }), product({ b: '2', ['x\ny']: '4' })]);
	const loaded = loadStatement(Buffer.from(text));
	assert.equal(loaded.kind, 'statement');
	if (loaded.kind !== 'statement') return;
	const { collection } = loaded.statement;
	assert.deepEqual([...materialsOf(collection).keys()].sort(), ['__proto__', 'a', 'b']);
	const artifacts = artifactsOf(collection);
	assert.deepEqual([...artifacts.keys()].sort(), ['__proto__', 'a', 'b', 'x\ny']);
	assert.equal(artifacts.get('b')?.['sha256'], '2');
});

test('what is shared and the same is linked, whatever else either side has', () => {
	const some = fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd'), fc.constantFrom('1', '2'));
	fc.assert(
		fc.property(some, some, (materials, artifacts) => {
			const shared = Object.keys(materials).filter((path) => Object.hasOwn(artifacts, path));
			const same = shared.length > 0 && shared.every((path) => materials[path] === artifacts[path]);
			assert.equal(isSame(compareArtifacts(files(materials), files(artifacts))), same);
		}),
	);
});
