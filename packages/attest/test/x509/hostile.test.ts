// Whatever the bytes: no reader throws, none takes long, and nothing that was not signed is accepted.
import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { before, suite, test } from 'node:test';
import fc from 'fast-check';
import { envelopeJson, pae, parseEnvelope } from '../../src/dsse.ts';
import { parseVerifierKey } from '../../src/keys.ts';
import { checkSigners } from '../../src/signers.ts';
import { verifyChain } from '../../src/x509/chain.ts';
import { parseCertificate, parseCertificatePem } from '../../src/x509/parse.ts';
import { verifyTimestamp } from '../../src/x509/timestamp.ts';
import type { Issued } from '../authority.ts';
import { issueLeaf, makeAuthority, makeTimestampAuthority } from '../authority.ts';
import { makeTimestamp } from '../timestamps.ts';
import { ms, read } from './read.ts';

const nowMs = ms('2025-06-01T00:00:00Z');
const at = new Date('2025-01-01T00:00:00Z');
const payload = Buffer.from('{"a":1}');

/** Longest that any one input may take, milliseconds; the machine may be busy. */
const longestMs = 2000;

function timed<Result>(work: () => Result): Result {
	const start = performance.now();
	const result = work();
	const took = performance.now() - start;
	assert.ok(took < longestMs, `took ${took} ms`);
	return result;
}

/** Bytes of the original with some changed, cut out or put in. */
const mutations = (original: () => Buffer) =>
	fc
		.array(
			fc.record({
				at: fc.nat(1_000_000),
				kind: fc.constantFrom('set', 'flip', 'cut', 'insert', 'repeat'),
				value: fc.integer({ min: 0, max: 255 }),
				length: fc.integer({ min: 1, max: 16 }),
			}),
			{ minLength: 1, maxLength: 3 },
		)
		.map((changes) => {
			let bytes = Buffer.from(original());
			for (const { at: where, kind, value, length } of changes) {
				const i = where % (bytes.length + 1);
				if (kind === 'set') bytes[i % bytes.length] = value;
				else if (kind === 'flip') bytes[i % bytes.length] = (bytes[i % bytes.length] as number) ^ (1 << (value % 8));
				else {
					const head = bytes.subarray(0, i);
					const tail = bytes.subarray(kind === 'cut' ? i + length : i);
					const middle = kind === 'insert' ? Buffer.alloc(length, value) : bytes.subarray(i, i + length);
					bytes = Buffer.concat(kind === 'cut' ? [head, tail] : [head, middle, tail]);
				}
			}
			return bytes;
		});

suite('hostile bytes', () => {
	let root: Issued;
	let middle: Issued;
	let leaf: Issued;
	let authority: Issued;
	let signature: Buffer;
	let token: Buffer;
	let envelope: Buffer;

	before(async () => {
		root = await makeAuthority({ name: 'CN=root' });
		middle = await makeAuthority({ name: 'CN=middle', dnsNames: ['ca.example.com'] }, root);
		leaf = await issueLeaf(middle, { name: 'CN=leaf', uris: ['spiffe://td/x'], fulcio: { 8: 'https://issuer' } });
		authority = await makeTimestampAuthority(root);
		signature = sign('sha256', pae('t', payload), leaf.privateKey);
		token = makeTimestamp(authority, signature, { at });
		const json = JSON.parse(envelopeJson('t', payload, { keyid: '', sig: signature }).toString());
		json.signatures[0].certificate = Buffer.from(leaf.pem).toString('base64');
		json.signatures[0].intermediates = [Buffer.from(middle.pem).toString('base64')];
		json.signatures[0].timestamps = [{ type: 'tsp', data: token.toString('base64') }];
		envelope = Buffer.from(JSON.stringify(json));
	});

	const request = () => ({
		keys: [],
		roots: [read(root)],
		intermediates: [],
		timestampAuthorities: [read(root)],
		nowMs,
	});

	test('random bytes are none of anything', () => {
		const bytes = fc.uint8Array({ maxLength: 400 });
		const sequences = bytes.map((inner) =>
			Buffer.concat([Buffer.from([0x30, 0x82, inner.length >> 8, inner.length & 255]), inner]),
		);
		fc.assert(
			fc.property(fc.oneof(bytes, sequences), (input) => {
				assert.equal(parseCertificate(input).kind, 'invalid');
				assert.equal(parseVerifierKey(input, 'k').kind, 'invalid');
				assert.equal(parseEnvelope(input).kind, 'invalid');
				const result = verifyTimestamp({ token: input, signature, authorities: [read(root)], nowMs });
				assert.equal(result.kind, 'refused');
			}),
			{ numRuns: 300 },
		);
	});

	test('a changed certificate is refused, or has no chain', () => {
		for (const original of [() => leaf, () => middle]) {
			const about = { roots: [read(root)], atMs: nowMs };
			fc.assert(
				fc.property(
					mutations(() => original().der),
					(der) => {
						const parsed = timed(() => parseCertificate(der));
						if (parsed.kind === 'invalid' || der.equals(original().der)) return;
						const changed = parsed.certificate;
						const asLeaf = timed(() => verifyChain({ ...about, leaf: changed, intermediates: [read(middle)] }));
						assert.equal(asLeaf.kind, 'refused');
						const asIssuer = timed(() => verifyChain({ ...about, leaf: read(leaf), intermediates: [changed] }));
						assert.equal(asIssuer.kind, 'refused');
					},
				),
				{ numRuns: 400 },
			);
		}
	});

	test('a changed PEM text gives the same certificate or none with a chain', () => {
		fc.assert(
			fc.property(
				mutations(() => Buffer.from(leaf.pem)),
				(pem) => {
					const parsed = timed(() => parseCertificatePem(pem));
					if (parsed.kind === 'invalid') return;
					const about = { leaf: parsed.certificate, intermediates: [read(middle)], roots: [read(root)], atMs: nowMs };
					const accepted = verifyChain(about).kind === 'chain';
					assert.equal(accepted, leaf.der.equals(parsed.certificate.der));
				},
			),
			{ numRuns: 400 },
		);
	});

	test('a changed timestamp says the same time or none', () => {
		const authorities = [read(root)];
		fc.assert(
			fc.property(
				mutations(() => token),
				(changed) => {
					const result = timed(() => verifyTimestamp({ token: changed, signature, authorities, nowMs }));
					if (result.kind === 'timestamp') assert.equal(result.atMs, at.getTime());
				},
			),
			{ numRuns: 400 },
		);
	});

	test('a changed envelope verifies only with the payload that was signed', () => {
		assert.ok(checkSigners(envelopeIn(envelope), request()).every(({ verified }) => verified));
		fc.assert(
			fc.property(
				mutations(() => envelope),
				(bytes) => {
					const parsed = timed(() => parseEnvelope(bytes));
					if (parsed.kind === 'invalid') return;
					const checks = timed(() => checkSigners(parsed.envelope, request()));
					if (!checks.some(({ verified }) => verified)) return;
					assert.deepEqual(Buffer.from(parsed.envelope.payload), payload);
					assert.equal(parsed.envelope.payloadType, 't');
				},
			),
			{ numRuns: 400 },
		);
	});

	test('a certificate of many elements, deep ones and long lists are refused in bounded time', () => {
		const wrap = (tag: number, inner: Buffer) =>
			Buffer.concat([Buffer.from([tag, 0x82, inner.length >> 8, inner.length & 255]), inner]);
		const flat = wrap(0x30, Buffer.alloc(60_000, Buffer.from([0x05, 0x00])));
		const names = wrap(0x30, Buffer.alloc(60_000, Buffer.from([0x31, 0x00])));
		let deep: Buffer = Buffer.from([0x05, 0x00]);
		for (let depth = 0; depth < 12_000; depth++) deep = deep.length < 60_000 ? wrap(0x30, deep) : deep;
		for (const bytes of [flat, names, deep, wrap(0x24, flat), Buffer.alloc(60_000, 0x30), Buffer.alloc(60_000, 0x80)]) {
			assert.equal(timed(() => parseCertificate(bytes)).kind, 'invalid');
			const result = timed(() => verifyTimestamp({ token: bytes, signature, authorities: [read(root)], nowMs }));
			assert.equal(result.kind, 'refused');
		}
	});

	function envelopeIn(bytes: Buffer) {
		const parsed = parseEnvelope(bytes);
		assert.ok(parsed.kind === 'envelope');
		return parsed.envelope;
	}
});
