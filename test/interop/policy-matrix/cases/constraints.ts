// Constraints on a certificate functionary: each field matching, not matching, '*', empty, several values; Fulcio's extensions.
import { fulcioExtension } from '../../../../packages/attest/test/authority.ts';
import type { MatrixCase } from '../case.ts';
import { rawExtension } from '../certificate-extensions.ts';
import { anything, certified } from '../certified.ts';

type Field = 'commonname' | 'dnsnames' | 'emails' | 'organizations' | 'uris';

/** The certificate's values in one field against the constraint's. */
const field = (peer: MatrixCase['peer'], of: Field, has: string[], wants: unknown): MatrixCase => {
	const leaf = {
		commonname: { name: has[0] ? `CN=${has[0]}` : '' },
		dnsnames: { dnsNames: has },
		emails: { emails: has },
		organizations: { name: ['CN=builder', ...has.map((o) => `O=${o}`)].join(', ') },
		uris: { uris: has },
	}[of];
	return certified(
		`${of}: a certificate of ${JSON.stringify(has)} against ${JSON.stringify(wants) ?? 'nothing'}`,
		peer,
		{
			leaf,
			constraint: { [of]: wants },
		},
	);
};

const a = 'a.example.dev';
const b = 'b.example.dev';
const spiffe = 'spiffe://example.dev/ci/builder';

const fulcio = (
	name: string,
	peer: MatrixCase['peer'],
	has: readonly [number, string][],
	extensions: unknown,
): MatrixCase =>
	certified(`Fulcio's extensions: ${name}`, peer, {
		leaf: { extensions: has.map(([arc, text]) => fulcioExtension(arc, text)) },
		constraint: { extensions },
	});

const issuer = 'https://token.example.dev';

export const constraintCases: readonly MatrixCase[] = [
	certified('a certificate under its root', 'accept', {}),
	certified('a constraint that says nothing', 'reject', {
		constraint: {
			commonname: undefined,
			dnsnames: undefined,
			emails: undefined,
			organizations: undefined,
			uris: undefined,
		},
	}),
	certified('a constraint that says nothing, on a certificate that has nothing', 'accept', {
		leaf: { name: '' },
		constraint: {
			commonname: undefined,
			dnsnames: undefined,
			emails: undefined,
			organizations: undefined,
			uris: undefined,
		},
	}),
	certified('fields of null in a constraint', 'reject', { leaf: { dnsNames: [a] }, constraint: { dnsnames: null } }),
	certified('a functionary without a constraint', 'reject', {
		scenario: () => ({ steps: [{ functionaries: [{ type: 'root' }] }] }),
	}),
	field('accept', 'commonname', ['builder'], 'builder'),
	field('reject', 'commonname', ['builder'], 'Builder'),
	field('reject', 'commonname', ['builder'], ''),
	field('reject', 'commonname', ['builder'], 'build*'),
	field('accept', 'commonname', [''], ''),
	field('reject', 'commonname', [''], 'builder'),
	field('accept', 'dnsnames', [a], [a]),
	field('reject', 'dnsnames', [a], [b]),
	field('reject', 'dnsnames', [a], ['*.example.dev']),
	field('reject', 'dnsnames', [a], []),
	field('reject', 'dnsnames', [a], ['']),
	field('accept', 'dnsnames', [], []),
	field('accept', 'dnsnames', [], ['']),
	field('reject', 'dnsnames', [], [a]),
	field('accept', 'dnsnames', [a, b], [b, a]),
	field('reject', 'dnsnames', [a, b], [a]),
	field('reject', 'dnsnames', [a], [a, b]),
	field('reject', 'dnsnames', [a, b], ['*', a]),
	field('accept', 'dnsnames', [a, b], ['*']),
	field('accept', 'dnsnames', [], ['*']),
	field('accept', 'dnsnames', [a], [a, a]),
	field('accept', 'emails', ['ci@example.dev'], ['ci@example.dev']),
	field('reject', 'emails', ['ci@example.dev'], ['CI@example.dev']),
	field('reject', 'emails', ['ci@example.dev'], []),
	field('accept', 'organizations', ['Example'], ['Example']),
	field('reject', 'organizations', ['Example'], ['Other']),
	field('accept', 'organizations', ['Example', 'Second'], ['Second', 'Example']),
	field('reject', 'organizations', ['Example', 'Example'], ['Example']),
	field('accept', 'uris', [spiffe], [spiffe]),
	field('reject', 'uris', [spiffe], ['spiffe://example.dev/ci/other']),
	field('reject', 'uris', [spiffe], ['spiffe://example.dev/ci/*']),
	field('accept', 'uris', ['https://example.dev/a%20b?x=1#f'], ['https://example.dev/a%20b?x=1#f']),
	certified('all fields at once', 'accept', {
		leaf: { dnsNames: [a], emails: ['ci@example.dev'], uris: [spiffe], name: 'CN=builder, O=Example' },
		constraint: {
			commonname: 'builder',
			dnsnames: [a],
			emails: ['ci@example.dev'],
			organizations: ['Example'],
			uris: [spiffe],
		},
	}),
	certified('the second of two functionaries, whose constraint holds', 'accept', {
		scenario: () => ({
			steps: [
				{
					functionaries: [
						{ type: 'root', certConstraint: { ...anything, commonname: 'other' } },
						{ type: 'root', certConstraint: anything },
					],
				},
			],
		}),
	}),
	certified('two functionaries, each of which holds half', 'reject', {
		leaf: { dnsNames: [a] },
		scenario: () => ({
			steps: [
				{
					functionaries: [
						{ type: 'root', certConstraint: { ...anything, commonname: 'other' } },
						{ type: 'root', certConstraint: { ...anything, dnsnames: [b] } },
					],
				},
			],
		}),
	}),
	fulcio('an issuer that matches', 'accept', [[8, issuer]], { issuer }),
	fulcio('an issuer by the deprecated extension', 'accept', [[1, issuer]], { Issuer: issuer }),
	fulcio('another issuer', 'reject', [[8, issuer]], { issuer: 'https://evil.example.dev' }),
	fulcio('an issuer that the certificate does not have', 'reject', [], { issuer }),
	fulcio('an issuer under a star, which it does not have', 'accept', [], { issuer: '*' }),
	fulcio('an empty constraint', 'accept', [[8, issuer]], { issuer: '' }),
	fulcio('a star within', 'accept', [[8, issuer]], { issuer: 'https://*.example.dev' }),
	fulcio('a star over slashes', 'accept', [[12, 'https://git.example.dev/team/app']], {
		SourceRepositoryURI: 'https://git.example.dev/*',
	}),
	fulcio('a star that ends too early', 'reject', [[12, 'https://git.example.dev/team/app']], {
		SourceRepositoryURI: 'https://git.example.dev/*/x',
	}),
	fulcio('a question mark', 'accept', [[14, 'refs/heads/v1']], { SourceRepositoryRef: 'refs/heads/v?' }),
	fulcio('a class', 'accept', [[14, 'refs/heads/v1']], { SourceRepositoryRef: 'refs/heads/v[0-9]' }),
	fulcio('a negated class', 'reject', [[14, 'refs/heads/v1']], { SourceRepositoryRef: 'refs/heads/v[!0-9]' }),
	fulcio('alternatives', 'accept', [[14, 'refs/heads/main']], { SourceRepositoryRef: 'refs/heads/{main,release}' }),
	fulcio('alternatives of which none matches', 'reject', [[14, 'refs/heads/x']], {
		SourceRepositoryRef: 'refs/heads/{main,release}',
	}),
	fulcio('an escaped star', 'reject', [[14, 'refs/heads/x']], { SourceRepositoryRef: 'refs/heads/\\*' }),
	fulcio('a glob that cannot be read', 'reject', [[14, 'refs/heads/x']], { SourceRepositoryRef: 'refs/[a' }),
	fulcio('a field in another case', 'reject', [[14, 'refs/heads/x']], { sourcerepositoryref: 'refs/heads/y' }),
	fulcio('a field that there is not', 'accept', [[14, 'refs/heads/x']], { nothing: 'y' }),
	fulcio(
		'two fields, one wrong',
		'reject',
		[
			[8, issuer],
			[20, 'push'],
		],
		{ issuer, BuildTrigger: 'pull_request' },
	),
	fulcio(
		'two fields, both right',
		'accept',
		[
			[8, issuer],
			[20, 'push'],
		],
		{ issuer, BuildTrigger: 'push' },
	),
	fulcio(
		'both issuers, the newer one last',
		'accept',
		[
			[1, 'https://old.example.dev'],
			[8, issuer],
		],
		{ issuer },
	),
	certified("Fulcio's extensions: one that cannot be read", 'reject', {
		leaf: { extensions: [rawExtension('1.3.6.1.4.1.57264.1.8', false, Buffer.from('no DER'))] },
	}),
	certified("Fulcio's extensions: a deprecated one of any bytes", 'accept', {
		leaf: { extensions: [rawExtension('1.3.6.1.4.1.57264.1.2', false, Buffer.from([0xff, 0x00]))] },
	}),
];
