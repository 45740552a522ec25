// A functionary's constraint on a certificate (go-witness policy/constraints.go): each kind of name must be just the listed
// ones, `*` alone allows any, and none listed means that the certificate must have none.
import { quote } from '../statement.ts';
import type { Certificate } from '../x509/certificate.ts';
import type { Glob } from './glob.ts';
import { matchGlob } from './glob.ts';

export interface CertificateConstraint {
	commonName: string;
	dnsNames: string[];
	emails: string[];
	organizations: string[];
	uris: string[];
	/** Ids of the policy's roots; `*` alone for any of them. */
	roots: string[];
	/** Fulcio's extensions by Witness's names; empty ones constrain nothing. */
	extensions: { name: string; pattern: string; glob: Glob }[];
}

export const allowAll = '*';

/** What the certificate does not meet, a sentence each; the roots are judged elsewhere. */
export function unmetConstraints(constraint: CertificateConstraint, certificate: Certificate): string[] {
	const unmet = [
		checkNames('common name', [constraint.commonName], [certificate.commonName]),
		checkNames('dns name', constraint.dnsNames, certificate.dnsNames),
		checkNames('email', constraint.emails, certificate.emails),
		checkNames('organization', constraint.organizations, certificate.organizations),
		checkNames('uri', constraint.uris, certificate.uris),
		checkExtensions(constraint, certificate),
	];
	return unmet.filter((reason) => reason !== '');
}

/** '' when the values are the constraints. */
export function checkNames(kind: string, constraints: readonly string[], values: readonly string[]): string {
	if (constraints.length === 1 && constraints[0] === allowAll) return '';
	// A single empty text stands for none, on either side.
	const expected = constraints.length === 1 && constraints[0] === '' ? [] : constraints;
	const found = values.length === 1 && values[0] === '' ? [] : values;
	if (expected.length === 0 && found.length > 0)
		return `not expecting any ${kind}(s), but cert has ${found.length} ${kind}(s): ${some(found)}`;
	const unmet = new Set(expected);
	for (const value of found)
		if (!unmet.delete(value))
			return `cert has an unexpected ${kind} ${quote(value)} given constraints ${some(expected)}`;
	return unmet.size > 0 ? `cert lacks the ${kind}(s) ${some([...unmet])}` : '';
}

function checkExtensions({ extensions }: CertificateConstraint, certificate: Certificate): string {
	// The real engine reads them even when nothing is asked of them.
	if (certificate.fulcioReason !== '') return `error parsing fulcio cert extensions: ${certificate.fulcioReason}`;
	for (const { name, pattern, glob } of extensions) {
		const value = certificate.fulcio.get(name) ?? '';
		if (!matchGlob(glob, value))
			return `cert field ${name} is ${quote(value)} and doesn't match constraint ${quote(pattern)}`;
	}
	return '';
}

const shownMax = 5;
const some = (names: readonly string[]): string => {
	const shown = names.slice(0, shownMax).map(quote).join(', ');
	return names.length > shownMax ? `${shown} and ${names.length - shownMax} more` : shown || 'none';
};
