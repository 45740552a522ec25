// The kinds of facts that a rule can be `on`, and the families whose facts share one shape in CEL.

export const fileKinds = [
	'read',
	'write',
	'open_write',
	'truncate',
	'execute',
	'map',
	'rename',
	'remove',
	'link',
] as const;
export const networkKinds = ['connect', 'bind'] as const;
export const traceKinds = ['ptrace', 'vmwrite'] as const;
export const factKinds = [...fileKinds, ...networkKinds, ...traceKinds, 'process', 'gap'] as const;

export type FactKind = (typeof factKinds)[number];
export type FactFamily = 'file' | 'network' | 'trace' | 'process' | 'gap';

export function familyOf(kind: FactKind): FactFamily {
	switch (kind) {
		case 'connect':
		case 'bind':
			return 'network';
		case 'ptrace':
		case 'vmwrite':
			return 'trace';
		case 'process':
		case 'gap':
			return kind;
		default:
			return 'file';
	}
}
