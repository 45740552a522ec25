import assert from 'node:assert/strict';
import { it } from 'node:test';
import { findWorkspace, programPath, resolvedPath } from '../../src/witness/workspace.ts';

const files = new Map([
	['main.go', 'a'],
	['go.mod', 'b'],
	['pkg/x.go', 'c'],
]);
const open = (path: string, digest = ''): { path: string; digest: string } => ({ path, digest });

it('is the folder that brings most materials and opens together', () => {
	const opens = [open('/home/u/app/main.go'), open('/home/u/app/pkg/x.go'), open('/go/mod/other/main.go')];
	assert.equal(findWorkspace({ opens, files, named: ['/elsewhere'] }), '/home/u/app');
});

it('believes a digest that agrees more than names that do', () => {
	const opens = [
		open('/go/mod/other/main.go', 'x'),
		open('/go/mod/other/go.mod', 'y'),
		open('/go/mod/other/pkg/x.go', 'z'),
		open('/home/u/app/main.go', 'a'),
	];
	assert.equal(findWorkspace({ opens, files, named: [] }), '/home/u/app');
});

it('lets the environment decide between equals, and where nothing else tells', () => {
	const opens = [open('/one/main.go'), open('/two/main.go')];
	assert.equal(findWorkspace({ opens, files, named: ['/two'] }), '/two');
	assert.equal(findWorkspace({ opens, files, named: [] }), '/one');
	assert.equal(findWorkspace({ opens: [], files, named: ['', '/named/'] }), '/named');
	assert.equal(findWorkspace({ opens: [], files: new Map(), named: ['/'] }), '');
});

it('takes dots out of a path, so that nothing passes by what is expected of it', () => {
	assert.equal(resolvedPath('/w/src/../a.h', '/w'), '/w/a.h');
	assert.equal(resolvedPath('/w//src/./a.h', '/w'), '/w/src/a.h');
	assert.equal(resolvedPath('../w/a.h', '/w'), '/w/a.h');
	assert.equal(resolvedPath('/w/.git/config', '/w'), '/w/.git/config');
	assert.equal(resolvedPath('a.h', ''), 'a.h');
	assert.equal(findWorkspace({ opens: [open('/w/x/../pkg/x.go', 'c')], files, named: [] }), '/w');
	assert.deepEqual([programPath('cc1', '/w'), programPath('./configure', '/w')], ['cc1', '/w/configure']);
});
