// What a binary is to a build: data in the YAML files beside this one, matched once per binary.
import { baseName } from '@affidavit/model/paths.ts';
import * as z from 'zod';
import { DetectError } from '../core/errors.ts';

const idPattern = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const name = z.string().min(1).max(200);

const toolSchema = z.strictObject({
	id: z.string().regex(idPattern).describe('Name of the entry, unique in the catalogue.'),
	kind: z
		.enum(['compiler', 'assembler', 'linker', 'archiver', 'interpreter', 'driver', 'build-tool'])
		.describe(
			'driver: starts the compiler, assembler and linker of one compilation (gcc). build-tool: starts many of them (make, go).',
		),
	inputs: z
		.enum(['workspace', 'committed', 'none'])
		.describe(
			'Which of its reads in the workspace count as inputs: all of them, only files that the commit holds, or none.',
		),
	names: z.array(name).min(1).max(100).describe('Names of the executable; * stands for any characters.'),
	paths: z
		.array(name)
		.max(50)
		.optional()
		.describe('The whole path must match one of these too; * stands for any characters, also /.'),
	arguments: z.array(name).max(50).optional().describe('The arguments must contain one of these texts.'),
});

export const catalogueFileSchema = z.strictObject({
	description: z.string().min(1).max(2000).describe('What the file is about.'),
	tools: z.array(toolSchema).min(1).max(500).describe('First match wins, files in order of their names.'),
});

export type Tool = z.infer<typeof toolSchema>;
export type ToolKind = Tool['kind'];

export interface Catalogue {
	/** For the rule set's canonical form. */
	tools: readonly Tool[];
	classify(binary: string, args: string): Tool | null;
}

interface Matcher {
	tool: Tool;
	names: RegExp;
	paths: RegExp | null;
}

/** Binaries whose candidates are remembered; a build has some hundreds. */
const rememberedBinariesMax = 10_000;

/** `files`: parsed YAML by file name. Throws DetectError('catalogue-invalid') naming file, field and reason. */
export function createCatalogue(files: ReadonlyMap<string, unknown>): Catalogue {
	const tools: Tool[] = [];
	const origin = new Map<string, string>();
	for (const [file, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
		const parsed = catalogueFileSchema.safeParse(content);
		if (!parsed.success) {
			const issue = parsed.error.issues[0];
			throw new DetectError('catalogue-invalid', `${file}: ${issue?.path.join('.')}: ${issue?.message}`);
		}
		for (const tool of parsed.data.tools) {
			const other = origin.get(tool.id);
			if (other !== undefined)
				throw new DetectError(
					'catalogue-invalid',
					`${file}: tools: id ${tool.id}: already in ${other}; expected a new id`,
				);
			origin.set(tool.id, file);
			tools.push(tool);
		}
	}
	return { tools, classify: createClassifier(tools) };
}

function createClassifier(tools: readonly Tool[]): Catalogue['classify'] {
	const matchers: Matcher[] = tools.map((tool) => ({
		tool,
		names: globs(tool.names),
		paths: tool.paths ? globs(tool.paths) : null,
	}));
	const candidatesOf = new Map<string, readonly Tool[]>();
	const candidates = (binary: string): readonly Tool[] => {
		const known = candidatesOf.get(binary);
		if (known) return known;
		const base = baseName(binary);
		const found = matchers
			.filter((m) => m.names.test(base) && (m.paths === null || m.paths.test(binary)))
			.map((m) => m.tool);
		if (candidatesOf.size >= rememberedBinariesMax) candidatesOf.clear();
		candidatesOf.set(binary, found);
		return found;
	};
	return (binary, args) => {
		for (const tool of candidates(binary)) {
			if (!tool.arguments || tool.arguments.some((text) => args.includes(text))) return tool;
		}
		return null;
	};
}

/** One expression for all patterns; the stars are greedy and unanchored texts short, so matching stays linear in practice. */
function globs(patterns: readonly string[]): RegExp {
	const escaped = patterns.map((p) =>
		p
			.split('*')
			.map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
			.join('[^]*'),
	);
	return new RegExp(`^(?:${escaped.join('|')})$`);
}
