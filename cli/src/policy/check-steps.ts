// Steps of a policy: functionaries, their constraints, required types, where materials come from.
import { attestorType } from '@affidavit/attest/policy/attestors/registry.ts';
import { circularStep } from '@affidavit/attest/policy/step-circles.ts';
import { quote } from '@affidavit/attest/statement.ts';
import { runtimeTracePredicateType } from '@affidavit/attest/type-uris.ts';
import { fulcioNames } from '@affidavit/attest/x509/fulcio.ts';
import type { CertConstraint, PolicyDocument, PolicyFunctionary, PolicyStep } from './document.ts';
import { error, type Report, warning } from './finding.ts';

const known: ReadonlySet<string> = new Set(fulcioNames.map((name) => name.toLowerCase()));

export function checkSteps(document: PolicyDocument, report: Report): void {
	const { steps } = document;
	if (steps.length === 0)
		report(error('steps-none', 'steps', 'a policy without steps proves nothing, and Witness accepts nothing by it'));
	for (const step of steps) {
		const place = placeOf(step);
		if (step.name !== step.id)
			report(error('step-name-mismatch', `${place}.name`, `is ${quote(step.name)}: no collection can be of both`));
		if (step.functionaries.length === 0)
			report(error('step-without-functionaries', place, 'nobody may sign for this step'));
		for (const [i, functionary] of step.functionaries.entries())
			checkFunctionary(functionary, `${place}.functionaries[${i}]`, document, report);
		checkTypes(step, report);
		checkTraces(step, report);
		for (const [i, from] of step.artifactsFrom.entries())
			if (!steps.some((other) => other.id === from))
				report(error('artifacts-from-unknown-step', `${place}.artifactsFrom[${i}]`, `no step ${quote(from)}`));
	}
	checkCycles(steps, report);
}

/** Also of a source's step: both name one place alike. */
export const placeOf = ({ id }: Pick<PolicyStep, 'id'>): string =>
	`steps.${/^[\w./-]{1,100}$/.test(id) ? id : quote(id)}`;

function checkTypes(step: PolicyStep, report: Report): void {
	const place = placeOf(step);
	if (step.attestations.length === 0)
		report(error('step-without-types', place, 'no attestation type is required: Witness refuses every collection'));
	const seen = new Set<string>();
	for (const [i, { type }] of step.attestations.entries()) {
		const where = `${place}.attestations[${i}].type`;
		if (attestorType(type) === undefined) report(error('type-unknown', where, `Witness knows no type ${quote(type)}`));
		if (seen.has(type)) report(warning('type-repeated', where, `${quote(type)} is required above already`));
		seen.add(type);
	}
}

/** Rules that only `affidavit verify` asks, and only of its own statements. */
function checkTraces(step: PolicyStep, report: Report): void {
	for (const [i, { type, regopolicies }] of step.traces.entries()) {
		const place = `${placeOf(step)}.traces[${i}]`;
		if (type !== runtimeTracePredicateType)
			report(error('type-unknown', `${place}.type`, `expected ${runtimeTracePredicateType}, found ${quote(type)}`));
		if (regopolicies.length === 0)
			report(warning('trace-without-rules', place, 'asks that there is a trace, and nothing of it'));
	}
}

function checkFunctionary(
	functionary: PolicyFunctionary,
	place: string,
	document: PolicyDocument,
	report: Report,
): void {
	const { type, publickeyid, certConstraint } = functionary;
	const byKey = publickeyid !== '';
	if (type !== 'publickey' && type !== 'root')
		report(
			warning(
				'functionary-kind',
				place,
				`type is ${quote(type)}, expected publickey or root; Witness does not look at it`,
			),
		);
	if (byKey && !document.publickeys.some((key) => key.keyid === publickeyid))
		report(error('functionary-unknown-key', place, `no public key ${quote(publickeyid)} in the policy`));
	if (certConstraint.roots.length > 0) checkConstraint(certConstraint, `${place}.certConstraint`, document, report);
	else if (!byKey)
		report(error('constraint-never-met', place, 'names neither a key nor a root: nobody can be this functionary'));
}

function checkConstraint(constraint: CertConstraint, place: string, document: PolicyDocument, report: Report): void {
	const { roots, extensions } = constraint;
	const anyRoot = roots.length === 1 && roots[0] === '*';
	for (const id of anyRoot ? [] : roots)
		if (!document.roots.some((root) => root.id === id))
			report(error('functionary-unknown-root', `${place}.roots`, `no root ${quote(id)} in the policy`));
	if (anyRoot && document.roots.length === 0)
		report(error('constraint-never-met', `${place}.roots`, 'any root will do, but the policy has none'));
	for (const list of ['dnsnames', 'emails', 'organizations', 'uris'] as const)
		if (constraint[list].length > 1 && constraint[list].includes('*'))
			report(
				error(
					'constraint-never-met',
					`${place}.${list}`,
					'"*" stands for anything only when it is alone; here it is a name like the others',
				),
			);
	if (isEmpty(constraint))
		report(
			warning(
				'constraint-empty',
				place,
				'an empty list means none: only a certificate without any name meets this; "*" means any',
			),
		);
	for (const [name] of extensions)
		if (!known.has(name.toLowerCase()))
			report(
				error(
					'constraint-unknown-extension',
					`${place}.extensions`,
					`Witness knows no extension ${quote(name)}, so it asks for nothing`,
				),
			);
	if (extensions.length > 0 && document.timestampauthorities.length === 0)
		report(
			warning(
				'timestamps-missing',
				'timestampauthorities',
				"Fulcio's certificates live ten minutes: without a timestamp authority nothing is accepted after that",
			),
		);
}

const isEmpty = ({ commonname, dnsnames, emails, organizations, uris }: CertConstraint): boolean =>
	commonname === '' && [dnsnames, emails, organizations, uris].every((list) => list.every((name) => name === ''));

function checkCycles(steps: readonly PolicyStep[], report: Report): void {
	const ids = new Set(steps.map((step) => step.id));
	const circular = circularStep(
		steps.map(({ id, artifactsFrom }) => ({ name: id, artifactsFrom: artifactsFrom.filter((from) => ids.has(from)) })),
	);
	const step = steps.find(({ id }) => id === circular);
	if (step)
		report(
			error(
				'artifacts-from-cycle',
				`${placeOf(step)}.artifactsFrom`,
				'the materials of this step come, over others, from itself: `affidavit verify` accepts none of them',
			),
		);
}
