import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unknownProcess } from '@affidavit/model/trace-event.ts';
import { asBytes, createInput, setInput } from '../../src/event/bytes.ts';
import {
	type CachedProcess,
	cachedProcess,
	createCopies,
	createProcessCache,
	matchProcess,
	type Skip,
} from '../../src/event/process-cache.ts';
import { cachedString, createStringCache, knownString } from '../../src/event/string-cache.ts';

const copies = createCopies();
const entryOf = (text: string) => {
	const size = text.length;
	return cachedProcess(copies, asBytes(Buffer.from(text)), 0, size, [size, size, size, size], unknownProcess(text));
};
const never: Skip = () => -1;

test('a process matches its own bytes only', () => {
	const input = createInput();
	const text = 'x{"exec_id":"abc","pid":1,"cwd":"/a/long/enough/path"}y';
	setInput(input, asBytes(Buffer.from(text)));
	const entry = entryOf(text.slice(1, -1));
	assert.equal(matchProcess(entry, input, 1, never, never), text.length - 1);
	assert.equal(matchProcess(entry, input, 0, never, never), -1);
	for (let i = 1; i < text.length - 1; i++) {
		const changed = Buffer.from(text);
		changed[i] = (changed[i] as number) ^ 1;
		setInput(input, asBytes(changed));
		assert.equal(matchProcess(entry, input, 1, never, never), -1, `byte ${i}`);
	}
	setInput(input, asBytes(Buffer.from(text.slice(0, -2))));
	assert.equal(matchProcess(entry, input, 1, never, never), -1, 'cut short');
});

test('the cache forgets what was not used, and keeps what is', () => {
	const cache = createProcessCache({ entriesMax: 100, bytesMax: 1 << 20 });
	for (let i = 0; i < 1000; i++) {
		cache.put(i, entryOf(`process ${i}`));
		assert.ok(cache.get(0), `in use after ${i}`);
	}
	assert.equal(cache.get(500), null);
	const input = createInput();
	setInput(input, asBytes(Buffer.from('process 0')));
	assert.equal(matchProcess(cache.get(0) as CachedProcess, input, 0, never, never), 9, 'moved with its bytes');
	let kept = 0;
	for (let i = 0; i < 1000; i++) if (cache.get(i)) kept++;
	assert.ok(kept <= 150, `${kept} kept`);
});

test('the cache is bounded in bytes, and in forms of one process', () => {
	const cache = createProcessCache({ entriesMax: 1000, bytesMax: 10_000 });
	for (let i = 0; i < 100; i++) cache.put(i, entryOf('x'.repeat(1000)));
	let kept = 0;
	for (let i = 0; i < 100; i++) if (cache.get(i)) kept++;
	assert.ok(kept <= 12, `${kept} kept`);
	for (let i = 0; i < 50; i++) cache.put(7, entryOf(`form ${i}`));
	let forms = 0;
	for (let entry = cache.get(7); entry; entry = entry.variant) forms++;
	assert.equal(forms, 4);
});

test('equal processes are one object; a changed one replaces it', () => {
	const cache = createProcessCache({ entriesMax: 10, bytesMax: 1 << 20 });
	const first = { ...unknownProcess('a'), environment: { CI: 'true' } };
	assert.equal(cache.intern(first), first);
	assert.equal(cache.intern({ ...first, environment: { CI: 'true' } }), first);
	const changed = { ...first, environment: { CI: 'false' } };
	assert.equal(cache.intern(changed), changed);
	assert.equal(cache.intern({ ...changed }), changed);
});

test('cached strings are right, whatever collides', () => {
	const cache = createStringCache();
	const input = createInput();
	for (let i = 0; i < 30_000; i++) {
		const text = `${'/dir'.repeat(i % 40)}/${i}`;
		setInput(input, asBytes(Buffer.from(`"${text}"`)));
		assert.equal(cachedString(cache, input, 1, text.length + 1), text);
		if (text.length <= 128) assert.equal(knownString(cache, input, 1, text.length + 1), text);
	}
});
