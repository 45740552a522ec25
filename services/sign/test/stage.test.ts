import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import { parseEnvelope, payloadSha256, verifyEnvelope } from '@affidavit/attest/dsse.ts';
import { gitoid } from '@affidavit/attest/gitoid.ts';
import { keyIdOf } from '@affidavit/attest/keys.ts';
import { attestationCodec, verdictCodec } from '@affidavit/model/codec.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Verdict } from '@affidavit/model/generated/verdict.ts';
import { manifestBytes } from '@affidavit/model/manifest.ts';
import { collectingEmit } from '@affidavit/stream/internal-event.ts';
import { createMemoryBlobs } from '@affidavit/stream/memory/blobs.ts';
import type { LogRecord } from '@affidavit/stream/ports.ts';
import type { StepResult } from '@affidavit/stream/stage.ts';
import { SignError } from '../src/errors.ts';
import { createKeySigner } from '../src/signing/envelope-signer.ts';
import { openSigningKey } from '../src/signing/signing-key.ts';
import { createSignStage } from '../src/stage.ts';
import { buildFacts, chainOf, cut, digestOf, manifest, session, stream, verdictFor } from './session-builder.ts';

const folder = mkdtempSync(join(tmpdir(), 'affidavit-stage-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = createKeySigner(privateKey, keyIdOf(privateKey));
const chain = chainOf(cut(buildFacts(), 4));

const record = (verdict: Verdict, key: string = verdict.session, offset = 7): LogRecord => ({
	topic: 'verdict',
	partition: 0,
	offset,
	key,
	value: verdictCodec.encode(verdict),
	timestampUs: -1,
	origin: null,
	seal: null,
	traceparent: null,
});

async function step(outDir: string, records: LogRecord[], replayed = false, by = signer) {
	const { emit, count } = collectingEmit();
	const blobs = createMemoryBlobs();
	await blobs.put(manifestBytes(manifest()).bytes);
	const stage = createSignStage({ readFacts: () => stream(chain.batches), blobs, signer: by, outDir, emit });
	const worker = await stage.open(0, new Map());
	return { result: await worker.step(records, replayed), count };
}

const attestations = (result: StepResult) =>
	result.outputs.flatMap((o) => o.records).map((r) => attestationCodec.decode(r.value));

/** File name → sha256 of its bytes. */
const filesOf = (dir: string): Map<string, string> =>
	new Map(
		readdirSync(dir, { recursive: true, withFileTypes: true })
			.filter((e) => e.isFile())
			.map((e) => join(e.parentPath, e.name))
			.sort()
			.map((path) => [path.slice(dir.length + 1), sha256Hex(readFileSync(path))]),
	);

suite('stage sign', () => {
	test('writes an envelope and a bundle per statement, and says where', async () => {
		const outDir = join(folder, 'plain');
		const { result } = await step(outDir, [record(verdictFor(chain))]);
		assert.deepEqual(result.deadLetters, []);
		assert.equal(result.lowWaterOffset, 8);
		const said = attestations(result);
		assert.deepEqual(
			said.map((a) => a.envelope),
			['collection', 'runtime-trace', 'index', 'vsa'].map((n) => `${session}/r1/${n}.dsse.json`),
		);
		for (const a of said) {
			const bytes = readFileSync(join(outDir, a.envelope));
			assert.equal(a.gitoid, gitoid(bytes));
			for (const file of [bytes, readFileSync(join(outDir, a.envelope.replace('.dsse.', '.sigstore.')))]) {
				const parsed = parseEnvelope(file);
				assert.ok(parsed.kind === 'envelope');
				assert.equal(payloadSha256(parsed.envelope), a.payloadSha256);
				assert.equal(verifyEnvelope(parsed.envelope, [signer.verifier]).kind, 'verified');
			}
			const bundle = JSON.parse(readFileSync(join(outDir, a.envelope.replace('.dsse.', '.sigstore.')), 'utf8'));
			assert.equal(bundle.mediaType, 'application/vnd.dev.sigstore.bundle.v0.3+json');
			// cosign wants the bundle's keyid empty; Witness's own envelope carries its key id.
			assert.equal(bundle.dsseEnvelope.signatures[0].keyid ?? '', '');
			assert.equal(JSON.parse(bytes.toString('utf8')).signatures[0].keyid, signer.verifier.keyId);
		}
	});

	test('the first published envelope of a payload wins: a repeat changes no byte and says the same', async () => {
		const outDir = join(folder, 'again');
		const first = await step(outDir, [record(verdictFor(chain))]);
		const files = filesOf(outDir);
		const second = await step(outDir, [record(verdictFor(chain))]);
		assert.deepEqual(filesOf(outDir), files);
		assert.deepEqual(attestations(second.result), attestations(first.result));
	});

	test('a crash after any file repeats to the same set of files', async () => {
		const outDir = join(folder, 'crash');
		await step(outDir, [record(verdictFor(chain))]);
		// In the order of writing.
		const names = ['collection', 'runtime-trace', 'index', 'vsa'].flatMap((n) =>
			['sigstore', 'dsse'].map((form) => join(session, 'r1', `${n}.${form}.json`)),
		);
		for (let kept = 0; kept < names.length; kept++) {
			for (const name of names.slice(kept)) rmSync(join(outDir, name));
			const before = filesOf(outDir);
			const { result } = await step(outDir, [record(verdictFor(chain))]);
			const now = filesOf(outDir);
			assert.deepEqual([...now.keys()], names.toSorted());
			for (const [name, digest] of before) assert.equal(now.get(name), digest);
			assert.equal(attestations(result).length, 4);
		}
	});

	test('another statement under the name is kept; the new one takes a name of its own', async () => {
		const outDir = join(folder, 'taken');
		const first = await step(outDir, [record(verdictFor(chain))]);
		const files = filesOf(outDir);
		const other = await step(outDir, [record(verdictFor(chain, { verdict: 'failed' }))]);
		for (const [name, digest] of files) assert.equal(filesOf(outDir).get(name), digest);
		assert.equal(other.count('attestation_name_taken'), 4);
		const references = attestations(other.result).map((a) => a.envelope);
		assert.equal(new Set([...references, ...attestations(first.result).map((a) => a.envelope)]).size, 8);
		for (const reference of references) assert.ok(statSync(join(outDir, reference)).isFile());
	});

	test('a damaged envelope is neither overwritten nor passed off as published', async () => {
		const outDir = join(folder, 'damaged');
		await step(outDir, [record(verdictFor(chain))]);
		const path = join(outDir, session, 'r1', 'vsa.dsse.json');
		const damaged = readFileSync(path, 'utf8').replace(/"sig":"..../, '"sig":"AAAA');
		writeFileSync(path, damaged);
		const { result } = await step(outDir, [record(verdictFor(chain))]);
		assert.equal(readFileSync(path, 'utf8'), damaged);
		assert.notEqual(attestations(result)[3]?.envelope, `${session}/r1/vsa.dsse.json`);
	});

	test('revisions lie beside each other', async () => {
		const outDir = join(folder, 'revisions');
		const { result } = await step(outDir, [
			record(verdictFor(chain)),
			record(verdictFor(chain, { revision: 2, verdict: 'failed' }), session, 8),
		]);
		assert.deepEqual(readdirSync(join(outDir, session)), ['r1', 'r2']);
		assert.deepEqual(
			result.outputs.map((o) => o.offset),
			[7, 8],
		);
	});

	test('replayed records cause nothing', async () => {
		const outDir = join(folder, 'replayed');
		const { result } = await step(outDir, [record(verdictFor(chain))], true);
		assert.deepEqual(result.outputs, []);
		assert.deepEqual(readdirSync(folder).includes('replayed'), false);
	});

	test('what cannot be signed is a dead letter, nothing is written, and the rest goes on', async () => {
		const outDir = join(folder, 'refused');
		const good = record(verdictFor(chain), session, 12);
		const { result, count } = await step(outDir, [
			{ ...good, value: Buffer.from('nonsense'), offset: 8 },
			record(verdictFor(chain, { factsHead: Buffer.alloc(32, 1) }), session, 9),
			record(verdictFor(chain, { session: '../../etc' }), '../../etc', 10),
			record(verdictFor(chain), digestOf('another key'), 11),
			record(verdictFor(chain, { manifest: digestOf('gone') }), session, 11),
			good,
		]);
		assert.deepEqual(
			result.deadLetters.map((d) => d.code),
			['not-a-verdict', 'facts-mismatch', 'session-id', 'session-id', 'manifest-missing'],
		);
		assert.equal(count('verdict_not_signed'), 5);
		assert.equal(attestations(result).length, 4);
		assert.deepEqual(
			readdirSync(outDir).filter((n) => n !== '.tmp'),
			[session],
		);
	});
});

test('a full disk is outlasted, another failure is not', async () => {
	const fails = (code: string, times: number) => {
		const waits: number[] = [];
		const { emit, count } = collectingEmit();
		let left = times;
		const stage = createSignStage({
			readFacts: () => stream(chain.batches),
			blobs: {
				...createMemoryBlobs(),
				get: async () => {
					if (left-- > 0) throw new SignError('write-failed', 'x', Object.assign(new Error(code), { code }));
					return manifestBytes(manifest()).bytes;
				},
			},
			signer,
			outDir: join(folder, `full-${code}-${times}`),
			emit,
			sleep: async (ms) => {
				waits.push(ms);
			},
		});
		const done = stage.open(0, new Map()).then((worker) => worker.step([record(verdictFor(chain))], false));
		return { done, waits, count };
	};
	const passing = fails('ENOSPC', 3);
	assert.equal(attestations(await passing.done).length, 4);
	assert.deepEqual(passing.waits, [200, 400, 800]);
	assert.equal(passing.count('sign_retries'), 3);
	const lasting = fails('ENOSPC', 99);
	await assert.rejects(lasting.done, SignError);
	assert.equal(lasting.waits.length, 6);
	const other = fails('EACCES', 1);
	await assert.rejects(other.done, SignError);
	assert.deepEqual(other.waits, []);
});

suite('signing key', () => {
	test('is made on first use with a warning, for its owner only, and read again', () => {
		const { emit, events, count } = collectingEmit();
		const file = join(folder, 'keys', 'signing.pem');
		const made = openSigningKey(file, { create: true, emit });
		assert.equal(made.created, true);
		assert.equal(statSync(file).mode & 0o777, 0o600);
		assert.equal(readFileSync(`${file}.pub`, 'utf8'), made.publicPem);
		assert.ok(events.some((e) => e.name === 'signing_key_created' && !e.intentional));
		assert.deepEqual(readdirSync(join(folder, 'keys')), ['signing.pem', 'signing.pem.pub']);
		const read = openSigningKey(file, { create: true, emit });
		assert.deepEqual([read.created, read.keyId], [false, made.keyId]);
		assert.equal(count('signing_key_exposed'), 0);
		chmodSync(file, 0o644);
		openSigningKey(file, { create: false, emit });
		assert.equal(count('signing_key_exposed'), 1);
	});

	test('that is absent, or no key, is an error that names the file', () => {
		const { emit } = collectingEmit();
		const code = (file: string): unknown => {
			try {
				openSigningKey(file, { create: false, emit });
			} catch (error) {
				assert.ok(error instanceof SignError);
				assert.ok(error.message.startsWith(file));
				return error.code;
			}
			return null;
		};
		assert.equal(code(join(folder, 'absent.pem')), 'key-unreadable');
		const nonsense = join(folder, 'nonsense.pem');
		writeFileSync(nonsense, 'nonsense', { mode: 0o600 });
		assert.equal(code(nonsense), 'key-invalid');
		writeFileSync(nonsense, 'x'.repeat(100_000));
		assert.equal(code(nonsense), 'key-invalid');
	});
});
