// One rule as its YAML file says it. schemas/rule.schema.json is generated from here.
import * as z from 'zod';
import { attackPattern, attackTechniques } from './attack.ts';
import { factKinds } from './fact-kinds.ts';

const severity = z.enum(['info', 'low', 'medium', 'high', 'critical']);
const text = (max: number) => z.string().min(1).max(max);

/** Facts of a case: only what matters is written, the rest has defaults; `$NAME` as a digest stands for sha256(NAME). */
const partialFact = z.record(
	z.string().max(50),
	z.union([z.string().max(4096), z.number(), z.boolean(), z.array(z.string()).max(50)]),
);

const caseSchema = z.strictObject({
	name: text(200).describe('What the case shows.'),
	given: z
		.strictObject({
			opened: partialFact.optional(),
			processes: z.array(partialFact).max(50).optional(),
			files: z.array(partialFact).max(50).optional(),
			connections: z.array(partialFact).max(50).optional(),
			ptraces: z.array(partialFact).max(50).optional(),
			gaps: z.array(partialFact).max(50).optional(),
			products: z.array(partialFact).max(50).optional(),
			closed: partialFact.optional(),
			commit: z
				.record(z.string().max(4096), z.strictObject({ sha256: text(100), size: z.int().min(0) }))
				.nullable()
				.optional()
				.describe('What the repository holds: path to digest and size; null when it could not be resolved.'),
			denied: z.array(text(100)).max(50).optional().describe('Known-bad digests.'),
			strictSources: z.boolean().optional(),
		})
		.describe('The session.'),
	// biome-ignore lint/suspicious/noThenProperty: the word of a case's YAML; a list is no thenable
	then: z
		.array(
			z.strictObject({
				severity,
				path: z.string().max(4096).optional(),
				digest: text(100).optional(),
				attribution: z.enum(['certain', 'uncertain']).optional(),
				writer: text(200).optional().describe('exec_id of the writer that the finding must name.'),
			}),
		)
		.max(20)
		.describe('The findings of this rule, all of them; empty for a true negative.'),
});

export const ruleSchema = z
	.strictObject({
		id: z
			.string()
			.max(80)
			.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/)
			.describe('Also the name of its file and of its page.'),
		title: text(120).describe('One line for lists and alerts.'),
		description: text(4000).describe('What it looks for and why that matters.'),
		engine: z
			.enum(['cel', 'code'])
			.describe('cel: `when` decides on one fact. code: memory is needed; the core has a judge of that id.'),
		severity: severity.describe('Severity, where the rule does not grade it.'),
		severities: z.array(severity).max(5).optional().describe('code: the grades that the judge may give.'),
		attack: z
			.array(
				z
					.string()
					.regex(attackPattern)
					.refine(
						(id) => attackTechniques.has(id),
						'expected a technique of the shipped list (services/detect/src/rules/attack.ts)',
					),
			)
			.max(10)
			.describe('MITRE ATT&CK technique ids.'),
		references: z.array(z.url().max(500)).max(20).describe('Where to read more.'),
		on: z.array(z.enum(factKinds)).min(1).max(factKinds.length).describe('Fact kinds; all of one family for cel.'),
		only: z
			.strictObject({
				foreign: z
					.boolean()
					.optional()
					.describe('Only facts of processes outside (true) or inside (false) the session.'),
				digest: z.enum(['bad']).optional().describe('Only facts whose digest is known bad.'),
			})
			.optional()
			.describe('cel: what an index can exclude without evaluating `when`.'),
		hooks: z
			.array(z.string().regex(/^[A-Za-z0-9_:/.]+(\|[A-Za-z0-9_:/.]+)*$/))
			.max(20)
			.describe(
				'Hooks that it needs, alternatives separated by |. Not loaded: the rule reports that it could not see.',
			),
		when: text(4000)
			.optional()
			.describe('cel: condition on fact, process, session, repo, isBad(digest), isGood(digest).'),
		subject: z
			.array(text(50))
			.min(1)
			.max(6)
			.optional()
			.describe('cel: fields of the fact that make two hits one finding.'),
		evidence: text(300)
			.optional()
			.describe('cel: phrase of the evidence link; {field} of the fact, {process}, {target}, {writer}.'),
		explain: text(2000).describe('Template of the explanation in plain words.'),
		cases: z.array(caseSchema).min(2).max(50).describe('True positives and true negatives; a test runs them.'),
	})
	.check((ctx) => {
		const rule = ctx.value;
		const issue = (path: string, message: string): void => {
			ctx.issues.push({ code: 'custom', path: [path], message, input: rule });
		};
		if (rule.engine === 'cel' && (rule.when === undefined || rule.subject === undefined || rule.evidence === undefined))
			issue('when', 'expected when, subject and evidence in a rule of engine cel');
		if (rule.engine === 'code' && (rule.when !== undefined || rule.only !== undefined))
			issue('when', 'expected neither when nor only in a rule of engine code');
		if (!rule.cases.some((c) => c.then.length > 0)) issue('cases', 'expected at least one true positive');
		if (!rule.cases.some((c) => c.then.length === 0)) issue('cases', 'expected at least one true negative');
	});

export type Rule = z.infer<typeof ruleSchema>;
export type RuleCase = z.infer<typeof caseSchema>;

/** JSON Schema of a rule file, for editors; written to schemas/rule.schema.json. */
export function ruleJsonSchema(): Record<string, unknown> {
	const schema = z.toJSONSchema(ruleSchema, { target: 'draft-2020-12', io: 'input' }) as Record<string, unknown>;
	return { ...schema, title: 'Affidavit detection rule' };
}
