// The policy itself: who signed it, until when, what it says of its steps.
import type { MatrixCase } from '../case.ts';
import { scenario } from '../scenario.ts';

type Policy = Record<string, unknown>;

/** The policy changed before it is signed. */
const policy = (
	name: string,
	peer: MatrixCase['peer'],
	change: (policy: Policy) => unknown,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ policy: change }), more);

/** The text of the policy's payload changed before it is signed. */
const text = (
	name: string,
	peer: MatrixCase['peer'],
	payload: (text: string) => string,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ payload }), more);

const step = (p: Policy): Record<string, unknown> =>
	(p['steps'] as Record<string, Record<string, unknown>>)['build'] ?? {};
const withStep = (change: (step: Record<string, unknown>) => unknown) => (p: Policy) => ({
	...p,
	steps: { build: change(step(p)) },
});

export const policyCases: readonly MatrixCase[] = [
	scenario('a policy that has expired', 'reject', () => ({ expires: '2020-01-01T00:00:00Z' }), { says: /expired/ }),
	scenario(
		'a policy that expired a second ago',
		'reject',
		(m) => ({ expires: new Date(m.nowMs - 1000).toISOString() }),
		{
			says: /expired/,
		},
	),
	scenario('a policy that expires in a minute', 'accept', (m) => ({
		expires: new Date(m.nowMs + 60_000).toISOString(),
	})),
	scenario('an expiry with an offset', 'accept', () => ({ expires: '2099-01-01T00:00:00+14:00' })),
	scenario('an expiry with a fraction of a second', 'accept', () => ({ expires: '2099-01-01T00:00:00.5Z' })),
	scenario('an expiry without a time of day', 'reject', () => ({ expires: '2099-01-01' })),
	scenario('an expiry on a day that is none', 'reject', () => ({ expires: '2099-02-30T00:00:00Z' })),
	scenario('an expiry with a space', 'reject', () => ({ expires: '2099-01-01 00:00:00Z' })),
	policy('an expiry that is a number', 'reject', (p) => ({ ...p, expires: 4_070_908_800 })),
	policy('no expiry', 'reject', ({ expires, ...p }) => p),
	policy('an expiry of null', 'reject', (p) => ({ ...p, expires: null })),
	scenario('a policy signed by another key', 'reject', (m) => ({ signers: [{ key: m.builder }] })),
	scenario('a policy with a second, strange signature', 'accept', (m) => ({
		signers: [{ key: m.builder }, { key: m.owner }],
	})),
	scenario('a policy without a signature', 'reject', () => ({ signers: [] })),
	scenario('a policy changed after signing', 'reject', () => ({
		envelope: (e) => ({
			...e,
			payload: Buffer.from(Buffer.from(e.payload, 'base64').toString().replace('2099', '2098')).toString('base64'),
		}),
	})),
	scenario(
		'a policy under the payload type of in-toto',
		'accept',
		() => ({ payloadType: 'application/vnd.in-toto+json' }),
		{
			traps: ['foreign-payload-type'],
		},
	),
	scenario('a policy file that is no envelope', 'reject', () => ({ text: (t) => t.slice(0, -1) })),
	policy('a policy without steps', 'reject', (p) => ({ ...p, steps: {} })),
	policy('a policy without the field steps', 'reject', ({ steps, ...p }) => p),
	policy(
		'a step without attestations',
		'reject',
		withStep((s) => ({ ...s, attestations: [] })),
	),
	policy(
		'a step whose attestations are null',
		'reject',
		withStep((s) => ({ ...s, attestations: null })),
	),
	policy(
		'a step that is null',
		'reject',
		withStep(() => null),
	),
	policy('a step whose map key is another name', 'reject', (p) => ({ ...p, steps: { test: step(p) } })),
	policy(
		'a step whose name is another than its map key',
		'reject',
		withStep((s) => ({ ...s, name: 'test' })),
	),
	policy(
		'a step without a name',
		'reject',
		withStep(({ name, ...s }) => s),
	),
	policy(
		'a step that asks for a type that no one knows',
		'reject',
		withStep((s) => ({ ...s, attestations: [{ type: 'https://example.dev/x' }] })),
	),
	policy(
		'a Rego policy that is null',
		'accept',
		withStep((s) => ({
			...s,
			attestations: [{ type: 'https://witness.dev/attestations/product/v0.1', regopolicies: null }],
		})),
	),
	policy('two steps, one without a collection', 'reject', (p) => ({
		...p,
		steps: { build: step(p), test: { ...step(p), name: 'test' } },
	})),
	policy('unknown fields in the policy', 'accept', (p) => ({
		...p,
		note: 'for the release',
		steps: { build: { ...step(p), note: 1 } },
	})),
	policy(
		'differently-cased policy fields',
		'accept',
		({ steps, publickeys, ...p }) => ({ ...p, Steps: steps, PublicKeys: publickeys }),
		{
			traps: ['ambiguous-json'],
		},
	),
	policy('a root that cannot be read', 'reject', (p) => ({ ...p, roots: { x: { certificate: 'AAAA' } } })),
	policy('a timestamp authority that cannot be read', 'reject', (p) => ({
		...p,
		timestampauthorities: { x: { certificate: 'AAAA' } },
	})),
	policy('a public key in place of a root', 'reject', (p) => ({
		...p,
		roots: { x: { certificate: Object.values(p['publickeys'] as Record<string, { key: string }>)[0]?.key } },
	})),
	text('duplicate steps, the last without a functionary', 'reject', (t) =>
		t.replace(/\}$/, ',"steps":{"build":{"name":"build"}}}'),
	),
	text(
		'a duplicate expiry, the last one valid',
		'accept',
		(t) => t.replace('{"expires"', '{"expires":"2020-01-01T00:00:00Z","expires"'),
		{
			traps: ['ambiguous-json'],
		},
	),
	text('a duplicate expiry, the last one past', 'reject', (t) =>
		t.replace(/\}$/, ',"expires":"2020-01-01T00:00:00Z"}'),
	),
	text('a second map of steps that adds one', 'reject', (t) => t.replace(/\}$/, ',"steps":{"test":{"name":"test"}}}')),
	text('a second map of keys that adds one', 'accept', (t) => t.replace(/\}$/, ',"publickeys":{}}'), {
		traps: ['ambiguous-json'],
	}),
	text('data after the policy', 'reject', (t) => `${t} x`),
	text('a byte order mark before the policy', 'reject', (t) => `\uFEFF${t}`),
	text('a policy that is null', 'reject', () => 'null'),
	text('a policy that is an array', 'reject', () => '[]'),
	text('an empty policy', 'reject', () => '{}'),
	scenario('a policy with a byte that is no UTF-8', 'accept', () => ({
		payload: (t) => Buffer.from(`{"note":"\u00ff",${t.slice(1)}`, 'latin1'),
	})),
];
