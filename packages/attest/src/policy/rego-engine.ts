// What the policy engine asks of a Rego engine; packages/rego is one, an `opa` binary the other (cli).

export interface RegoSource {
	/** The policy's name of the module. */
	name: string;
	text: string;
}

/** A read of `input` that found nothing and so ended a rule. */
export interface MissingRead {
	/** Path with `*` for iterated keys: input.processes[*].programdigest.sha256 */
	path: string;
	/** Module, row of the expression. */
	module: string;
	row: number;
	/** How often. */
	count: number;
	/** Concrete path of the first: input.processes[3].programdigest */
	example: string;
}

export interface BuiltinFailure {
	/** regex.match, to_number, ... */
	builtin: string;
	module: string;
	row: number;
	count: number;
	reason: string;
}

/** The value of one package's `deny` for one input. */
export type DenyValue =
	| { kind: 'undefined' }
	/** Reasons of a set or array of strings, in Rego's order. */
	| { kind: 'reasons'; reasons: string[] }
	/** Boolean, object, or a set with something other than strings. */
	| { kind: 'other'; found: string };

export interface PackageAnswer {
	/** data.<path> */
	package: string;
	modules: string[];
	/** True when some module of the package defines a rule `deny`. */
	hasDeny: boolean;
	deny: DenyValue;
	/** Empty when the engine cannot tell (opa). */
	missing: MissingRead[];
	builtinFailures: BuiltinFailure[];
}

export type RegoAnswer =
	/** In the order in which the packages first appear. */
	| { kind: 'answer'; packages: PackageAnswer[] }
	/** A module that does not parse or compile, lies outside the subset, runs into a limit or a conflict: module, row, reason. */
	| { kind: 'refused'; reasons: string[] };

export interface RegoEngine {
	/** affidavit, or opa with its version. */
	name: string;
	/** False when `missing` is always empty: strict mode then says that missing fields were not looked for. */
	tellsMissing: boolean;
	evaluate(request: RegoRequest): Promise<RegoAnswer>;
}

export interface RegoRequest {
	modules: readonly RegoSource[];
	/** JSON value of the attestor. */
	input: unknown;
	/** Unix time in nanoseconds for time.now_ns. */
	nowNs: bigint;
	/** What all evaluations of one verification may take together; an engine that counts its steps takes them from it. */
	allowance?: { steps: number };
}
