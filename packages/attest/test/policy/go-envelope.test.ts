import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readGoEnvelope } from '../../src/policy/go-envelope.ts';

const read = (text: string) => readGoEnvelope(Buffer.from(text));
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const json = (fields: Record<string, unknown>): string =>
	JSON.stringify({ payload: b64('hello'), payloadType: 't', signatures: [{ keyid: 'k', sig: b64('s') }], ...fields });

function payloadOf(text: string): { payload: string; ambiguity: string } {
	const envelope = read(text);
	assert.equal(envelope.kind, 'envelope', `${text.slice(0, 80)}: ${JSON.stringify(envelope).slice(0, 200)}`);
	if (envelope.kind !== 'envelope') return { payload: '', ambiguity: '' };
	return { payload: Buffer.from(envelope.envelope.payload).toString(), ambiguity: envelope.ambiguity };
}

test('the payload is the one that Go reads', () => {
	const whole = json({});
	const cases: [text: string, payload: string, ambiguous: boolean][] = [
		[whole, 'hello', false],
		[JSON.stringify(JSON.parse(whole), null, 2), 'hello', false],
		[whole.replace('"payload"', '"Payload"'), 'hello', true],
		[whole.replace('"payload"', '"p\\u0061yload"'), 'hello', false],
		[`${whole.slice(0, -1)},"PAYLOAD":"${b64('other')}"}`, 'other', true],
		[`${whole.slice(0, -1)},"PAYLOAD":""}`, '', true],
		[`${whole.slice(0, -1)},"payload":null}`, '', true],
		[`${whole.slice(0, -1)},"dsseEnvelope":{"payload":"${b64('other')}"}}`, 'hello', false],
		[`{"dsseEnvelope":${whole},"payload":""}`, '', false],
		[whole.replace(b64('hello'), 'aGVs\\nbG8='), 'hello', false],
		[json({ payload: [104, 105] }), 'hi', true],
		[json({ extra: { payload: b64('other') }, list: [{ payload: 1 }] }), 'hello', false],
		['{}', '', false],
	];
	for (const [text, payload, ambiguous] of cases) {
		const found = payloadOf(text);
		assert.equal(found.payload, payload, text);
		assert.equal(found.ambiguity !== '', ambiguous, text);
	}
});

test('a long payload is the same as a short one', () => {
	fc.assert(
		fc.property(fc.uint8Array({ minLength: 60_000, maxLength: 70_000 }), (bytes) => {
			const payload = Buffer.from(bytes).toString('base64');
			const found = readGoEnvelope(Buffer.from(json({ payload })));
			assert.ok(found.kind === 'envelope');
			assert.deepEqual(Buffer.from(found.envelope.payload), Buffer.from(bytes));
		}),
		{ numRuns: 10 },
	);
});

test('certificates, intermediates and timestamps come as bytes', () => {
	const signature = {
		sig: b64('s'),
		certificate: b64('c'),
		intermediates: [b64('i'), null],
		timestamps: [{ type: 'tsp', data: b64('d') }],
	};
	const found = read(json({ signatures: [signature, { sig: null, certificate: '' }] }));
	assert.ok(found.kind === 'envelope');
	const [first, second] = found.envelope.signatures;
	assert.equal(String(first?.certificate), 'c');
	assert.deepEqual(first?.intermediates?.map(String), ['i', '']);
	assert.equal(String(first?.timestamps?.[0]?.data), 'd');
	assert.equal(first?.keyid, '');
	assert.equal(second?.certificate, undefined);
	assert.equal(second?.sig.length, 0);
});

test('what is no envelope is refused, a Sigstore bundle is told apart', () => {
	const cases: [string, RegExp][] = [
		['', /unexpected end/],
		['[]', /expected an object/],
		['nonsense', /not a JSON text/],
		[json({ payload: 'a_-=' }), /payload: expected base64/],
		[json({ payload: 5 }), /payload/],
		[json({ signatures: {} }), /signatures: expected an array/],
		[json({ signatures: [{ sig: '*' }] }), /signatures\[0\]\.sig/],
		[json({ signatures: Array.from({ length: 65 }, () => ({ sig: '' })) }), /at most 64/],
		[json({ signatures: [{ sig: '', intermediates: Array.from({ length: 17 }, () => '') }] }), /intermediates/],
	];
	for (const [text, reason] of cases) {
		const found = read(text);
		assert.ok(found.kind === 'invalid', text);
		assert.match(found.reason, reason);
	}
	const bundle = JSON.stringify({ mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json', dsseEnvelope: {} });
	assert.equal(read(bundle).kind, 'sigstore-bundle');
});

test('no change of an envelope makes it throw', () => {
	const text = json({});
	fc.assert(
		fc.property(fc.nat(text.length), fc.string({ maxLength: 4 }), fc.nat(6), (at, put, cut) => {
			assert.match(read(text.slice(0, at) + put + text.slice(at + cut)).kind, /envelope|invalid|sigstore-bundle/);
		}),
		{ numRuns: 1000 },
	);
});
