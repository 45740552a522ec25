// Odd but signed: policies, statements and Rego modules that a key holder may sign. Nothing throws or hangs, and where the real
// library is present, witness mode says what it says.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import fc from 'fast-check';
import { openPeerverify } from '../../interop/peerverify.ts';
import type { Inputs } from '../../interop/policy-matrix/case.ts';
import { askOurs } from '../../interop/policy-matrix/ours.ts';
import { askPeerOf } from '../../interop/policy-matrix/run.ts';
import { byteChange, changeBytes, changeJson, jsonChange } from './changes.ts';
import { buildSpec, fetchSpec, ground, rule, steps } from './ground.ts';
import { changedModule, moduleChange } from './modules.ts';
import { parameters, secondsMax } from './options.ts';

const peer = openPeerverify();
const folder = mkdtempSync(join(tmpdir(), 'affidavit-signed-'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Both modes end in time; witness mode says what the real library says; strict mode never accepts more. */
async function mustAgree(inputs: Inputs): Promise<void> {
	const nowMs = Date.now();
	const began = performance.now();
	const witness = await askOurs(inputs, 'witness', nowMs);
	const strict = await askOurs(inputs, 'strict', nowMs);
	assert.ok(performance.now() - began < 2 * secondsMax * 1000, `over ${secondsMax} s`);
	assert.ok(witness.accepted || !strict.accepted, `strict accepts, witness says: ${witness.reason}`);
	if (peer.kind === 'absent') return;
	const answer = askPeerOf(peer.binary, folder, inputs);
	assert.equal(witness.accepted, answer.accepted, `ours: ${witness.reason}\nthe real library: ${answer.output}`);
}

const someBytes = fc.array(byteChange, { minLength: 1, maxLength: 2 });
const someJson = fc.array(jsonChange, { minLength: 1, maxLength: 3 });
const textOf = (value: unknown): string => JSON.stringify(value) ?? 'null';
const { maker } = await ground('good');

suite('odd but signed', () => {
	test('statements with other JSON', () =>
		fc.assert(
			fc.asyncProperty(someJson, async (changes) => {
				const payload = (text: string): string => textOf(changeJson(JSON.parse(text), changes));
				await mustAgree(await maker.given({ steps, collections: [fetchSpec, { ...buildSpec, payload }] }));
			}),
			parameters,
		));

	test('statements with other bytes', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const payload = (text: string): Buffer => changeBytes(Buffer.from(text), changes, Buffer.from(rule));
				await mustAgree(await maker.given({ steps, collections: [fetchSpec, { ...buildSpec, payload }] }));
			}),
			parameters,
		));

	test('policies with other JSON', () =>
		fc.assert(
			fc.asyncProperty(someJson, async (changes) => {
				const payload = (text: string): string => textOf(changeJson(JSON.parse(text), changes));
				await mustAgree(await maker.given({ steps, collections: [fetchSpec, buildSpec], payload }));
			}),
			parameters,
		));

	test('policies with other bytes', () =>
		fc.assert(
			fc.asyncProperty(someBytes, async (changes) => {
				const payload = (text: string): Buffer => changeBytes(Buffer.from(text), changes, Buffer.from(rule));
				await mustAgree(await maker.given({ steps, collections: [fetchSpec, buildSpec], payload }));
			}),
			parameters,
		));

	test('envelopes with other JSON around signed bytes', () =>
		fc.assert(
			fc.asyncProperty(someJson, async (changes) => {
				const text = (file: string): string => textOf(changeJson(JSON.parse(file), changes));
				await mustAgree(await maker.given({ steps, collections: [fetchSpec, { ...buildSpec, text }] }));
			}),
			parameters,
		));

	test('Rego modules with other words', () =>
		fc.assert(
			fc.asyncProperty(fc.array(moduleChange, { minLength: 1, maxLength: 3 }), fc.nat(), async (changes, which) => {
				const rego = [changedModule(which, changes)];
				await mustAgree(await maker.given({ steps: [{ rego }], collections: [{}] }));
			}),
			parameters,
		));
});
