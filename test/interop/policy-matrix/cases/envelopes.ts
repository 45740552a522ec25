// Envelopes that were altered, signed several times, or written in another way.
import type { MatrixCase } from '../case.ts';
import type { EnvelopeFields } from '../maker.ts';
import { scenario } from '../scenario.ts';

/** The collection's envelope, changed after it was signed. */
const altered = (
	name: string,
	peer: MatrixCase['peer'],
	envelope: (envelope: EnvelopeFields) => unknown,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ collections: [{ envelope }] }), more);

/** The collection's file, changed as a text. */
const rewritten = (
	name: string,
	peer: MatrixCase['peer'],
	text: (text: string) => string,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ collections: [{ text }] }), more);

const flip = (base64: string, at: number): string => {
	const bytes = Buffer.from(base64, 'base64');
	bytes[at] = (bytes[at] ?? 0) ^ 1;
	return bytes.toString('base64');
};

const onSignature = (change: (sig: string) => string) => (e: EnvelopeFields) => ({
	...e,
	signatures: e.signatures.map((s) => ({ ...s, sig: change(s.sig) })),
});

/** base64 in lines of 64, as openssl writes it. */
const inLines = (base64: string): string => base64.replaceAll(/(.{64})/g, '$1\n');

export const envelopeCases: readonly MatrixCase[] = [
	scenario('an honest build', 'accept', () => ({})),
	scenario('another artifact', 'reject', () => ({ artifact: 'other' })),
	altered('a payload with one word changed', 'reject', (e) => ({
		...e,
		payload: Buffer.from(Buffer.from(e.payload, 'base64').toString().replace('make', 'fake')).toString('base64'),
	})),
	altered('a payload with a space after it', 'reject', (e) => ({
		...e,
		payload: Buffer.concat([Buffer.from(e.payload, 'base64'), Buffer.from(' ')]).toString('base64'),
	})),
	altered('a payload type changed after signing', 'reject', (e) => ({ ...e, payloadType: 'application/json' })),
	altered(
		'a signature with one bit changed',
		'reject',
		onSignature((sig) => flip(sig, 10)),
	),
	altered(
		'a signature cut short',
		'reject',
		onSignature((sig) => Buffer.from(sig, 'base64').subarray(0, 63).toString('base64')),
	),
	altered(
		'an empty signature',
		'reject',
		onSignature(() => ''),
	),
	altered('no signature at all', 'reject', (e) => ({ ...e, signatures: [] })),
	altered('signatures that are null', 'reject', (e) => ({ ...e, signatures: null })),
	altered('a good signature after a bad one', 'accept', (e) => ({
		...e,
		signatures: [{ keyid: 'x', sig: 'AAAA' }, ...e.signatures],
	})),
	altered('a good signature before a bad one', 'accept', (e) => ({
		...e,
		signatures: [...e.signatures, { keyid: 'x', sig: 'AAAA' }],
	})),
	altered('the same signature twice', 'accept', (e) => ({ ...e, signatures: [...e.signatures, ...e.signatures] })),
	altered('a good signature with a certificate that cannot be read', 'reject', (e) => ({
		...e,
		signatures: e.signatures.map((s) => ({ ...s, certificate: 'AAAA' })),
	})),
	altered('a good signature with an empty certificate', 'accept', (e) => ({
		...e,
		signatures: e.signatures.map((s) => ({ ...s, certificate: '', intermediates: null, timestamps: [] })),
	})),
	altered('a good signature with a timestamp that is none', 'accept', (e) => ({
		...e,
		signatures: e.signatures.map((s) => ({ ...s, timestamps: [{ type: 'tsp', data: 'AAAA' }] })),
	})),
	scenario('signatures of two keys, both functionaries', 'accept', (m) => ({
		keys: [m.builder, m.owner],
		steps: [{ functionaries: [m.builder, m.owner].map((k) => ({ type: 'publickey', publickeyid: k.keyId })) }],
		collections: [{ signers: [{ key: m.owner }, { key: m.builder }] }],
	})),
	scenario('signatures of two keys, one of them listed', 'accept', (m) => ({
		collections: [{ signers: [{ key: m.key('p256', 'other') }, { key: m.builder }] }],
	})),
	scenario(
		'the payload type application/json, signed',
		'accept',
		() => ({ collections: [{ payloadType: 'application/json' }] }),
		{
			traps: ['foreign-payload-type'],
		},
	),
	scenario('an empty payload type, signed', 'accept', () => ({ collections: [{ payloadType: '' }] }), {
		traps: ['foreign-payload-type'],
	}),
	scenario(
		'a payload type beyond ASCII, signed',
		'accept',
		() => ({ collections: [{ payloadType: 'application/ü' }] }),
		{
			traps: ['foreign-payload-type'],
		},
	),
	rewritten('base64 with line ends', 'accept', (text) => {
		const e = JSON.parse(text) as EnvelopeFields;
		return JSON.stringify({
			...e,
			payload: inLines(e.payload),
			signatures: e.signatures.map((s) => ({ ...s, sig: inLines(s.sig) })),
		});
	}),
	altered(
		'base64 without padding',
		'reject',
		onSignature((sig) => sig.replaceAll('=', '')),
	),
	altered('base64 with the URL-safe alphabet', 'reject', (e) => ({
		...e,
		payload: `${e.payload.slice(0, 4)}-_${e.payload.slice(6)}`,
	})),
	altered(
		'base64 with a space',
		'reject',
		onSignature((sig) => ` ${sig}`),
	),
	altered('a payload that is an object', 'reject', (e) => ({ ...e, payload: {} })),
	altered(
		'a payload that is an array of bytes',
		'accept',
		(e) => ({ ...e, payload: [...Buffer.from(e.payload, 'base64')] }),
		{
			traps: ['ambiguous-json'],
		},
	),
	altered('a keyid that is a number', 'reject', (e) => ({
		...e,
		signatures: e.signatures.map((s) => ({ ...s, keyid: 1 })),
	})),
	altered('a keyid that is null', 'accept', (e) => ({
		...e,
		signatures: e.signatures.map((s) => ({ ...s, keyid: null })),
	})),
	altered('unknown fields in the envelope', 'accept', (e) => ({ ...e, extra: { deep: [1] } })),
	rewritten('an envelope with white space around it', 'accept', (text) => `\n\t ${text} \r\n`),
	rewritten('a byte order mark before the envelope', 'reject', (text) => `\uFEFF${text}`),
	rewritten('data after the envelope', 'reject', (text) => `${text}x`),
	rewritten('a second envelope after the first', 'reject', (text) => `${text}\n${text}`),
	rewritten('an empty file', 'reject', () => ''),
	rewritten('a file of null', 'reject', () => 'null'),
	rewritten('a file of an array', 'reject', (text) => `[${text}]`),
	rewritten('a Sigstore bundle around the envelope', 'reject', (text) => `{"dsseEnvelope":${text}}`),
	rewritten(
		'differently-cased envelope fields',
		'accept',
		(text) => text.replace('"payload"', '"PAYLOAD"').replace('"sig"', '"Sig"'),
		{
			traps: ['ambiguous-json'],
		},
	),
	rewritten(
		'a duplicate payload, the signed one last',
		'accept',
		(text) => text.replace('{"payload"', '{"payload":"AAAA","payload"'),
		{
			traps: ['ambiguous-json'],
		},
	),
	rewritten('a duplicate payload, the signed one first', 'reject', (text) => `${text.slice(0, -1)},"payload":"AAAA"}`),
	rewritten(
		'a duplicate payload of null after the signed one',
		'reject',
		(text) => `${text.slice(0, -1)},"payload":null}`,
	),
	rewritten(
		'a duplicate payloadType of null after the signed one',
		'accept',
		(text) => `${text.slice(0, -1)},"payloadType":null}`,
		{
			traps: ['ambiguous-json'],
		},
	),
	rewritten(
		'a duplicate of signatures, an empty list last',
		'reject',
		(text) => `${text.slice(0, -1)},"signatures":[]}`,
	),
	rewritten(
		'a field name in fullwidth folding',
		'accept',
		(text) => text.replace('"signatures"', '"\u017Fignatures"'),
		{
			traps: ['ambiguous-json'],
		},
	),
];
